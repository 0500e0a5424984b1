using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Restores;

namespace DbBackup.Upgrades.Targets;

/// <summary>All databases and roles of a PostgreSQL server that gets another major version.</summary>
/// <param name="connection">The server, and the database in which checks run.</param>
/// <param name="rehearsal">Where a rehearsal loads a backup.</param>
/// <param name="request">The upgrade.</param>
/// <param name="copy">Ends the rehearsal; null for the real server.</param>
internal sealed class ServerUpgradeTarget(PostgreSqlConnectionRequest connection, IServerRehearsal rehearsal, UpgradeRequest request, IAsyncDisposable? copy = null) : IUpgradeTarget
{
    private const string InvalidIndexesSql =
        "SELECT 'index ' || string_agg(indexrelid::regclass::text, ', ') || ' is not valid' FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE NOT indisvalid AND c.relkind = 'i' HAVING count(*) > 0";

    // A check's psql reaches the server by its address; in a container it does without.
    public IReadOnlyDictionary<string, string?> Environment => rehearsal.Upgraded is null ? new Dictionary<string, string?>() : PostgreSqlConnectionSettings.Resolve(connection).ToToolEnvironment();

    public IReadOnlyDictionary<string, string> Mounts => new Dictionary<string, string>();

    public string? WhyNoCopy => null;

    public IUpgradeTarget Upgraded => rehearsal.Upgraded is { } upgraded ? new ServerUpgradeTarget(upgraded with { Database = connection.Database }, rehearsal, request) : this;

    public BackupIntent Intent => new BackupIntent.OfServer(connection with { Database = null }, new DatabaseChoice.WholeServer([]), new PostgreSqlDumpOptions { LockTimeout = request.LockTimeout });

    public async Task<SchemaRevision> RevisionAsync(CancellationToken cancellationToken)
    {
        using PostgreSqlSession session = await TrialServer.OpenAsync(connection, cancellationToken).ConfigureAwait(false);
        return new SchemaRevision { Target = session.Server.LocationOf(null), Engine = PostgreSqlSource.EngineName, Revision = $"PostgreSQL {session.ServerVersion}" };
    }

    // No migration waits for locks: applications are stopped, and the server runs without a network.
    public Task<string?> FindHolderAsync(CancellationToken cancellationToken) => Task.FromResult<string?>(null);

    public async Task<string?> FindDamageAsync(CancellationToken cancellationToken)
    {
        PostgreSqlConnectionSettings settings = await PostgreSqlServer.ResolveAsync(connection, cancellationToken).ConfigureAwait(false);
        foreach (string database in await PostgreSqlServer.DatabasesAsync(settings, cancellationToken).ConfigureAwait(false))
        {
            using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(settings, database, cancellationToken).ConfigureAwait(false);
            if (await session.TextAsync(InvalidIndexesSql, "checking the database", cancellationToken).ConfigureAwait(false) is { } damage)
                return $"{damage} (database '{database}')";
        }

        return null;
    }

    public async Task<IReadOnlySet<string>?> FilledTablesAsync(Payload payload, CancellationToken cancellationToken) => payload is { Kind: PayloadKind.Database, Database.Name: { } database }
        ? await new PostgreSqlUpgradeTarget(connection, database, [], [], DatabaseUrls.OfContainer([], database, null), request).FilledTablesAsync(payload, cancellationToken).ConfigureAwait(false)
        : null;

    public async Task<object?> QueryScalarAsync(string sql, CancellationToken cancellationToken)
    {
        PostgreSqlConnectionSettings settings = await PostgreSqlServer.ResolveAsync(connection, cancellationToken).ConfigureAwait(false);
        return await new PostgreSqlUpgradeTarget(connection, settings.Database ?? "postgres", [], [], DatabaseUrls.OfContainer([], string.Empty, null), request).QueryScalarAsync(sql, cancellationToken).ConfigureAwait(false);
    }

    public async Task<IUpgradeTarget> CopyAsync(Backup backup, BackupRepository repository, IOperationObserver observer, CancellationToken cancellationToken)
    {
        (PostgreSqlConnectionRequest loaded, IAsyncDisposable end) = await rehearsal.LoadAsync(backup, repository, observer, cancellationToken).ConfigureAwait(false);
        return new ServerUpgradeTarget(loaded with { Database = connection.Database }, rehearsal, request, end);
    }

    public Task SweepAsync(CancellationToken cancellationToken) => rehearsal.SweepAsync(cancellationToken);

    // The old data stay where they are, and nothing is restored over them.
    public RestoreRequest RestoreOf(Backup backup, bool keepsPresent) => throw new InvalidOperationException("A server's upgrade is rolled back without a restore.");

    public async ValueTask DisposeAsync()
    {
        if (copy is not null)
            await copy.DisposeAsync().ConfigureAwait(false);
    }
}

/// <summary>Where the backup of a server is loaded for a rehearsal.</summary>
internal interface IServerRehearsal
{
    /// <summary>The server that has the data after the upgrade, where that is another one; null if it has the address of the old one.</summary>
    PostgreSqlConnectionRequest? Upgraded => null;

    /// <summary>Loads a backup into a server and compares it.</summary>
    /// <returns>The loaded server, and what removes it.</returns>
    /// <exception cref="BackupException">The new server refuses a part of it, or has something else than was backed up.</exception>
    Task<(PostgreSqlConnectionRequest Connection, IAsyncDisposable End)> LoadAsync(Backup backup, BackupRepository repository, IOperationObserver observer, CancellationToken cancellationToken);

    /// <summary>Removes what a killed rehearsal has left.</summary>
    /// <exception cref="BackupException">It cannot be removed now.</exception>
    Task SweepAsync(CancellationToken cancellationToken);
}
