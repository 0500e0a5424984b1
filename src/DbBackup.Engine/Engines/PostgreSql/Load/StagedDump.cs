using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Engines.PostgreSql.Rows;
using DbBackup.Engine.Engines.PostgreSql.Text;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.PostgreSql.Load;

/// <summary>
/// A PostgreSQL payload made ready to be loaded: an archive unpacked into a scratch folder with its hashes proved, so that several jobs
/// can read it at once, or SQL text that streams.
/// </summary>
internal sealed class StagedDump : IDisposable
{
    // pg_dump writes schemas before anything else.
    private const int PeekBytes = 1 << 18;
    private const string ListEnding = ".list";
    private readonly BackupContent _content;
    private readonly string? _archive;
    private readonly ArchivePlaces? _places;

    private StagedDump(BackupContent content, Payload payload, string? archive, ArchiveListing? listing, PostgreSqlClient client, ArchivePlaces? places = null)
    {
        _content = content;
        _places = places;
        Payload = payload;
        _archive = archive;
        Listing = listing;
        Client = client;
    }

    public Payload Payload { get; }

    /// <summary>The archive, a file or folder of this machine; null for SQL text.</summary>
    public string? Archive => _archive;

    /// <summary>What the archive holds; null for SQL text.</summary>
    public ArchiveListing? Listing { get; }

    /// <summary>The programs that read it.</summary>
    public PostgreSqlClient Client { get; }

    /// <summary>How many schemas the database had that was dumped as a whole; null where that is not known.</summary>
    public long? SchemasOfSource => Payload.Database?.IsPartial != true && Payload.Fingerprint?.Objects.TryGetValue("schemas", out long count) == true ? count : null;

    /// <summary>The major version of the pg_dump that wrote a payload; null where that is not known.</summary>
    public static int? ClientMajor(Payload payload) =>
        payload.Database?.ClientVersion is { } version && int.TryParse(version.Split('.', ' ')[0], out int major) ? major : null;

    /// <summary>Makes a payload ready.</summary>
    /// <param name="content">The backup.</param>
    /// <param name="payload">The payload.</param>
    /// <param name="route">The way to the programs beside a server in a container; null for those of this machine.</param>
    /// <param name="serverMajor">The server that it will go to; null for none.</param>
    /// <param name="folder">Where it is unpacked.</param>
    /// <param name="progress">Receives the number of bytes.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="BackupException">The payload is damaged, or nothing here can read it.</exception>
    public static async Task<StagedDump> PrepareAsync(
        BackupContent content, Payload payload, TunnelledServer? route, int? serverMajor, string folder, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        PostgreSqlClient client = await PostgreSqlClients.ForArchiveAsync(route, serverMajor, ClientMajor(payload), cancellationToken).ConfigureAwait(false);
        if (payload.Format == PayloadFormat.PostgreSqlPlain)
            return new StagedDump(content, payload, null, null, client);
        string archive = Path.Combine(folder, $"{Guid.NewGuid():N}");
        ArchivePlaces? places = payload.Format == PayloadFormat.PostgreSqlCustom ? new ArchivePlaces() : null;
        using (PayloadReader original = content.OpenOriginal(payload, cancellationToken))
        {
            if (payload.Format == PayloadFormat.PostgreSqlDirectory)
            {
                await FolderExtractor.ExtractAsync(original, archive, new ExtractOptions { StripFirstFolder = true, Bytes = progress, RestoreOwners = false }, cancellationToken).ConfigureAwait(false);
                await original.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
                DumpFolder.RequireFiles(archive);
            }
            else
            {
                using var file = new FileStream(archive, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.Asynchronous);
                using Stream passing = places is null ? original : new TappedStream(original, bytes => places.Append(bytes.Span));
                await PayloadCopy.RunAsync(passing, file, progress, cancellationToken).ConfigureAwait(false);
                places?.Complete();
            }
        }

        string listing = await DumpContents.ListAsync(client, archive, withDependencies: true, cancellationToken).ConfigureAwait(false);
        return new StagedDump(content, payload, archive, ArchiveListing.Parse(listing), client, places);
    }

