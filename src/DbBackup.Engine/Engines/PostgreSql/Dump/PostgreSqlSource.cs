using System.Globalization;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Facts;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.PostgreSql.Dump;

/// <summary>One database of a PostgreSQL server, while others write it: pg_dump and the facts see the same snapshot.</summary>
/// <param name="server">The server and role.</param>
/// <param name="database">The database's exact name.</param>
/// <param name="options">What of it, and how.</param>
internal sealed class PostgreSqlSource(PostgreSqlConnectionSettings server, string database, PostgreSqlDumpOptions options) : IBackupSource
{
    /// <summary>The engine's name in manifests.</summary>
    public const string EngineName = "PostgreSql";

    // Several jobs only pay where several tables share the work; and pg_restore loads a folder faster than an archive that streamed.
    private const int ProcessorsForParallelDump = 2;
    private const long SmallestForParallelDump = 256L << 20;
    private const double LargestShareOfOneTable = 0.6;
    private const int MostJobs = 8;

    /// <inheritdoc/>
    public string Engine => EngineName;

    /// <inheritdoc/>
    public string DefaultName => database;

    /// <inheritdoc/>
    public string Location => server.LocationOf(database);

    /// <inheritdoc/>
    public bool IsPath => false;

    /// <inheritdoc/>
    public bool IsOfThisMachine => server.IsOfThisMachine;

