using DbBackup.Engine.Payloads.Patches;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.Files;

/// <summary>Sees bytes of a file, which are valid during the call only.</summary>
/// <param name="path">The file.</param>
/// <param name="bytes">The bytes.</param>
internal delegate void WatchContent(string path, ReadOnlySpan<byte> bytes);

/// <summary>
/// Writes a folder, or a single file, as a POSIX tar that stock tools extract. The folder may be in use: files that come, go,
/// grow and shrink meanwhile are dealt with and reported, and the archive is whole all the same.
/// </summary>
/// <remarks>An instance without <see cref="Catalog"/> may be used from several threads.</remarks>
internal sealed class FolderArchiver
{
    private const int WriteBufferBytes = 1 << 18;

    /// <summary>
    /// Says which paths are left out. It is given absolute paths in which all links above the item are resolved;
    /// see <see cref="FolderExcludes"/>.
    /// </summary>
    public Func<string, bool>? Exclude { get; init; }

    /// <summary>The name under which the entries stand; null for the folder's own.</summary>
    public string? RootName { get; init; }

    /// <summary>The files of the full backup from which the archive differs; null for none.</summary>
    public EarlierFiles? Earlier { get; init; }

    /// <summary>Takes the facts of the archived files, for one archive; null for none.</summary>
    public FileCatalog? Catalog { get; init; }

    /// <summary>Sees the bytes of each file as they are archived, with its path.</summary>
    public WatchContent? Watch { get; init; }

    /// <summary>Writes the archive, its entries under the folder's own name (<c>uploads/…</c>).</summary>
    /// <param name="path">The folder or file. A link is followed here, and nowhere below.</param>
    /// <param name="target">Where to; it stays open. After a failure it has no end mark, so that nothing takes it for whole.</param>
    /// <param name="bytes">Receives how many bytes of content were read so far.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="BackupFailure">The folder is missing or unreadable, or a disk failed while a file was read.</exception>
    public async Task<ArchiveSummary> WriteAsync(
        string path, Stream target, IProgress<long>? bytes = null, CancellationToken cancellationToken = default)
    {
        var warnings = new WarningLog();
        ArchiveSummary summary = await WriteAsync(Walk(path, warnings).Items(cancellationToken), asListed: false, target, warnings, bytes, cancellationToken, Watch, Earlier, Catalog).ConfigureAwait(false);
        return summary.Entries == 0 ? throw FolderWalk.Unreadable(path, null) : summary;
    }

    /// <summary>Writes an archive of what was listed.</summary>
    /// <param name="items">The list, each folder before what is in it.</param>
    /// <param name="asListed">True if the paths are those of copies, whose owners, modes and times mean nothing.</param>
    /// <param name="target">Where to; it stays open.</param>
    /// <param name="warnings">Takes what could not be archived as it was.</param>
    /// <param name="bytes">Receives how many bytes of content were read so far.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <param name="watch">Sees the bytes of each file.</param>
    /// <param name="earlier">The files of the full backup from which the archive differs; null for none.</param>
    /// <param name="catalog">Takes the facts of the archived files; null for none.</param>
    internal static async Task<ArchiveSummary> WriteAsync(
        IEnumerable<FolderItem> items, bool asListed, Stream target, WarningLog warnings, IProgress<long>? bytes, CancellationToken cancellationToken,
        WatchContent? watch = null, EarlierFiles? earlier = null, FileCatalog? catalog = null)
    {
        var buffered = new BufferedStream(target, WriteBufferBytes);

        var writer = new PaxWriter(buffered);
        var run = new FolderArchiveRun(writer, warnings, bytes, asListed, watch) { Earlier = earlier, Copies = target as ICopyTarget, Catalog = catalog };
        foreach (var item in items)
            await run.AddAsync(item, cancellationToken).ConfigureAwait(false);
        if (run.Entries == 0)
            return warnings.Summarize(0, 0);
        await writer.CompleteAsync(cancellationToken).ConfigureAwait(false);
        await buffered.FlushAsync(cancellationToken).ConfigureAwait(false);
        bytes?.Report(run.ContentBytes);
        return warnings.Summarize(run.Entries, run.ContentBytes) with { HoleBytes = run.HoleBytes, Unchanged = run.Unchanged };
    }

    /// <summary>Counts what <see cref="WriteAsync(string, Stream, IProgress{long}?, CancellationToken)"/> would write now, without reading any content.</summary>
    /// <exception cref="BackupFailure">The folder is missing or unreadable.</exception>
    public FolderSize Measure(string path, CancellationToken cancellationToken = default) => Measure(path, null, cancellationToken);

    /// <summary>The same without some of it.</summary>
    /// <param name="path">The folder or file.</param>
    /// <param name="isCounted">Is shown each thing, and says whether it counts; null to count all.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="BackupFailure">The folder is missing or unreadable.</exception>
    public FolderSize Measure(string path, Func<FolderItem, bool>? isCounted, CancellationToken cancellationToken)
    {
        long entries = 0;
        long content = 0, data = 0;
        var shared = new HashSet<FileIdentity>();
        foreach (var item in Walk(path, new WarningLog()).Items(cancellationToken))
        {
            if (isCounted?.Invoke(item) == false)
                continue;
            entries++;
            if (item.SharedIdentity is not { } identity || shared.Add(identity))
            {
                content += item.SizeBytes;
                data += Math.Min(item.SizeBytes, item.AllocatedBytes);
            }
        }

        return new FolderSize(entries, content) { DataBytes = data };
    }

    private FolderWalk Walk(string path, WarningLog warnings)
    {
        var name = RootName ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)));
        if (name.Length == 0)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument,
                FailureCategory.InvalidArgument,
                $"'{path}' is the root of a volume, and has no name to archive it under.",
                "Name a folder in it.");
        }

        return new FolderWalk(UnixFile.RealPath(path), name, Exclude, warnings);
    }
}