    /// <summary>Loads it into an empty database, whole or a part of it.</summary>
    /// <param name="target">A session in that database.</param>
    /// <param name="options">How; its list file is set here.</param>
    /// <param name="part">The part; null for everything.</param>
    /// <param name="progress">Receives the number of bytes of SQL text, or of large tables.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <returns>What the server refused; none unless <see cref="DatabaseLoadOptions.KeepsGoing"/>.</returns>
    public async Task<IReadOnlyList<string>> LoadAsync(PostgreSqlSession target, DatabaseLoadOptions options, ArchiveSelection? part, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> refused;
        if (_archive is null)
        {
            refused = await LoadTextAsync(target, options, progress, cancellationToken).ConfigureAwait(false);
        }
        else
        {
            if (OwnerOfPublic(part, options) is { Length: > 0 } statement)
                await target.ExecuteAsync(statement, "setting the owner of the schema public", cancellationToken).ConfigureAwait(false);
            if (Payload.Format == PayloadFormat.PostgreSqlTar)
                options = options with { Jobs = 1 };
            refused = await LoadArchiveAsync(target, options, part, progress, cancellationToken).ConfigureAwait(false);
        }

        if (part is null && SchemasOfSource is { } schemas)
            await target.ExecuteAsync(PublicSchema.ExistsNotBeside(schemas, isNew: true), "dropping the schema public, which the source has not", cancellationToken).ConfigureAwait(false);
        return refused;
    }

    // Definitions and what must come early, then large tables by connections of our own, then all the rest by the jobs of pg_restore.
    private async Task<IReadOnlyList<string>> LoadArchiveAsync(PostgreSqlSession target, DatabaseLoadOptions options, ArchiveSelection? part, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        HashSet<int> extensionRows = part is not null || options.Jobs == 1 || options.SchemaOnly || ExtensionRows() is not { Count: > 1 } rows ? [] : rows;
        IReadOnlyList<TableText> large = await LargeAsync(target, options, part, cancellationToken).ConfigureAwait(false);
        if (extensionRows.Count + large.Count == 0)
            return await LoadListedAsync(target, WithList(options, part, []), cancellationToken).ConfigureAwait(false);
        HashSet<int> isThere = [.. Definitions(), .. extensionRows];
        string list = _archive + ListEnding;
        File.WriteAllLines(list, Listed(options, part).Where(entry => isThere.Contains(entry.DumpId)).Select(entry => entry.Line));
        IReadOnlyList<string> refused = await LoadListedAsync(target, options with { Jobs = 1, ListFile = list }, cancellationToken).ConfigureAwait(false);
        isThere.UnionWith(await LoadLargeAsync(target, options, large, progress, cancellationToken).ConfigureAwait(false));
        return [.. refused, .. await LoadListedAsync(target, WithList(options, part, isThere), cancellationToken).ConfigureAwait(false)];
    }

    private Task<IReadOnlyList<string>> LoadListedAsync(PostgreSqlSession target, DatabaseLoadOptions options, CancellationToken cancellationToken) =>
        new DatabaseLoad(target.Server, target.Database, target.ServerMajor, Client, options).FromArchiveAsync(_archive!, cancellationToken);

    // Into a container all data go through one pipe of the engine's, beside which more connections are no help. A server that logs little
    // (wal_level=minimal) logs nothing of a table that one session creates or empties, and fills, as pg_restore does: that is better there.
    private async Task<IReadOnlyList<TableText>> LargeAsync(PostgreSqlSession target, DatabaseLoadOptions options, ArchiveSelection? part, CancellationToken cancellationToken)
    {
        if (options.Jobs == 1 || options.SchemaOnly || target.Server.Route is not null || target.IsPooled)
            return [];
        IReadOnlyList<TableText> texts = Payload.Format == PayloadFormat.PostgreSqlDirectory ? TableText.OfFolder(_archive!) : _places is { } places ? TableText.OfFile(_archive!, places) : [];
        HashSet<int> listed = [.. Listed(options, part).Where(entry => entry.Kind == "TABLE DATA").Select(entry => entry.DumpId)];
        HashSet<int> ofExtensions = ExtensionRows();
        texts = [.. texts.Where(text => text.AboutBytes >= options.LargeTableBytes && listed.Contains(text.Table.DumpId) && !ofExtensions.Contains(text.Table.DumpId))];
        return texts.Count == 0 || await target.IsTrueAsync("SELECT current_setting('wal_level') = 'minimal'", "looking at the server", cancellationToken).ConfigureAwait(false) ? [] : texts;
    }