    /// <inheritdoc/>
    public Task<SourcePreview> InspectAsync(CancellationToken cancellationToken) => NamingHoldersAsync(() => LookAsync(cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public Task<Capture> CaptureAsync(CaptureContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        return NamingHoldersAsync(() => BeginAsync(context, cancellationToken), cancellationToken);
    }

    private async Task<SourcePreview> LookAsync(CancellationToken cancellationToken)
    {
        using PostgreSqlSession session = await OpenAsync(cancellationToken).ConfigureAwait(false);
        await PostgreSqlClients.ForAsync(session, "pg_dump", cancellationToken).ConfigureAwait(false);
        List<PostgreSqlTable> tables = await PostgreSqlCatalog.TablesAsync(session, cancellationToken).ConfigureAwait(false);
        RequireTables(tables.Count);
        if (!options.LacksRows)
            await RequireReadableAsync(session, tables, cancellationToken).ConfigureAwait(false);
        long bytes = tables.Sum(table => table.Bytes);
        return new SourcePreview(bytes, options.Format == PostgreSqlFormat.Directory ? bytes : 0);
    }

    private async Task<Capture> BeginAsync(CaptureContext context, CancellationToken cancellationToken)
    {
        PostgreSqlSession keeper = await OpenAsync(cancellationToken).ConfigureAwait(false);
        StartedDump? started = null;
        try
        {
            PostgreSqlClient client = await PostgreSqlClients.ForAsync(keeper, "pg_dump", cancellationToken).ConfigureAwait(false);
            started = await StartedDump.BeginAsync(this, keeper, client, context, cancellationToken).ConfigureAwait(false);
            List<PostgreSqlTable> tables = started.Tables;
            DatabaseInfo info = await PostgreSqlCatalog.DescribeAsync(keeper, cancellationToken).ConfigureAwait(false);
            info = info with
            {
                Username = server.Username,
                ClientVersion = client.Version,
                OldestServerMajor = PostgreSqlClients.OldestServer(client.Major, keeper.ServerMajor),
                // Without a table, what belongs to it is missing too: keys that point to it, its sequences.
                IsPartial = options.IsPartial || options.ExcludedTables.Count > 0 || options.DataOnly,
                IsDataOnly = options.DataOnly,
            };
            var run = new PostgreSqlCapture(this, keeper, client, started, info, context);
            if (context.Earlier is not null)
                await run.OpenEarlierAsync(context.Earlier, cancellationToken).ConfigureAwait(false);
            context.Observer.Verbose(
                $"Dumping '{database}' of PostgreSQL {keeper.ServerVersion} with pg_dump {client.Version} from {client.Where}, {tables.Count} tables, {ByteSize.Format(tables.Sum(table => table.Bytes))}.");
            List<string> notes = Notes(client, keeper);
            if (client.Major != keeper.ServerMajor && await PostgreSqlCatalog.HasColumnMarksAsync(keeper, cancellationToken).ConfigureAwait(false))
                notes.Add($"pg_dump {client.Version} writes marks of this server ({keeper.ServerVersion}) on its columns, pg_attver, which servers of other versions refuse: to restore to one, install the client of version {keeper.ServerMajor} and make a new backup.");
            return new Capture
            {
                Taken = started.Taken,
                EngineVersion = keeper.ServerVersion,
                Payloads =
                [
                    run.Describe() with
                    {
                        CollectFacts = token => NamingHoldersAsync(() => run.CollectFactsAsync(token), token),
                    },
                ],
                Abandon = run.Abandon,
                Tools = new Dictionary<string, string> { ["pg_dump"] = client.Version },
                Notes = [.. notes, .. started.Unlogged.Select(table => $"The server is a standby, which has no rows of unlogged tables: those of {table} are not in this backup.")],
            };
        }
        catch
        {
            started?.End();
            keeper.Dispose();
            throw;
        }
    }

    /// <summary>A file name for what comes of a database: its name, without what no file system likes.</summary>
    internal static string FileStem(string database)
    {
        string stem = string.Concat(database.Select(character => char.IsLetterOrDigit(character) || character is '.' or '-' or '_' ? character : '_')).Trim('.', '-');
        return stem.Length == 0 ? "database" : stem.Length > 80 ? stem[..80] : stem;
    }

    internal async Task<PostgreSqlSession> OpenAsync(CancellationToken cancellationToken)
    {
        PostgreSqlSession session = await PostgreSqlSession.OpenAsync(server, database, cancellationToken).ConfigureAwait(false);
        try
        {
            await session.LimitLockWaitAsync(options.LockTimeout, cancellationToken).ConfigureAwait(false);
            await session.RefuseViewsAsync(cancellationToken).ConfigureAwait(false);
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    // The server says that a lock was not to be had, not who has it.
    private async Task<T> NamingHoldersAsync<T>(Func<Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            return await work().ConfigureAwait(false);
        }
        catch (BackupException failure) when (failure.Code == ErrorCodes.SourceLocked && failure.InnerException is Npgsql.PostgresException error)
        {
            throw await DumpFailures.LockedAsync(server, database, error.MessageText + ".", error, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>True if large tables may be read by sessions beside pg_dump.</summary>
    internal bool MayRange => Jobs > 1 && !options.IsFiltered && options.Format is (PostgreSqlFormat.Auto or PostgreSqlFormat.Custom);

    /// <summary>True if a parallel dump into the staging folder is the faster way.</summary>
    internal bool UsesFolder(List<PostgreSqlTable> tables, string staging)
    {
        // A folder would lie in the container.
        if (server.Route is not null)
            return false;
        if (options.Format != PostgreSqlFormat.Auto)
            return options.Format == PostgreSqlFormat.Directory;
        long total = tables.Sum(table => table.Bytes);
        return Environment.ProcessorCount >= ProcessorsForParallelDump && total >= SmallestForParallelDump && !options.IsFiltered
            && tables.Max(table => table.Bytes) <= total * LargestShareOfOneTable && options.Jobs is not 1
            // Beside the staged folder the stored backup must fit, often on the same volume; where it might not, a stream needs no room.
            && !(VolumeSpace.Available(staging) < 2 * total);
    }

    internal int Jobs => options.Jobs ?? Math.Clamp(Environment.ProcessorCount, 2, MostJobs);

    private static List<string> Notes(PostgreSqlClient client, PostgreSqlSession session)
    {
        int oldest = PostgreSqlClients.OldestServer(client.Major, session.ServerMajor);
        return oldest > session.ServerMajor
            ? [$"pg_dump {client.Version} writes settings that servers before {oldest} refuse, and this server is {session.ServerVersion}: to restore to it, install the client of version {session.ServerMajor} and make a new backup."]
            : [];
    }

    private void RequireTables(int count)
    {
        if (count > 0 || options.AllowEmpty)
            return;
        throw new BackupFailure(
            ErrorCodes.SourceEmpty,
            FailureCategory.InvalidData,
            $"'{database}' has no tables, so there is nothing to back up.",
            "Check that this is the application's real database and not one of the same name on another server, or allow it with -AllowEmpty.")
        { Target = Location };
    }

    // pg_dump names the first table only, after a while; here all are known before anything is written.
    private async Task RequireReadableAsync(PostgreSqlSession session, List<PostgreSqlTable> tables, CancellationToken cancellationToken)
    {
        List<PostgreSqlTable> unreadable = tables.FindAll(table => table.HasRows && !table.MayRead);
        if (unreadable.Count > 0)
        {
            throw new BackupFailure(
                ErrorCodes.PermissionDenied,
                FailureCategory.PermissionDenied,
                $"The role '{server.Username}' is not allowed to read {unreadable.Count} of {tables.Count} tables of '{database}': {Names(unreadable)}.",
                $"Let it read them all (GRANT pg_read_all_data TO {PostgreSqlSession.Quote(server.Username)}; from PostgreSQL 14 on), or leave them out with -ExcludeTable.")
            { Target = Location };
        }

        await RequireLargeObjectsAsync(session, cancellationToken).ConfigureAwait(false);
        List<string> hidden = await session.RowsAsync(
            $"""
            SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p') AND c.relrowsecurity AND row_security_active(c.oid) AND {PostgreSqlCatalog.UserSchema} ORDER BY 1
            """,
            row => row.GetString(0),
            "looking for row-level security",
            cancellationToken).ConfigureAwait(false);
        if (hidden.Count > 0)
        {
            throw new BackupFailure(
                ErrorCodes.PermissionDenied,
                FailureCategory.PermissionDenied,
                $"Row-level security hides rows from the role '{server.Username}' in {hidden.Count} tables of '{database}': {string.Join(", ", hidden.Take(5))}.",
                $"Use the owner, a superuser, or a role with BYPASSRLS (ALTER ROLE {PostgreSqlSession.Quote(server.Username)} BYPASSRLS).")
            { Target = Location };
        }
    }

    // pg_read_all_data reads tables, views and sequences, but large objects up to version 18 only as their owners grant them one by one.
    private async Task RequireLargeObjectsAsync(PostgreSqlSession session, CancellationToken cancellationToken)
    {
        long unreadable = await session.NumberAsync(
            """
            SELECT count(*) FROM pg_largeobject_metadata m
            WHERE current_setting('lo_compat_privileges') = 'off' AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AND NOT pg_has_role(m.lomowner, 'USAGE')
              AND NOT EXISTS (SELECT 1 FROM aclexplode(m.lomacl) a WHERE a.privilege_type = 'SELECT' AND CASE a.grantee WHEN 0 THEN true ELSE pg_has_role(a.grantee, 'USAGE') END)
            """,
            "looking for large objects",
            cancellationToken).ConfigureAwait(false);
        if (unreadable == 0)
            return;
        throw new BackupFailure(
            ErrorCodes.PermissionDenied,
            FailureCategory.PermissionDenied,
            string.Create(CultureInfo.InvariantCulture, $"The role '{server.Username}' is not allowed to read {unreadable} large objects of '{database}'. pg_read_all_data does not cover them."),
            DumpFailures.LargeObjectHint(server.Username))
        { Target = Location };
    }

    internal static string Names(List<PostgreSqlTable> tables) =>
        string.Join(", ", tables.Take(5).Select(table => table.Name)) + (tables.Count > 5 ? string.Create(CultureInfo.InvariantCulture, $" and {tables.Count - 5} more") : string.Empty);

    internal PostgreSqlConnectionSettings Server => server;

    internal string Database => database;

    internal PostgreSqlDumpOptions Options => options;
}
