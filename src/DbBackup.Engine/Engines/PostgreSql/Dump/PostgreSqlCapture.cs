using System.Globalization;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump.Unchanged;
using DbBackup.Engine.Engines.PostgreSql.Facts;
using DbBackup.Engine.Engines.PostgreSql.Rows;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.PostgreSql.Dump;

/// <summary>One dump of a database: its payload and its facts, which wait for each other.</summary>
/// <param name="source">The database, and what of it.</param>
/// <param name="keeper">The session that keeps the snapshot; it is this object's own.</param>
/// <param name="client">The programs.</param>
/// <param name="started">The snapshot, and pg_dump at work on it.</param>
/// <param name="info">What is known of the database.</param>
/// <param name="context">What the backup wants.</param>
internal sealed class PostgreSqlCapture(
    PostgreSqlSource source,
    PostgreSqlSession keeper,
    PostgreSqlClient client,
    StartedDump started,
    DatabaseInfo info,
    CaptureContext context)
{
    // The server sets the pace, so a processor is left for a level that makes dumps 2 to 4 % smaller in the same time; level 3 does no better.
    private const int DumpLevel = 2;

    // https://www.postgresql.org/docs/release/12.0/, "extra_float_digits".
    internal const int OldestServerOfContent = 12;

    private readonly TaskCompletionSource<DumpContents> _contents = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<PostgreSqlTable> _tables = started.Tables;
    private readonly WalTracking? _tracking = started is { Wal: { } wal, Ranges: { } ranges } ? new WalTracking(source, wal, ranges, context.Observer) : null;
    private EarlierRows? _earlier;

    // Later backups differ from a full one.
    private bool IsNoted => _tracking is not null && context.Earlier is null;

    public CapturedPayload Describe()
    {
        bool folder = started.Folder is not null;
        bool plain = source.Options.Format == PostgreSqlFormat.Plain;
        string name = PostgreSqlSource.FileStem(source.Database) + (plain ? ".sql" : folder ? ".tar" : ".dump");
        return new CapturedPayload
        {
            FileName = name,
            Kind = PayloadKind.Database,
            Format = plain ? PayloadFormat.PostgreSqlPlain : folder ? PayloadFormat.PostgreSqlDirectory : PayloadFormat.PostgreSqlCustom,
            Scope = source.Options.IsFiltered ? BackupScope.Partial : BackupScope.Whole,
            RestoreName = folder ? PostgreSqlSource.FileStem(source.Database) : name,
            OriginalPath = source.Location,
            ZstdLevel = DumpLevel,
            IsCataloged = IsNoted,
            WriteTo = (target, progress, token) => folder ? WriteFolderAsync(target, progress, token) : WriteStreamAsync(target, progress, token),
        };
    }

    /// <summary>Looks for what need not be read, because a full backup has it.</summary>
    public async Task OpenEarlierAsync(IEarlierPayloads payloads, CancellationToken cancellationToken)
    {
        if (_tracking is not null)
            _earlier = await payloads.OpenAsync(Describe(), EarlierRows.Read, cancellationToken).ConfigureAwait(false);
    }

    public async Task<CaptureFacts> CollectFactsAsync(CancellationToken cancellationToken)
    {
        try
        {
            using PostgreSqlSession session = await source.OpenAsync(cancellationToken).ConfigureAwait(false);
            string? revision = await PostgreSqlCatalog.SchemaRevisionAsync(keeper, cancellationToken).ConfigureAwait(false);
            // What a filter leaves is known from the dump alone; of a whole dump the catalogue is read while it runs.
            DumpContents? contents = source.Options.IsFiltered ? await _contents.Task.WaitAsync(cancellationToken).ConfigureAwait(false) : null;
            List<PostgreSqlTable> counted = contents is null ? _tables
                : source.Options.DataOnly ? _tables.FindAll(table => table.HasRows && contents.HasRowsOf(table))
                : _tables.FindAll(contents.Defines);
            // Older servers write floating point numbers with digits that no restored database gives.
            FingerprintLevel level = session.ServerMajor < OldestServerOfContent && context.Fingerprint == FingerprintLevel.Content ? FingerprintLevel.Rows : context.Fingerprint;
            Fingerprint? fingerprint = context.Fingerprint == FingerprintLevel.None
                ? null
                : await PostgreSqlFingerprint.OfCatalogAsync(session, started.Snapshot, level, counted, info.IsPartial, cancellationToken).ConfigureAwait(false);
            contents = await _contents.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            RequireWhole(contents);
            if (fingerprint is not null)
                fingerprint = fingerprint with { Tables = await CountAsync(session, level, contents, counted.FindAll(table => table.HasRows), cancellationToken).ConfigureAwait(false) };
            if (fingerprint is { Sequences.Count: > 0 })
            {
                List<SequenceFingerprint> after = await PostgreSqlFingerprint.SequencesAsync(session, cancellationToken).ConfigureAwait(false);
                fingerprint = fingerprint with { Sequences = PostgreSqlFingerprint.Span(started.Sequences, after) };
            }

            List<string> notes = await SearchPathNotes.OfAsync(session, cancellationToken).ConfigureAwait(false);
            foreach (string note in notes)
                context.Observer.Warning(note);
            return new CaptureFacts(fingerprint, revision) { Database = info, Notes = notes };
        }
        finally
        {
            Abandon();
        }
    }

    /// <summary>Ends pg_dump and the snapshot.</summary>
    public void Abandon()
    {
        started.End();
        keeper.Dispose();
    }

    // The rows are the dump's own, counted as it passed. Only an archive of a form that is not known here is no help: then the server is asked.
    private async Task<IReadOnlyList<TableFingerprint>> CountAsync(PostgreSqlSession session, FingerprintLevel level, DumpContents contents, List<PostgreSqlTable> counted, CancellationToken cancellationToken)
    {
        if (contents is { Rows: null, RowsByName: null })
        {
            context.Observer.Verbose($"The rows of '{source.Database}' are read once more: this module does not know the archives that pg_dump {client.Version} writes.");
            contents = contents with
            {
                Columns = await PostgreSqlCatalog.ColumnsAsync(session, counted.FindAll(table => table.Inherits), cancellationToken).ConfigureAwait(false),
                Rows = await PostgreSqlFingerprint.ReadRowsAsync(session, started.Snapshot, level, counted.FindAll(contents.HasRowsOf), cancellationToken).ConfigureAwait(false),
            };
        }

        return contents.FactsOf(counted, level)!;
    }

    private async Task<StreamSummary> WriteStreamAsync(Stream target, IProgress<long> progress, CancellationToken cancellationToken)
    {
        // The writer takes the bytes straight from the pipe into its blocks.
        Func<Stream, Task> store = target is PayloadWriter writer
            ? stream => writer.CopyFromAsync(stream, progress, cancellationToken)
            : stream => stream.CopyToAsync(target, 1 << 20, cancellationToken);
        if (_earlier is not null)
            started.Ranges!.Unchanged = await _tracking!.FindAsync(_earlier, cancellationToken).ConfigureAwait(false);
        Task<DumpContents> dumped = started.Dump.StreamAsync(store, started.Ranges, cancellationToken);
        using var failed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<ReadOnlyMemory<byte>> noted = IsNoted
            ? _tracking!.NoteAsync(started.Ranges!.Archive.IntegerBytes, dumped, failed.Token)
            : Task.FromResult<ReadOnlyMemory<byte>>(default);
        try
        {
            _contents.SetResult(await dumped.ConfigureAwait(false));
        }
        catch
        {
            await failed.CancelAsync().ConfigureAwait(false);
            await ((Task)noted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }

        return new StreamSummary(null, []) { Catalog = await noted.ConfigureAwait(false) };
    }

    private async Task<StreamSummary> WriteFolderAsync(Stream target, IProgress<long> progress, CancellationToken cancellationToken)
    {
        string folder = started.Folder!;
        context.Observer.Progress(new OperationProgress(context.Activity, $"dumping {source.Database} with {source.Jobs} jobs"));
        DumpContents contents = await started.Dump.CompleteFolderAsync(folder, cancellationToken).ConfigureAwait(false);
        FolderRows? rows = FolderRows.Open(folder);
        var archiver = new FolderArchiver { Watch = rows is null ? null : rows.Take };
        ArchiveSummary summary = await archiver.WriteAsync(folder, target, progress, cancellationToken).ConfigureAwait(false);
        if (rows is not null)
            contents = await started.Dump.CountedAsync(contents, rows.Contents, () => Task.FromResult(rows.Complete())).ConfigureAwait(false);
        _contents.SetResult(contents);
        FolderRemoval.Delete(folder);
        return new StreamSummary(summary.Entries, []);
    }

    private void RequireWhole(DumpContents contents)
    {
        // What the filter left out may have been emptied as often as its application liked.
        if (started.Replaced.Find(contents.HasRowsOf) is { } emptied)
            throw StartedDump.Emptied(source, [emptied.Name]);
        if (source.Options.LacksRows)
        {
            if (!source.Options.AllowEmpty && !_tables.Exists(source.Options.DataOnly ? contents.HasRowsOf : contents.Defines))
                throw started.Dump.Incomplete("it holds no table");
            return;
        }

        List<PostgreSqlTable> missing = _tables.FindAll(table => table.HasRows && !contents.HasRowsOf(table) && !started.Unlogged.Contains(table.Name));
        if (missing.Count > 0)
            throw started.Dump.Incomplete(string.Create(CultureInfo.InvariantCulture, $"{missing.Count} of {_tables.Count(table => table.HasRows)} tables are not in it: {PostgreSqlSource.Names(missing)}"));
    }
}