    /// <returns>The entries that need not be loaded any more.</returns>
    private static async Task<HashSet<int>> LoadLargeAsync(
        PostgreSqlSession target, DatabaseLoadOptions options, IReadOnlyList<TableText> large, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        var loaded = new HashSet<int>();
        using var copy = new ParallelCopy(target, options.Jobs, progress);
        foreach (TableText table in large)
        {
            if (!await copy.CanLoadAsync(table, cancellationToken).ConfigureAwait(false))
                continue;
            try
            {
                await copy.LoadAsync(table, cancellationToken).ConfigureAwait(false);
                loaded.Add(table.Table.DumpId);
            }
            catch (BackupException failure) when (options.KeepsGoing && LoadErrors.IsRefusal(failure))
            {
                // pg_restore leaves the table empty and lists it.
                await copy.EmptyAsync(table, cancellationToken).ConfigureAwait(false);
            }
        }

        return loaded;
    }

    // What pg_restore runs with one job anyway, without what it runs last. Rows of extensions' own tables follow at once: they meet foreign keys,
    // which are there with the extension, and stand in the archive in an order that these allow, which several jobs of pg_restore do not
    // keep. They may name tables of the database, so all definitions come before them.
    private IEnumerable<int> Definitions() =>
        Listing!.Entries.TakeWhile(entry => entry.Kind is not ("TABLE DATA" or "SEQUENCE SET" or "BLOB" or "BLOBS" or "BLOB METADATA"))
            .Where(entry => entry.Kind is not ("ACL" or "DEFAULT ACL" or "COMMENT" or "SECURITY LABEL" or "EVENT TRIGGER" or "STATISTICS DATA")).Select(entry => entry.DumpId);

    private HashSet<int> ExtensionRows()
    {
        if (!Listing!.Entries.Any(entry => entry.Kind == "EXTENSION"))
            return [];
        HashSet<long> tables = [.. Listing.Entries.Where(entry => entry.Kind is "TABLE" or "FOREIGN TABLE").Select(entry => entry.ObjectId)];
        return [.. Listing.Entries.Where(entry => entry.Kind == "TABLE DATA" && !tables.Contains(entry.ObjectId)).Select(entry => entry.DumpId)];
    }

    /// <summary>Loads it, or a part of it, in one transaction between other statements.</summary>
    public async Task LoadInOneTransactionAsync(
        PostgreSqlConnectionSettings server, string database, int serverMajor, DatabaseLoadOptions options, ArchiveSelection? part, string before, string after, CancellationToken cancellationToken)
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

