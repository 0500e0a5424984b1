using System.Security.Cryptography;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Files;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Restores;

namespace DbBackup.Upgrades.Targets;

/// <summary>All databases and roles of a PostgreSQL server that gets another major version.</summary>
/// <param name="server">The upgrade's subject.</param>
/// <param name="connection">The server, and the database in which checks run.</param>
/// <param name="request">The upgrade.</param>
/// <param name="copy">The server of a rehearsal; null for the real one.</param>
internal sealed class ServerUpgradeTarget(UpgradeSubject.MajorVersion server, PostgreSqlConnectionRequest connection, UpgradeRequest request, ScratchServer? copy = null) : IUpgradeTarget
{
    private const string InvalidIndexesSql =
        "SELECT 'index ' || string_agg(indexrelid::regclass::text, ', ') || ' is not valid' FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE NOT indisvalid AND c.relkind = 'i' HAVING count(*) > 0";

    public IReadOnlyDictionary<string, string?> Environment => new Dictionary<string, string?>();

    public IReadOnlyDictionary<string, string> Mounts => new Dictionary<string, string>();

    public string? WhyNoCopy => null;

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
        ScratchServer scratch = await ScratchServer.StartAsync(server, request.Timeout, cancellationToken).ConfigureAwait(false);
        try
        {
            await ServerLoad.RunAsync(connection, scratch.Server, backup, repository, request, observer, cancellationToken).ConfigureAwait(false);
            return new ServerUpgradeTarget(server, scratch.Server.Connection with { Database = server.Database }, request, scratch);
        }
        catch
        {
            await scratch.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        using DockerClient client = await DockerClient.ConnectAsync(DockerContexts.OfUser.Resolve(server.DockerHost), cancellationToken).ConfigureAwait(false);
        if (await client.ContainerFindAsync(ScratchServer.NameOf(server), cancellationToken).ConfigureAwait(false) is { } left)
            await client.TrialContainerDeleteAsync(left.Id, cancellationToken).ConfigureAwait(false);
        await TemporaryContainer.SweepAsync(client, cancellationToken).ConfigureAwait(false);
    }

    // The old data stay in their volume, and nothing is restored over them.
    public RestoreRequest RestoreOf(Backup backup, bool keepsPresent) => throw new InvalidOperationException("A server's upgrade is rolled back without a restore.");

    public async ValueTask DisposeAsync()
    {
        if (copy is not null)
            await copy.DisposeAsync().ConfigureAwait(false);
    }
}

/// <summary>A server of the new version in a scratch volume, for a rehearsal.</summary>
internal sealed class ScratchServer : IAsyncDisposable
{
    private readonly DockerClient _client;
    private readonly string _volume;

    private ScratchServer(DockerClient client, string volume, TrialServer server)
    {
        _client = client;
        _volume = volume;
        Server = server;
    }

    /// <summary>The server.</summary>
    public TrialServer Server { get; }

    /// <summary>Returns the name of the rehearsal's container.</summary>
    public static string NameOf(UpgradeSubject.MajorVersion server) => $"dbbackup-rehearsal-{server.Name}";

    /// <summary>Starts it with the container's own variables, command and mounts.</summary>
    /// <exception cref="BackupException">The new image's server does not start with them.</exception>
    public static async Task<ScratchServer> StartAsync(UpgradeSubject.MajorVersion server, TimeSpan timeout, CancellationToken cancellationToken)
    {
        DockerClient client = await DockerClient.ConnectAsync(DockerContexts.OfUser.Resolve(server.DockerHost), cancellationToken).ConfigureAwait(false);
        string volume = $"{NameOf(server)}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}";
        try
        {
            await TemporaryContainer.SweepAsync(client, cancellationToken).ConfigureAwait(false);
            await client.VolumeCreateAsync(volume, TemporaryContainer.OwnLabels(), cancellationToken).ConfigureAwait(false);
            ContainerDefinition definition = await ServerDefinition.ForLoadingAsync(client, server.Name, server, volume, cancellationToken).ConfigureAwait(false);
            return new ScratchServer(client, volume, await TrialServer.StartAsync(client, definition, NameOf(server), server.DockerHost, timeout, cancellationToken).ConfigureAwait(false));
        }
        catch
        {
            await RemoveAsync(client, volume).ConfigureAwait(false);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync().ConfigureAwait(false);
        await RemoveAsync(_client, _volume).ConfigureAwait(false);
    }

    private static async Task RemoveAsync(DockerClient client, string volume)
    {
        try
        {
            await client.VolumeDeleteAsync(volume, CancellationToken.None).ConfigureAwait(false);
        }
        catch (BackupException)
        {
            // The next upgrade removes it.
        }

        client.Dispose();
    }
}
