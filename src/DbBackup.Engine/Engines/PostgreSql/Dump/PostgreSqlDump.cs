using System.Globalization;
using DbBackup.Engine.Engines.PostgreSql.Connect;
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
        byte[] start = new byte[1 << 12];
        int read = await _tool.Output.ReadAsync(start, cancellationToken).ConfigureAwait(false);
        if (read == 0)
            await RequireSuccessAsync(_tool, cancellationToken).ConfigureAwait(false);
        _start = start.AsMemory(0, read);
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
    /// <param name="cancellationToken">Kills pg_dump.</param>
    /// <returns>What the dump holds.</returns>
    /// <exception cref="BackupException">pg_dump failed, or the dump is not whole.</exception>
    public async Task<DumpContents> StreamAsync(Func<Stream, Task> store, CancellationToken cancellationToken)
    {
        bool plain = options.Format == PostgreSqlFormat.Plain;
        ToolProcess tool = _tool!;
        using CancellationTokenRegistration stop = cancellationToken.Register(tool.Kill);
        var scanner = new PlainDumpScanner();
        var rows = new ArchiveRows();
        using PassingListing? listing = plain ? null : await PassingListing.StartAsync(client, cancellationToken).ConfigureAwait(false);
        try
        {
            // The wait for the end reads what is left.
            using var whole = new PrefixedStream(_start, tool.Output, null, leaveOpen: true);
            using var tapped = new TappedStream(whole, bytes =>
            {
                if (listing is null)
                {
                    scanner.Append(bytes.Span);
                    return;
                }

                listing.Take(bytes);
                rows.Append(bytes.Span);
            });
            await store(tapped).ConfigureAwait(false);
        }
        catch (IOException) when (cancellationToken.IsCancellationRequested)
        {
            cancellationToken.ThrowIfCancellationRequested();
        }

        await RequireSuccessAsync(tool, cancellationToken).ConfigureAwait(false);
        if (listing is not null)
            return Counted(DumpContents.FromListing(await listing.CompleteAsync(cancellationToken).ConfigureAwait(false)), rows.Complete, () => rows.Contents);
        PlainDumpReport report = scanner.Complete();
        if (!report.IsComplete)
            throw Incomplete("it lacks its last line, \"PostgreSQL database dump complete\"");
        IReadOnlySet<string> names = report.Tables.Select(table => table.Name).ToHashSet(StringComparer.Ordinal);
        DumpContents contents = options.IsFiltered && !options.DataOnly
            ? (await ListAloneAsync(cancellationToken).ConfigureAwait(false)) with { Names = names, WithRows = null }
            : new DumpContents(null, null, names);
        return contents with { RowsByName = report.Tables.ToDictionary(table => table.Name, StringComparer.Ordinal) };
    }

    /// <summary>What a dump holds, with the rows that were counted as it passed.</summary>
    /// <param name="contents">What it lists.</param>
    /// <param name="complete">Gives the rows.</param>
    /// <param name="archive">Gives the table of contents that was read for them.</param>
    public DumpContents Counted(DumpContents contents, Func<IReadOnlyDictionary<uint, TableRows>?> complete, Func<ArchiveContents?> archive)
    {
        try
        {
            return contents with
            {
                Rows = complete(),
                Columns = archive()?.Tables.Values.ToDictionary(table => table.Table, table => CopyColumns.Of(table.Copy)) ?? [],
                Targets = archive()?.Tables.Values.ToDictionary(table => table.Table, table => CopyColumns.TargetOf(table.Copy)) ?? [],
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
        using CancellationTokenRegistration stop = cancellationToken.Register(_tool!.Kill);
        await RequireSuccessAsync(_tool, cancellationToken).ConfigureAwait(false);
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
            .. options.ExcludedTableData.Select(pattern => $"--exclude-table-data={pattern}"),
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
