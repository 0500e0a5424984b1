using System.Globalization;
using System.Runtime.CompilerServices;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump.Ranges;
using DbBackup.Engine.Engines.PostgreSql.Rows;
using DbBackup.Engine.Engines.PostgreSql.Text;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.PostgreSql.Dump;

/// <summary>
/// One run of pg_dump. What it writes is worth nothing until its exit code is 0 and its own table of contents has been read.
/// </summary>
/// <param name="server">The server and role.</param>
/// <param name="database">The database.</param>
/// <param name="client">The programs.</param>
/// <param name="options">What of it, and how.</param>
/// <param name="serverOptions">The options with which it connects; null for none.</param>
internal sealed class PostgreSqlDump(
    PostgreSqlConnectionSettings server, string database, PostgreSqlClient client, PostgreSqlDumpOptions options, string? serverOptions) : IDisposable
{
    // pg_dump writes this file when it has read the catalogue, before any data.
    private const string ContentsOfFolder = "toc.dat";
    private static readonly TimeSpan s_betweenLooks = TimeSpan.FromMilliseconds(20);

    private ToolProcess? _tool;
    private string _snapshot = string.Empty;
    private ReadOnlyMemory<byte> _start;
    private ArchiveContents? _contents;

    // The facts may have failed meanwhile, or the backup been cancelled, which ends it at any moment.
    private ToolProcess Running => _tool ?? throw new OperationCanceledException("The dump was ended.");

    /// <summary>The table of contents of the archive that was started; empty for SQL text, and for an archive of a form that is not known here.</summary>
    public ReadOnlyMemory<byte> Contents { get; private set; }

    /// <summary>
    /// Starts pg_dump on a stream, as a custom archive or as SQL text, and returns when it holds the locks of its tables: it writes nothing
    /// before it has locked them all and read the catalogue.
    /// </summary>
    /// <param name="snapshot">The exported snapshot to dump.</param>
    /// <param name="cancellationToken">Kills pg_dump.</param>
    /// <exception cref="BackupException">pg_dump failed.</exception>
    public async Task StartStreamAsync(string snapshot, CancellationToken cancellationToken)
    {
        string[] form = options.Format == PostgreSqlFormat.Plain ? ["--format=plain"] : ["--format=custom", "--compress=0"];
        _snapshot = snapshot;
        _tool = await StartAsync(form, snapshot, cancellationToken).ConfigureAwait(false);
        using CancellationTokenRegistration stop = cancellationToken.Register(_tool.Kill);
        await ReadStartAsync(_tool, cancellationToken).ConfigureAwait(false);
        if (_start.IsEmpty)
            await RequireSuccessAsync(_tool, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The same into a folder with several jobs at once.</summary>
    public async Task StartFolderAsync(string folder, int jobs, string snapshot, CancellationToken cancellationToken)
    {
        _snapshot = snapshot;
        _tool = await StartAsync(
            ["--format=directory", "--compress=0", "--no-sync", string.Create(CultureInfo.InvariantCulture, $"--jobs={jobs}"), $"--file={folder}"], snapshot, cancellationToken).ConfigureAwait(false);
        using CancellationTokenRegistration stop = cancellationToken.Register(_tool.Kill);
        Task<int> end = _tool.WaitAsync(cancellationToken);
        while (!end.IsCompleted && !File.Exists(Path.Combine(folder, ContentsOfFolder)))
            await Task.WhenAny(end, Task.Delay(s_betweenLooks, cancellationToken)).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        if (end.IsCompleted)
            await RequireSuccessAsync(_tool, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Stores the stream that was started.</summary>
    /// <param name="store">Takes the stream to its end.</param>
    /// <param name="ranges">The tables that pg_dump leaves to it; null for none.</param>
    /// <param name="cancellationToken">Kills pg_dump.</param>
    /// <returns>What the dump holds.</returns>
    /// <exception cref="BackupException">pg_dump failed, or the dump is not whole.</exception>
    public Task<DumpContents> StreamAsync(Func<Stream, Task> store, RangedDump? ranges, CancellationToken cancellationToken) => options.Format == PostgreSqlFormat.Plain
        ? StreamTextAsync(store, cancellationToken)
        : StreamArchiveAsync(store, ranges, cancellationToken);

    /// <summary>What a dump holds, with the rows that were counted as it passed.</summary>
    /// <param name="contents">What it lists.</param>
    /// <param name="archive">Its table of contents.</param>
    /// <param name="complete">Gives the rows.</param>
    /// <exception cref="BackupException">It is cut off.</exception>
    public async Task<DumpContents> CountedAsync(DumpContents contents, ArchiveContents archive, Func<Task<IReadOnlyDictionary<uint, TableRows>>> complete)
    {
        try
        {
            return contents with
            {
                Rows = await complete().ConfigureAwait(false),
                Columns = archive.Tables.Values.ToDictionary(table => table.Table, table => CopyColumns.Of(table.Copy)),
                Targets = archive.Tables.Values.ToDictionary(table => table.Table, table => CopyColumns.TargetOf(table.Copy)),
            };
        }
        catch (InvalidDataException cut)
        {
            throw Incomplete(cut.Message);
        }
    }

    /// <summary>Waits for the folder that was started.</summary>
    public async Task<DumpContents> CompleteFolderAsync(string folder, CancellationToken cancellationToken)
    {
        ToolProcess tool = Running;
        using CancellationTokenRegistration stop = cancellationToken.Register(tool.Kill);
        await RequireSuccessAsync(tool, cancellationToken).ConfigureAwait(false);
        return DumpContents.FromListing(await DumpContents.ListAsync(client, folder, withDependencies: false, cancellationToken).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _tool?.Dispose();
        _tool = null;
    }

    /// <summary>The failure for a dump that is not whole although pg_dump says nothing.</summary>
    public BackupFailure Incomplete(string finding) => new(
        ErrorCodes.DumpIncomplete,
        FailureCategory.InvalidData,
        $"The dump of '{database}' is incomplete: {finding}. It was not kept.",
        "Try again; if it happens again, run pg_dump by hand and look at what it writes.")
    { Target = server.LocationOf(database) };

    private async Task<DumpContents> StreamArchiveAsync(Func<Stream, Task> store, RangedDump? ranges, CancellationToken cancellationToken)
    {
        ToolProcess tool = Running;
        using PassingListing listing = await PassingListing.StartAsync(client, cancellationToken).ConfigureAwait(false);
        ArchiveStream? archive = _contents is null ? null : new ArchiveStream(_contents, _start[Contents.Length..], tool.Output)
        {
            NewContents = ranges?.Contents ?? Contents,
            Ranged = ranges?.DumpIds ?? [],
            Rows = ranges?.Read(cancellationToken),
            // With this token: pg_dump is killed the moment it is cancelled, and those that are linked to it may hear of that later.
            RequireWholeAsync = () => RequireSuccessAsync(tool, cancellationToken),
        };
        Stream whole = archive ?? (Stream)new PrefixedStream(_start, tool.Output, null, leaveOpen: true);
        await using ConfiguredAsyncDisposable ended = whole.ConfigureAwait(false);
        using var tapped = new TappedStream(whole, listing.Take);
        await StoreAsync(store, tapped, tool, cancellationToken).ConfigureAwait(false);
        DumpContents contents = DumpContents.FromListing(await listing.CompleteAsync(cancellationToken).ConfigureAwait(false));
        return archive is null ? contents : await CountedAsync(contents, ranges?.Archive ?? _contents!, archive.CompleteAsync).ConfigureAwait(false);
    }

    private async Task<DumpContents> StreamTextAsync(Func<Stream, Task> store, CancellationToken cancellationToken)
    {
        ToolProcess tool = Running;
        var scanner = new PlainDumpScanner();
        using var whole = new PrefixedStream(_start, tool.Output, null, leaveOpen: true);
        using var tapped = new TappedStream(whole, bytes => scanner.Append(bytes.Span));
        await StoreAsync(store, tapped, tool, cancellationToken).ConfigureAwait(false);
        PlainDumpReport report = scanner.Complete();
        if (!report.IsComplete)
            throw Incomplete("it lacks its last line, \"PostgreSQL database dump complete\"");
        IReadOnlySet<string> names = report.Tables.Select(table => table.Name).ToHashSet(StringComparer.Ordinal);
        DumpContents contents = options.IsFiltered && !options.DataOnly
            ? (await ListAloneAsync(cancellationToken).ConfigureAwait(false)) with { Names = names, WithRows = null }
            : new DumpContents(null, null, names);
        return contents with { RowsByName = report.Tables.ToDictionary(table => table.Name, StringComparer.Ordinal) };
    }

    private async Task StoreAsync(Func<Stream, Task> store, Stream dump, ToolProcess tool, CancellationToken cancellationToken)
    {
        using CancellationTokenRegistration stop = cancellationToken.Register(tool.Kill);
        try
        {
            // The wait for the end reads what is left.
            await store(dump).ConfigureAwait(false);
        }
        catch (IOException) when (cancellationToken.IsCancellationRequested)
        {
            cancellationToken.ThrowIfCancellationRequested();
        }

        await RequireSuccessAsync(tool, cancellationToken).ConfigureAwait(false);
    }

    // It writes the whole table of contents before any data.
    private async Task ReadStartAsync(ToolProcess tool, CancellationToken cancellationToken)
    {
        byte[] start = new byte[1 << 16];
        int length = 0;
        int read;
        int tryAt = 1;
        while ((read = await tool.Output.ReadAsync(start.AsMemory(length), cancellationToken).ConfigureAwait(false)) > 0)
        {
            length += read;
            _start = start.AsMemory(0, length);
            // At twice the length again, so that all tries together cost no more than the last.
            if (options.Format == PostgreSqlFormat.Plain || (length >= tryAt && TryReadContents()) || length > ArchiveBlocks.LongestContents)
                return;
            if (length >= tryAt)
                tryAt = 2 * length;
            if (length == start.Length)
                Array.Resize(ref start, 2 * length);
        }

        TryReadContents();
    }

    private bool TryReadContents()
    {
        if (!ArchiveContents.TryRead(_start.Span, out _contents, out int length))
            return false;
        if (_contents is not null)
            Contents = _start[..length];
        return true;
    }

    // SQL text names no oids; an archive of the definitions alone does, in the same snapshot.
    private async Task<DumpContents> ListAloneAsync(CancellationToken cancellationToken)
    {
        using ToolProcess tool = await StartAsync(["--format=custom", "--compress=0", "--schema-only"], _snapshot, cancellationToken).ConfigureAwait(false);
        using CancellationTokenRegistration stop = cancellationToken.Register(tool.Kill);
        using PassingListing listing = await PassingListing.StartAsync(client, cancellationToken).ConfigureAwait(false);
        byte[] buffer = new byte[1 << 16];
        int read;
        while ((read = await tool.Output.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
            listing.Take(buffer.AsMemory(0, read));
        await RequireSuccessAsync(tool, cancellationToken).ConfigureAwait(false);
        return DumpContents.FromListing(await listing.CompleteAsync(cancellationToken).ConfigureAwait(false));
    }

    private async Task<ToolProcess> StartAsync(IEnumerable<string> form, string snapshot, CancellationToken cancellationToken)
    {
        List<string> arguments =
        [
            .. form,
            "--no-password",
            $"--snapshot={snapshot}",
            string.Create(CultureInfo.InvariantCulture, $"--lock-wait-timeout={(long)options.LockTimeout.TotalMilliseconds}"),
            .. options.DataOnly ? ["--data-only"] : (string[])[],
            .. options.WithoutUnloggedRows ? ["--no-unlogged-table-data"] : (string[])[],
            .. options.Schemas.Select(pattern => $"--schema={pattern}"),
            .. options.Tables.Select(pattern => $"--table={pattern}"),
            .. options.ExcludedTables.Select(pattern => $"--exclude-table={pattern}"),
            .. options.ExcludedTableData.Concat(options.RangedTables).Select(pattern => $"--exclude-table-data={pattern}"),
            $"--dbname={PostgreSqlConnectionSettings.ToolDatabase(database)}",
        ];
        // A pattern that finds nothing would leave something out, and nobody would notice.
        if (options.IsPartial)
            arguments.Insert(0, "--strict-names");
        return await client.StartAsync("pg_dump", arguments, Environment(), ToolUse.Stream, cancellationToken).ConfigureAwait(false);
    }

    // Times with a zone are written in the zone of the session, which is another one on each server: the same row is the same text only in
    // one and the same zone. Names are quoted as they are here, whatever the database has set.
    private Dictionary<string, string?> Environment() => new(server.ForDatabase(database).ToToolEnvironment(serverOptions)) { ["PGTZ"] = "UTC" };

    private async Task RequireSuccessAsync(ToolProcess tool, CancellationToken cancellationToken)
    {
        int exitCode = await tool.WaitAsync(cancellationToken).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        if (exitCode != 0)
            throw await DumpFailures.ExplainAsync(server, database, tool.Name, exitCode, tool.Errors, cancellationToken).ConfigureAwait(false);
    }
}
