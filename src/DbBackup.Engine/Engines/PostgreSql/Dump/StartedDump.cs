using System.Globalization;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump.Ranges;
using DbBackup.Engine.Engines.PostgreSql.Dump.Unchanged;
using DbBackup.Engine.Engines.PostgreSql.Facts;

namespace DbBackup.Engine.Engines.PostgreSql.Dump;

/// <summary>
/// A snapshot and a pg_dump of it that has locked its tables, with no table emptied in between. TRUNCATE, and an ALTER TABLE that writes a
/// table anew, are seen by every snapshot at once: of a table that was emptied after the snapshot and before pg_dump's lock, pg_dump would
/// write no row and say nothing. Each of them gives the table another file, so the files are compared once pg_dump has its locks; after
/// that nothing can be emptied until it ends. Locks of our own before the snapshot would be no help: a TRUNCATE would wait for them,
/// and pg_dump's lock behind that TRUNCATE, for ever.
/// </summary>
/// <param name="Dump">The run of pg_dump.</param>
/// <param name="Snapshot">The snapshot's name.</param>
/// <param name="Taken">When it was taken.</param>
/// <param name="Folder">The folder of a parallel dump; null for a stream.</param>
/// <param name="Tables">The tables in the snapshot.</param>
/// <param name="Sequences">The sequences' values before it.</param>
internal sealed record StartedDump(
    PostgreSqlDump Dump, string Snapshot, DateTimeOffset Taken, string? Folder, List<PostgreSqlTable> Tables, List<SequenceFingerprint> Sequences)
{
    private const string Looking = "looking for emptied tables";

    // With a filter it is not known yet which tables pg_dump has locked: those that were emptied may not be among them.
    private const int AttemptsWithFilter = 3;
    private const int LeastAttempts = 10;

    // For the look at the files, and later for the facts. The server's summaries are asked for in one of their own.
    private const int SpareSessions = 1;

    // A writer that empties a table at even intervals must not meet every attempt.
    private const int LongestRestMilliseconds = 300;

    // Most transactions are short; a long one is not waited for.
    private static readonly TimeSpan s_longestWaitForWriters = TimeSpan.FromSeconds(1);

    // The data of extensions' configuration tables are dumped too.
    private const string Dumped = "c.relkind = 'r' AND (c.oid::bigint = ANY ($1) OR c.oid IN (SELECT unnest(extconfig) FROM pg_extension))";

    /// <summary>Tables that were emptied before pg_dump locked them, if it has locked them; a filter may have left them out.</summary>
    public List<PostgreSqlTable> Replaced { get; private init; } = [];

    /// <summary>The large tables that are read beside pg_dump; null if it reads all itself.</summary>
    public RangedDump? Ranges { get; private set; }

    /// <summary>The place in the server's log before the snapshot; null where the server's summaries cannot be used.</summary>
    public WalStart? Wal { get; private init; }

    /// <summary>Tables whose rows a standby does not have.</summary>
    public List<string> Unlogged { get; private init; } = [];

    /// <summary>Takes a snapshot and starts pg_dump on it, again and again until nothing was emptied in between.</summary>
    /// <param name="source">The database, and what of it.</param>
    /// <param name="keeper">The session that keeps the snapshot.</param>
    /// <param name="client">The programs.</param>
    /// <param name="context">What the backup wants.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="BackupException">pg_dump failed, or tables are emptied all the time.</exception>
    public static async Task<StartedDump> BeginAsync(
        PostgreSqlSource source, PostgreSqlSession keeper, PostgreSqlClient client, CaptureContext context, CancellationToken cancellationToken)
    {
        long limit = Environment.TickCount64 + (long)source.Options.LockTimeout.TotalMilliseconds;
        bool mayRange = true;
        for (int attempt = 1; ; attempt++)
        {
            // Before the snapshot: pg_dump reads sequences later, and never sees less.
            List<SequenceFingerprint> sequences = await PostgreSqlFingerprint.SequencesAsync(keeper, cancellationToken).ConfigureAwait(false);
            (WalStart? wal, string? withoutWal) = mayRange && source.MayRange
                ? await WalStart.TakeAsync(keeper, context.IsPaused ? TimeSpan.Zero : s_longestWaitForWriters, cancellationToken).ConfigureAwait(false)
                : (null, null);
            string snapshot = await keeper.ExportSnapshotAsync(cancellationToken).ConfigureAwait(false);
            DateTimeOffset taken = context.Clock.GetUtcNow();
            List<PostgreSqlTable> tables = await PostgreSqlCatalog.TablesAsync(keeper, cancellationToken).ConfigureAwait(false);
            List<string> unlogged = await UnloggedOfStandbyAsync(keeper, cancellationToken).ConfigureAwait(false);
            Dictionary<long, (string Name, long File)> files = await FilesAsync(keeper, tables, cancellationToken).ConfigureAwait(false);
            IReadOnlyList<RangedTable> ranged = mayRange && source.MayRange ? await RangedTable.ChooseAsync(keeper, tables, source.Options.LargeTableBytes, cancellationToken).ConfigureAwait(false) : [];
            string? folder = ranged.Count == 0 && source.UsesFolder(tables, context.StagingFolder) ? Path.Combine(context.StagingFolder, PostgreSqlSource.FileStem(source.Database)) : null;
            PostgreSqlDumpOptions options = source.Options with { WithoutUnloggedRows = unlogged.Count > 0, RangedTables = [.. ranged.Select(table => table.Table.Name)] };
            var started = new StartedDump(new PostgreSqlDump(source.Server, source.Database, client, options, keeper.ToolOptions), snapshot, taken, folder, tables, sequences) { Unlogged = unlogged, Wal = wal };
            try
            {
                (BackupException? failure, List<string> replaced) = await started.RunAsync(source, ranged, files, cancellationToken).ConfigureAwait(false);
                if (replaced.Count == 0 && failure is not null)
                    throw failure;
                if (replaced.Count == 0 && started.Ranges is not null)
                    context.Observer.Verbose(string.Create(CultureInfo.InvariantCulture, $"{ranged.Count} large tables of '{source.Database}' are read by {source.Jobs} sessions beside pg_dump."));
                if (replaced.Count == 0 && started.Ranges is not null && withoutWal is not null)
                    context.Observer.Verbose($"The server's summaries of its log are not used: {withoutWal}.");
                if (replaced.Count == 0 && (ranged.Count == 0 || started.Ranges is not null))
                    return started;
                if (replaced.Count == 0)
                {
                    mayRange = false;
                    context.Observer.Verbose($"pg_dump reads the large tables of '{source.Database}' itself: another session waits for one of them, or the server has too few connections left.");
                }
                else if (failure is null && source.Options.IsFiltered && attempt >= AttemptsWithFilter)
                {
                    return started with { Replaced = tables.FindAll(table => replaced.Contains(table.Name)) };
                }
                else if (attempt >= LeastAttempts && Environment.TickCount64 > limit)
                {
                    throw failure ?? Emptied(source, replaced);
                }
                else
                {
                    context.Observer.Verbose($"{replaced[0]} of '{source.Database}' was emptied or rewritten before pg_dump locked it; the snapshot is taken again.");
                }
            }
            catch
            {
                started.End();
                throw;
            }

            started.End();
            await keeper.ExecuteAsync("ROLLBACK", "taking a snapshot", cancellationToken).ConfigureAwait(false);
            if (folder is not null)
                Platform.FolderRemoval.Delete(folder);
            await Task.Delay(Random.Shared.Next(LongestRestMilliseconds), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Ends pg_dump and what reads beside it.</summary>
    public void End()
    {
        Dump.Dispose();
        Ranges?.Dispose();
    }

    /// <summary>The failure for tables that are emptied all the time.</summary>
    public static BackupFailure Emptied(PostgreSqlSource source, IReadOnlyList<string> tables) => new(
        ErrorCodes.SourceLocked,
        FailureCategory.Busy,
        $"Another session empties or rewrites tables of '{source.Database}' so often that pg_dump could not lock them in time: {string.Join(", ", tables.Take(5))}. A dump would not have their rows. Nothing was kept.",
        "Try again while the application is idle, or leave the tables' rows out: -ExcludeTableData TABLE.")
    { Target = source.Location, CanRetry = true };

    // A failure may come of a table that was dropped meanwhile; it is known only with what was replaced.
    private async Task<(BackupException? Failure, List<string> Replaced)> RunAsync(
        PostgreSqlSource source, IReadOnlyList<RangedTable> ranged, Dictionary<long, (string Name, long File)> files, CancellationToken cancellationToken)
    {
        BackupException? failure = null;
        try
        {
            await (Folder is null ? Dump.StartStreamAsync(Snapshot, cancellationToken) : Dump.StartFolderAsync(Folder, source.Jobs, Snapshot, cancellationToken)).ConfigureAwait(false);
            // Their locks come before the look at the files: what was emptied until then is seen, and nothing can be emptied later.
            if (ranged.Count > 0)
                Ranges = await RangedDump.TryBeginAsync(source, Snapshot, ranged, Dump.Contents, Wal is null ? SpareSessions : SpareSessions + 1, cancellationToken).ConfigureAwait(false);
        }
        catch (BackupException caught)
        {
            failure = caught;
        }

        // A session of its own sees the present state, not the snapshot's.
        try
        {
            using PostgreSqlSession present = await source.OpenAsync(cancellationToken).ConfigureAwait(false);
            Dictionary<long, (string Name, long File)> now = await FilesAsync(present, Tables, cancellationToken).ConfigureAwait(false);
            return (failure, [.. files.Where(file => now.GetValueOrDefault(file.Key).File != file.Value.File).Select(file => file.Value.Name)]);
        }
        catch (BackupException) when (failure is not null)
        {
            return (failure, []);
        }
    }

    private static Task<List<string>> UnloggedOfStandbyAsync(PostgreSqlSession session, CancellationToken cancellationToken) => session.RowsAsync(
        $"""
        SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE pg_is_in_recovery() AND c.relkind = 'r' AND c.relpersistence = 'u' AND {PostgreSqlCatalog.UserSchema} ORDER BY 1
        """,
        row => row.GetString(0),
        Looking,
        cancellationToken);

    private static async Task<Dictionary<long, (string Name, long File)>> FilesAsync(PostgreSqlSession session, List<PostgreSqlTable> tables, CancellationToken cancellationToken)
    {
        List<(long Table, string Name, long File)> found = await session.RowsAsync(
            $"""
            SELECT c.oid::bigint, quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.relfilenode::bigint
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {Dumped}
            """,
            row => (row.GetInt64(0), row.GetString(1), row.GetInt64(2)),
            Looking,
            cancellationToken,
            [tables.Select(table => (long)table.ObjectId).ToArray()]).ConfigureAwait(false);
        return found.ToDictionary(table => table.Table, table => (table.Name, table.File));
    }
}
