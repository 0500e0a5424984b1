using System.Globalization;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Sources.Files;

namespace DbBackup.Engine.Sources.PostgreSql;

/// <summary>One database of a PostgreSQL server, while others write it: pg_dump and the facts see the same snapshot.</summary>
/// <param name="server">The server and role.</param>
/// <param name="database">The database's exact name.</param>
/// <param name="options">What of it, and how.</param>
public sealed class PostgreSqlSource(PostgreSqlConnectionSettings server, string database, PostgreSqlDumpOptions options) : IBackupSource
{
    /// <summary>The engine's name in manifests.</summary>
    public const string EngineName = "PostgreSql";

    // Several jobs only pay where several tables share the work, on more processors than one dump and its compression keep busy.
    private const int ProcessorsForParallelDump = 3;
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
    public bool IsOfThisMachine => server.IsLocal;

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
        PostgreSqlClients.For(session.ServerMajor, session.ServerVersion);
        List<PostgreSqlTable> tables = await PostgreSqlCatalog.TablesAsync(session, cancellationToken).ConfigureAwait(false);
        RequireTables(tables.Count);
        if (!options.IsFiltered)
            await RequireReadableAsync(session, tables, cancellationToken).ConfigureAwait(false);
        long bytes = tables.Sum(table => table.Bytes);
        return new SourcePreview(bytes, UsesFolder(tables) ? bytes : 0);
    }

    private async Task<Capture> BeginAsync(CaptureContext context, CancellationToken cancellationToken)
    {
        PostgreSqlSession keeper = await OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            PostgreSqlClient client = PostgreSqlClients.For(keeper.ServerMajor, keeper.ServerVersion);
            // Before the snapshot: pg_dump reads sequences later, and never sees less.
            List<SequenceFingerprint> sequences = await PostgreSqlFingerprint.SequencesAsync(keeper, cancellationToken).ConfigureAwait(false);
            string snapshot = await keeper.ExportSnapshotAsync(cancellationToken).ConfigureAwait(false);
            DateTimeOffset taken = context.Clock.GetUtcNow();
            List<PostgreSqlTable> tables = await PostgreSqlCatalog.TablesAsync(keeper, cancellationToken).ConfigureAwait(false);
            DatabaseInfo info = await PostgreSqlCatalog.DescribeAsync(keeper, cancellationToken).ConfigureAwait(false);
            info = info with
            {
                Username = server.Username,
                ClientVersion = client.Version,
                OldestServerMajor = PostgreSqlClients.OldestServer(client.Major, keeper.ServerMajor),
                IsPartial = options.IsPartial,
            };
            var run = new Run(this, keeper, client, snapshot, tables, info, sequences, context);
            context.Observer.Verbose(
                $"Dumping '{database}' of PostgreSQL {keeper.ServerVersion} with pg_dump {client.Version} from '{client.Folder}', {tables.Count} tables, {ByteSize.Format(tables.Sum(table => table.Bytes))}.");
            return new Capture
            {
                Taken = taken,
                EngineVersion = keeper.ServerVersion,
                Payloads = [run.Describe(UsesFolder(tables))],
                CollectFacts = token => NamingHoldersAsync(() => run.CollectFactsAsync(token), token),
                Tools = new Dictionary<string, string> { ["pg_dump"] = client.Version },
                Notes = Notes(client, keeper),
            };
        }
        catch
        {
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

    private async Task<PostgreSqlSession> OpenAsync(CancellationToken cancellationToken)
    {
        PostgreSqlSession session = await PostgreSqlSession.OpenAsync(server, database, cancellationToken).ConfigureAwait(false);
        try
        {
            await session.LimitLockWaitAsync(options.LockTimeout, cancellationToken).ConfigureAwait(false);
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

    private bool UsesFolder(List<PostgreSqlTable> tables)
    {
        if (options.Format != PostgreSqlFormat.Auto)
            return options.Format == PostgreSqlFormat.Directory;
        long total = tables.Sum(table => table.Bytes);
        return Environment.ProcessorCount >= ProcessorsForParallelDump && total >= SmallestForParallelDump && !options.IsFiltered
            && tables.Max(table => table.Bytes) <= total * LargestShareOfOneTable && options.Jobs is null or > 1;
    }

    private int Jobs => options.Jobs ?? Math.Clamp(Environment.ProcessorCount, 2, MostJobs);

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
                $"The role '{server.Username}' may not read {unreadable.Count} of {tables.Count} tables of '{database}': {Names(unreadable)}.",
                $"Let it read them all (GRANT pg_read_all_data TO {PostgreSqlSession.Quote(server.Username)}; from PostgreSQL 14 on), or leave them out with -ExcludeTable.")
            { Target = Location };
        }

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

    private static string Names(List<PostgreSqlTable> tables) =>
        string.Join(", ", tables.Take(5).Select(table => table.Name)) + (tables.Count > 5 ? string.Create(CultureInfo.InvariantCulture, $" and {tables.Count - 5} more") : string.Empty);

    /// <summary>One dump: its payload and its facts, which wait for each other.</summary>
    private sealed class Run(
        PostgreSqlSource source,
        PostgreSqlSession keeper,
        PostgreSqlClient client,
        string snapshot,
        List<PostgreSqlTable> tables,
        DatabaseInfo info,
        List<SequenceFingerprint> sequences,
        CaptureContext context)
    {
        private readonly TaskCompletionSource<DumpContents> _contents = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly PostgreSqlDump _dump = new(source.Server, source.Database, client, source.Options);

        public CapturedPayload Describe(bool folder)
        {
            bool plain = source.Options.Format == PostgreSqlFormat.Plain;
            string name = FileStem(source.Database) + (plain ? ".sql" : folder ? ".tar" : ".dump");
            return new CapturedPayload
            {
                FileName = name,
                Kind = PayloadKind.Database,
                Format = plain ? PayloadFormat.PostgreSqlPlain : folder ? PayloadFormat.PostgreSqlDirectory : PayloadFormat.PostgreSqlCustom,
                RestoreName = folder ? FileStem(source.Database) : name,
                OriginalPath = source.Location,
                WriteTo = (target, progress, token) => folder ? WriteFolderAsync(target, progress, token) : WriteStreamAsync(plain, target, progress, token),
            };
        }

        public async Task<CaptureFacts> CollectFactsAsync(CancellationToken cancellationToken)
        {
            try
            {
                using PostgreSqlSession session = await source.OpenAsync(cancellationToken).ConfigureAwait(false);
                string? revision = await PostgreSqlCatalog.SchemaRevisionAsync(keeper, cancellationToken).ConfigureAwait(false);
                // What a filter leaves is known from the dump alone; a whole dump is counted while it runs.
                DumpContents? contents = source.Options.IsFiltered ? await _contents.Task.WaitAsync(cancellationToken).ConfigureAwait(false) : null;
                List<PostgreSqlTable> counted = contents is null ? tables : tables.FindAll(contents.Defines);
                var withoutRows = new HashSet<uint>(contents is null ? [] : counted.Where(table => !contents.HasRowsOf(table)).Select(table => table.ObjectId));
                Fingerprint? fingerprint = context.Fingerprint == FingerprintLevel.None ? null : await PostgreSqlFingerprint.TakeAsync(
                    session,
                    snapshot,
                    context.Fingerprint,
                    counted,
                    withoutRows,
                    // Without a table, what belongs to it is missing too: keys that point to it, its sequences.
                    info.IsPartial || source.Options.ExcludedTables.Count > 0,
                    done => context.Observer.Verbose($"Counted the rows of {done} of {counted.Count} tables."),
                    cancellationToken).ConfigureAwait(false);
                RequireWhole(await _contents.Task.WaitAsync(cancellationToken).ConfigureAwait(false));
                if (fingerprint is { Sequences.Count: > 0 })
                {
                    List<SequenceFingerprint> after = await PostgreSqlFingerprint.SequencesAsync(session, cancellationToken).ConfigureAwait(false);
                    fingerprint = fingerprint with { Sequences = PostgreSqlFingerprint.Span(sequences, after) };
                }

                return new CaptureFacts(fingerprint, revision) { Database = info };
            }
            finally
            {
                keeper.Dispose();
            }
        }

        private async Task<StreamSummary> WriteStreamAsync(bool plain, Stream target, IProgress<long> progress, CancellationToken cancellationToken)
        {
            // The writer takes the bytes straight from the pipe into its blocks.
            Func<Stream, Task> store = target is PayloadWriter writer
                ? stream => writer.CopyFromAsync(stream, progress, cancellationToken)
                : stream => stream.CopyToAsync(target, 1 << 20, cancellationToken);
            _contents.SetResult(await _dump.StreamAsync(plain, snapshot, store, cancellationToken).ConfigureAwait(false));
            return new StreamSummary(null, []);
        }

        private async Task<StreamSummary> WriteFolderAsync(Stream target, IProgress<long> progress, CancellationToken cancellationToken)
        {
            string folder = Path.Combine(context.StagingFolder, FileStem(source.Database));
            context.Observer.Progress(new OperationProgress(context.Activity, $"dumping {source.Database} with {source.Jobs} jobs"));
            _contents.SetResult(await _dump.ToFolderAsync(folder, source.Jobs, snapshot, cancellationToken).ConfigureAwait(false));
            ArchiveSummary summary = await new FolderArchiver().WriteAsync(folder, target, progress, cancellationToken).ConfigureAwait(false);
            Directory.Delete(folder, recursive: true);
            return new StreamSummary(summary.Entries, []);
        }

        private void RequireWhole(DumpContents contents)
        {
            if (source.Options.IsFiltered)
            {
                if (!source.Options.AllowEmpty && !tables.Exists(contents.Defines))
                    throw _dump.Incomplete("it holds no table");
                return;
            }

            List<PostgreSqlTable> missing = tables.FindAll(table => table.HasRows && !contents.HasRowsOf(table));
            if (missing.Count > 0)
                throw _dump.Incomplete(string.Create(CultureInfo.InvariantCulture, $"{missing.Count} of {tables.Count(table => table.HasRows)} tables are not in it: {Names(missing)}"));
        }
    }

    private PostgreSqlConnectionSettings Server => server;

    private string Database => database;

    private PostgreSqlDumpOptions Options => options;
}
