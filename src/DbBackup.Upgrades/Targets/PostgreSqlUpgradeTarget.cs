using System.Globalization;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Files;
using DbBackup.Engine.Docker.Tunnel;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Engines.PostgreSql.Load;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Restores;

namespace DbBackup.Upgrades.Targets;

/// <summary>A database of a PostgreSQL server, in a container or not.</summary>
/// <param name="connection">The server, and who connects.</param>
/// <param name="database">The database's name.</param>
/// <param name="files">What in containers belongs to the same state.</param>
/// <param name="additionalPaths">Files and folders of this machine that belong to the same state.</param>
/// <param name="urls">Leads a program to it.</param>
/// <param name="request">The upgrade.</param>
/// <param name="scratch">The scratch database of a copy; null for the real database.</param>
internal sealed class PostgreSqlUpgradeTarget(
    PostgreSqlConnectionRequest connection, string database, IReadOnlyList<ContainerFilesRequest> files, IReadOnlyList<string> additionalPaths, DatabaseUrls urls, UpgradeRequest request,
    WorkDatabase? scratch = null) : IUpgradeTarget
{
    private const string Looking = "looking for locks";

    // Sessions with a transaction older than any of a running application, or of a dump; prepared transactions; and advisory locks, with which
    // migration programs exclude each other.
    private const string HoldersSql = """
        SELECT format('process %s (%s%s) in a transaction since %s', pid, coalesce(nullif(application_name, ''), 'unnamed'),
                coalesce(', from ' || host(client_addr), ''), date_trunc('second', xact_start))
        FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
            AND (xact_start < now() - interval '5 minutes' OR (xact_start IS NOT NULL AND application_name LIKE 'pg_dump%'))
        UNION ALL
        SELECT format('process %s (%s) with an advisory lock', a.pid, coalesce(nullif(a.application_name, ''), 'unnamed'))
        FROM pg_locks l JOIN pg_stat_activity a USING (pid)
        WHERE l.locktype = 'advisory' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND a.pid <> pg_backend_pid()
        UNION ALL
        SELECT format('the prepared transaction %s since %s', quote_literal(gid), date_trunc('second', prepared))
        FROM pg_prepared_xacts WHERE database = current_database()
        LIMIT 5
        """;

    public IReadOnlyDictionary<string, string?> Environment => urls.For(database, isCopy: scratch is not null);

    public IReadOnlyDictionary<string, string> Mounts => new Dictionary<string, string>();

    public string? WhyNoCopy => urls.WhyNone;

    public Task<SchemaRevision> RevisionAsync(CancellationToken cancellationToken) =>
        WithServerAsync(server => PostgreSqlServer.SchemaRevisionAsync(server, database, cancellationToken), cancellationToken);

    public BackupIntent Intent => new BackupIntent.OfServer(
        connection with { Database = database }, new DatabaseChoice.OfConnection(), new PostgreSqlDumpOptions { LockTimeout = request.LockTimeout })
    {
        ContainerFiles = files,
        AdditionalPaths = additionalPaths,
    };

    public Task<string?> FindHolderAsync(CancellationToken cancellationToken) => WithSessionAsync(
        async session =>
        {
            List<string> holders = await session.RowsAsync(HoldersSql, row => row.GetString(0), Looking, cancellationToken).ConfigureAwait(false);
            return holders.Count == 0 ? null : string.Join("; ", holders);
        },
        cancellationToken);

    // A migration can leave an index that was not built completely. An index of a partitioned table may stay invalid until its partitions have theirs.
    public Task<string?> FindDamageAsync(CancellationToken cancellationToken) => WithSessionAsync(
        async session => await session.TextAsync(
            "SELECT 'index ' || string_agg(indexrelid::regclass::text, ', ') || ' is not valid' FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE NOT indisvalid AND c.relkind = 'i' HAVING count(*) > 0",
            "checking the database", cancellationToken).ConfigureAwait(false),
        cancellationToken);

    // By their size on disk, which no new table has: to count rows would read them all.
    public async Task<IReadOnlySet<string>?> FilledTablesAsync(Payload payload, CancellationToken cancellationToken)
    {
        if (payload.Kind != PayloadKind.Database)
            return null;
        List<string> filled = await WithSessionAsync(
            session => session.RowsAsync(
                """
                SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE c.relkind IN ('r', 'p') AND CASE c.relkind WHEN 'p' THEN (SELECT coalesce(sum(pg_relation_size(t.relid)), 0) FROM pg_partition_tree(c.oid) t WHERE t.isleaf) ELSE pg_relation_size(c.oid) END > 0
                """,
                row => row.GetString(0), "looking for rows", cancellationToken),
            cancellationToken).ConfigureAwait(false);
        return filled.ToHashSet(StringComparer.Ordinal);
    }

    public Task<object?> QueryScalarAsync(string sql, CancellationToken cancellationToken) => WithSessionAsync(
        async session =>
        {
            // Users name tables as the application does.
            await session.ExecuteAsync("SET search_path TO DEFAULT", "making a check", cancellationToken).ConfigureAwait(false);
            return await session.ScalarAsync(sql, "making a check", cancellationToken).ConfigureAwait(false);
        },
        cancellationToken);

    public async Task<IUpgradeTarget> CopyAsync(Backup backup, BackupRepository repository, IOperationObserver observer, CancellationToken cancellationToken)
    {
        PostgreSqlConnectionSettings server = await ResolveAsync(cancellationToken).ConfigureAwait(false);
        WorkDatabase copy = await WorkDatabase.ReserveAsync(
            await PostgreSqlSession.OpenMaintenanceAsync(server, database, cancellationToken).ConfigureAwait(false), WorkDatabasePurpose.Test, cancellationToken).ConfigureAwait(false);
        var target = new PostgreSqlUpgradeTarget(connection, copy.Name, [], [], urls, request, copy);
        try
        {
            PreparedRestore restore = await PreparedRestore.PrepareAsync(
                repository,
                new RestoreRequest { Backup = backup, Connection = connection, NewName = copy.Name, Content = ContentKind.Database, NoSafetyBackup = true, LockTimeout = request.LockTimeout },
                changeNothing: false, observer, cancellationToken).ConfigureAwait(false);
            await restore.RunAsync(observer, cancellationToken).ConfigureAwait(false);
            return target;
        }
        catch
        {
            await target.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        PostgreSqlConnectionSettings server = await ResolveAsync(cancellationToken).ConfigureAwait(false);
        using PostgreSqlSession maintenance = await PostgreSqlSession.OpenMaintenanceAsync(server, database, cancellationToken).ConfigureAwait(false);
        await WorkDatabase.SweepAsync(maintenance, cancellationToken).ConfigureAwait(false);
    }

    // Its users were stopped, or the swap terminates their sessions; the previous code is in place.
    public RestoreRequest RestoreOf(Backup backup, bool keepsPresent) => new()
    {
        Backup = backup,
        // The backup names its containers; files and database may be in two of them.
        Connection = Origin is { } origin ? connection with { Server = new ServerAddress.Through(new ContainerServerAddress(origin) { Starts = true }) } : connection,
        Place = Origin,
        StartsContainers = Origin is not null,
        Force = true,
        NoSafetyBackup = !keepsPresent,
        LockTimeout = request.LockTimeout,
    };

    public async ValueTask DisposeAsync()
    {
        if (scratch is null)
            return;
        await scratch.DropAsync().ConfigureAwait(false);
        scratch.Dispose();
    }

    private ContainerAddress.Unnamed? Origin => connection.Server is ServerAddress.Through { Place: ContainerServerAddress server }
        ? new ContainerAddress.Unnamed { DockerHost = server.Container.DockerHost }
        : null;

    private Task<PostgreSqlConnectionSettings> ResolveAsync(CancellationToken cancellationToken) =>
        PostgreSqlServer.ResolveAsync(connection with { Database = database }, cancellationToken);

    private async Task<T> WithServerAsync<T>(Func<PostgreSqlConnectionSettings, Task<T>> work, CancellationToken cancellationToken) =>
        await work(await ResolveAsync(cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);

    private Task<T> WithSessionAsync<T>(Func<PostgreSqlSession, Task<T>> work, CancellationToken cancellationToken) => WithServerAsync(
        async server =>
        {
            using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(server, database, cancellationToken).ConfigureAwait(false);
            await session.ExecuteAsync(string.Create(CultureInfo.InvariantCulture, $"SET statement_timeout = {(long)request.Timeout.TotalMilliseconds}"), "connecting", cancellationToken).ConfigureAwait(false);
            return await work(session).ConfigureAwait(false);
        },
        cancellationToken);
}