            using Stream text = await OpenTextAsync(null, cancellationToken).ConfigureAwait(false);
            await new DatabaseLoad(server, database, serverMajor, Client, options).FromTextInOneTransactionAsync(text, Payload.FileName, before, after, cancellationToken).ConfigureAwait(false);
            return;
        }

        await new DatabaseLoad(server, database, serverMajor, Client, WithList(options, part, [])).FromArchiveInOneTransactionAsync(
            _archive, Payload.FileName, before + OwnerOfPublic(part, options), after, cancellationToken).ConfigureAwait(false);
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
        var scanner = new PlainDumpScanner(Payload.Fingerprint?.Tables.Any(table => CopyRows.IsUtc(table.ContentHash)) == true);
        await ToTextAsync(stream => ScanAsync(stream, scanner, progress, cancellationToken), cancellationToken).ConfigureAwait(false);
        return scanner.Complete();
    }

    public void Dispose()
    {
        if (Presence.IsFolder(_archive))
            FolderRemoval.Delete(_archive);
        else if (_archive is not null)
            File.Delete(_archive);
        if (_archive is not null)
            File.Delete(_archive + ListEnding);
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

    // Instead of the schema's own entry, which WithList leaves out.
    private string OwnerOfPublic(ArchiveSelection? part, DatabaseLoadOptions options) =>
        !options.WithoutOwners && PublicSchema.EntryOf(Entries(part)) is { Owner.Length: > 0 } entry ? PublicSchema.OwnedBy(entry.Owner) : string.Empty;

    private IReadOnlyList<ArchiveEntry> Entries(ArchiveSelection? part) => part?.Entries ?? Listing!.Entries;

    private DatabaseLoadOptions WithList(DatabaseLoadOptions options, ArchiveSelection? part, HashSet<int> isThere)
    {
        if (part is null && Payload.Database?.IsPartial != true && PublicSchema.EntryOf(Entries(part)) is null && isThere.Count == 0
            && options is { WithoutExtensionComments: false, PresentSchemas.Count: 0, WithoutExtensions.Count: 0 })
            return options;
        string list = _archive + ListEnding;
        File.WriteAllLines(list, Listed(options, part).Where(entry => !isThere.Contains(entry.DumpId)).Select(entry => entry.Line));
        return options with { ListFile = list };
    }

    // A dump of chosen tables has keys and triggers that rely on what was not chosen: they cannot be restored alone.
    private IEnumerable<ArchiveEntry> Listed(DatabaseLoadOptions options, ArchiveSelection? part)
    {
        IEnumerable<ArchiveEntry> entries = Entries(part);
        if (options.WithoutExtensionComments)
            entries = entries.Where(entry => entry.Kind != "COMMENT" || !entry.Name.StartsWith("EXTENSION ", StringComparison.Ordinal));
        if (options.WithoutExtensions.Count > 0)
        {
            IReadOnlySet<int> leftOut = SingleDatabaseExtensions.EntriesOf(Listing!, options.WithoutExtensions).Own;
            entries = entries.Where(entry => !leftOut.Contains(entry.DumpId));
        }

        HashSet<int> loose = Payload.Database?.IsPartial == true ? [.. Listing!.WithoutBasis("FK CONSTRAINT"), .. Listing.WithoutBasis("TRIGGER")] : [];
        return entries.Where(entry => !loose.Contains(entry.DumpId) && !PublicSchema.IsEntry(entry) && !(entry.Kind == "SCHEMA" && options.PresentSchemas.Contains(entry.Name)));
    }

    private async Task<IReadOnlyList<string>> LoadTextAsync(PostgreSqlSession target, DatabaseLoadOptions options, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        using Stream whole = await OpenTextAsync(progress, cancellationToken).ConfigureAwait(false);
        (PlainDumpReport report, IReadOnlyList<string> refused) =
            await new DatabaseLoad(target.Server, target.Database, target.ServerMajor, Client, options).FromTextAsync(whole, Payload.FileName, cancellationToken).ConfigureAwait(false);
        RequireComplete(report);
        return refused;
    }

    private void RequireComplete(PlainDumpReport report)
    {
        if (report.UnsafeAt is { } place)
            throw PsqlInput.Unsafe(Payload.FileName, place);
        if (report.IsComplete)
            return;
        throw new BackupFailure(
            ErrorCodes.DumpIncomplete,
            FailureCategory.InvalidData,
            $"'{Payload.FileName}' lacks its last line, \"PostgreSQL database dump complete\": it was cut off. Nothing was changed.",
            "Use another backup of this source: Get-DbBackup, and Test-DbBackup to find a whole one.")
        { Target = Payload.FileName };
    }

    private async Task<Stream> OpenTextAsync(IProgress<long>? progress, CancellationToken cancellationToken)
    {
        PayloadReader text = _content.OpenOriginal(Payload, cancellationToken);
        try
        {
            byte[] start = new byte[PeekBytes];
            int length = await text.ReadAtLeastAsync(start, PeekBytes, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            PublicSchema.LeaveOutCreation(start.AsSpan(0, length));
            return new PrefixedStream(start.AsMemory(0, length), text, progress);
        }
        catch
        {
            text.Dispose();
            throw;
        }
    }
}
