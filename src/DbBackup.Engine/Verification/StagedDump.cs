using DbBackup.Engine.Payloads;
using DbBackup.Engine.Sources.Files;
using DbBackup.Engine.Sources.PostgreSql;

namespace DbBackup.Engine.Verification;

/// <summary>
/// A PostgreSQL payload made ready to be loaded: an archive unpacked into a scratch folder with its hashes proved, so that several jobs
/// can read it at once, or SQL text that streams.
/// </summary>
internal sealed class StagedDump : IDisposable
{
    // pg_dump writes schemas before anything else.
    private const int PeekBytes = 1 << 18;
    private readonly BackupContent _content;
    private readonly string? _archive;

    private StagedDump(BackupContent content, Payload payload, string? archive, ArchiveListing? listing, PostgreSqlClient client)
    {
        _content = content;
        Payload = payload;
        _archive = archive;
        Listing = listing;
        Client = client;
    }

    public Payload Payload { get; }

    /// <summary>What the archive holds; null for SQL text.</summary>
    public ArchiveListing? Listing { get; }

    /// <summary>The programs that read it.</summary>
    public PostgreSqlClient Client { get; }

    /// <summary>The major version of the pg_dump that wrote a payload; null where that is not known.</summary>
    public static int? ClientMajor(Payload payload) =>
        payload.Database?.ClientVersion is { } version && int.TryParse(version.Split('.', ' ')[0], out int major) ? major : null;

    /// <summary>Makes a payload ready.</summary>
    /// <param name="content">The backup.</param>
    /// <param name="payload">The payload.</param>
    /// <param name="route">The way to the programs beside a server in a container; null for those of this machine.</param>
    /// <param name="serverMajor">The server that it will go to; null for none.</param>
    /// <param name="folder">Where it is unpacked.</param>
    /// <param name="progress">Hears of the bytes.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="BackupException">The payload is damaged, or nothing here can read it.</exception>
    public static async Task<StagedDump> PrepareAsync(
        BackupContent content, Payload payload, IServerRoute? route, int? serverMajor, string folder, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        PostgreSqlClient client = await PostgreSqlClients.ForArchiveAsync(route, serverMajor, ClientMajor(payload), cancellationToken).ConfigureAwait(false);
        if (payload.Format == PayloadFormat.PostgreSqlPlain)
            return new StagedDump(content, payload, null, null, client);
        string archive = Path.Combine(folder, $"{Guid.NewGuid():N}");
        using (PayloadReader original = content.OpenOriginal(payload, cancellationToken))
        {
            if (payload.Format == PayloadFormat.PostgreSqlDirectory)
            {
                await FolderExtractor.ExtractAsync(original, archive, new ExtractOptions { StripFirstFolder = true, Bytes = progress, RestoreOwners = false }, cancellationToken).ConfigureAwait(false);
                await original.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
            }
            else
            {
                using var file = new FileStream(archive, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.Asynchronous);
                await DatabaseRestorer.CopyAsync(original, file, progress, cancellationToken).ConfigureAwait(false);
            }
        }

        string listing = await DumpContents.ListAsync(client, archive, withDependencies: true, cancellationToken).ConfigureAwait(false);
        return new StagedDump(content, payload, archive, ArchiveListing.Parse(listing), client);
    }

    /// <summary>Loads it into an empty database, whole or a part of it.</summary>
    /// <param name="target">A session in that database.</param>
    /// <param name="options">How; its list file is set here.</param>
    /// <param name="part">The part; null for everything.</param>
    /// <param name="progress">Hears of the bytes of SQL text.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    public async Task LoadAsync(PostgreSqlSession target, DatabaseLoadOptions options, ArchiveSelection? part, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        if (_archive is null)
        {
            await LoadTextAsync(target, options, progress, cancellationToken).ConfigureAwait(false);
            return;
        }

        options = WithList(options, part);
        // A new database has the schema public already; some dumps create it.
        if (Entries(part).Any(entry => entry is { Kind: "SCHEMA", Name: "public" }))
            await DropPublicAsync(target, cancellationToken).ConfigureAwait(false);
        if (Payload.Format == PayloadFormat.PostgreSqlTar)
            options = options with { Jobs = 1 };
        await new DatabaseLoad(target.Server, target.Database, Client, options).FromArchiveAsync(_archive, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Loads it, or a part of it, in one transaction between other statements.</summary>
    public async Task LoadInOneTransactionAsync(
        PostgreSqlConnectionSettings server, string database, DatabaseLoadOptions options, ArchiveSelection? part, string before, string after, CancellationToken cancellationToken)
    {
        if (_archive is null)
        {
            // The text is proved before any of it counts: read once to its end, and then run. psql takes a text that was cut off for a
            // shorter one, and commits it; cut off within data, it even takes the statements that follow here for data.
            PlainDumpReport report = await ReadToEndAsync(null, cancellationToken).ConfigureAwait(false);
            RequireComplete(report);
            if (report.Commits)
            {
                throw new BackupFailure(
                    ErrorCodes.FormatNotSupported,
                    FailureCategory.NotSupported,
                    $"'{Payload.FileName}' is SQL text that commits on its way (around large objects), so it cannot be loaded in one transaction. Nothing was changed.",
                    "Restore it beside the present database (without -InPlace), or under another name.")
                { Target = Payload.FileName };
            }

            using PayloadReader text = _content.OpenOriginal(Payload, cancellationToken);
            await new DatabaseLoad(server, database, Client, options).FromTextInOneTransactionAsync(text, before, after, cancellationToken).ConfigureAwait(false);
            return;
        }

        await new DatabaseLoad(server, database, Client, WithList(options, part)).FromArchiveInOneTransactionAsync(_archive, before, after, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Gives it as SQL text.</summary>
    /// <param name="take">Reads the text to its end.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="BackupException">The payload is damaged.</exception>
    public async Task ToTextAsync(Func<Stream, Task> take, CancellationToken cancellationToken)
    {
        if (_archive is not null)
        {
            await DatabaseLoad.ToTextAsync(Client, _archive, take, cancellationToken).ConfigureAwait(false);
            return;
        }

        using PayloadReader text = _content.OpenOriginal(Payload, cancellationToken);
        await take(text).ConfigureAwait(false);
    }

    /// <summary>Reads it to its end without a server, and counts its rows.</summary>
    public async Task<PlainDumpReport> ReadToEndAsync(IProgress<long>? progress, CancellationToken cancellationToken)
    {
        var scanner = new PlainDumpScanner();
        await ToTextAsync(stream => ScanAsync(stream, scanner, progress, cancellationToken), cancellationToken).ConfigureAwait(false);
        return scanner.Complete();
    }

    public void Dispose()
    {
        if (Directory.Exists(_archive))
            Directory.Delete(_archive, recursive: true);
        else if (_archive is not null)
            File.Delete(_archive);
        if (_archive is not null)
            File.Delete(_archive + ".list");
    }

    private static async Task ScanAsync(Stream stream, PlainDumpScanner scanner, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        byte[] buffer = GC.AllocateUninitializedArray<byte>(1 << 20);
        long done = 0;
        int read;
        while ((read = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
        {
            scanner.Append(buffer.AsSpan(0, read));
            progress?.Report(done += read);
        }
    }

    private IReadOnlyList<ArchiveEntry> Entries(ArchiveSelection? part) => part?.Entries ?? Listing!.Entries;

    // A dump of chosen tables has keys and triggers that rely on what was not chosen: they cannot be restored alone.
    private DatabaseLoadOptions WithList(DatabaseLoadOptions options, ArchiveSelection? part)
    {
        IReadOnlyList<ArchiveEntry> entries = Entries(part);
        if (part is null && Payload.Database?.IsPartial != true)
            return options;
        HashSet<int> loose = Payload.Database?.IsPartial == true ? [.. Listing!.WithoutBasis("FK CONSTRAINT"), .. Listing.WithoutBasis("TRIGGER")] : [];
        string list = _archive + ".list";
        File.WriteAllLines(list, entries.Where(entry => !loose.Contains(entry.DumpId)).Select(entry => entry.Line));
        return options with { ListFile = list };
    }

    private async Task LoadTextAsync(PostgreSqlSession target, DatabaseLoadOptions options, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        using PayloadReader text = _content.OpenOriginal(Payload, cancellationToken);
        byte[] start = new byte[PeekBytes];
        int length = await text.ReadAtLeastAsync(start, PeekBytes, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        if (start.AsSpan(0, length).IndexOf("\nCREATE SCHEMA public;"u8) >= 0)
            await DropPublicAsync(target, cancellationToken).ConfigureAwait(false);
        using var whole = new PrefixedStream(start.AsMemory(0, length), text, progress);
        var scanner = new PlainDumpScanner();
        using var scanned = new TappedStream(whole, bytes => scanner.Append(bytes.Span));
        await new DatabaseLoad(target.Server, target.Database, Client, options).FromTextAsync(scanned, inOneTransaction: false, cancellationToken).ConfigureAwait(false);
        RequireComplete(scanner.Complete());
    }

    private void RequireComplete(PlainDumpReport report)
    {
        if (report.IsComplete)
            return;
        throw new BackupFailure(
            ErrorCodes.DumpIncomplete,
            FailureCategory.InvalidData,
            $"'{Payload.FileName}' lacks its last line, \"PostgreSQL database dump complete\": it was cut off. Nothing was changed.",
            "Use another backup of this source: Get-DbBackup, and Test-DbBackup to find a whole one.")
        { Target = Payload.FileName };
    }

    private static Task DropPublicAsync(PostgreSqlSession target, CancellationToken cancellationToken) =>
        target.ExecuteAsync("DROP SCHEMA IF EXISTS public", "making room for the dump's own schema public", cancellationToken);
}
