using System.Formats.Tar;
using System.Globalization;
using DbBackup.Engine.Payloads.Patches;
using DbBackup.Engine.Platform;
using Microsoft.Win32.SafeHandles;

namespace DbBackup.Engine.Engines.Files;

/// <summary>One archive in the making.</summary>
/// <param name="writer">Takes the entries.</param>
/// <param name="warnings">Takes what could not be archived as it was.</param>
/// <param name="bytes">Receives how many bytes of content were read so far.</param>
/// <param name="asListed">True if owner, mode and time are those of the list: the files are copies, and only their content is wanted.</param>
/// <param name="watch">Sees the bytes of each file.</param>
internal sealed class FolderArchiveRun(PaxWriter writer, WarningLog warnings, IProgress<long>? bytes, bool asListed = false, WatchContent? watch = null)
{
    private const int ReportEvery = 1 << 20;
    private readonly Dictionary<FileIdentity, string> _firstNames = [];
    private long _read;
    private long _reported;

    /// <summary>The files of the full backup from which this one differs: the content of those that are unchanged is taken from there. Null for none.</summary>
    public EarlierFiles? Earlier { get; init; }

    /// <summary>Is told what is taken from the full backup as it is; null if the target does not ask.</summary>
    public ICopyTarget? Copies { get; init; }

    /// <summary>Takes the facts of the files whose content is archived, for a later backup; null for none.</summary>
    public FileCatalog? Catalog { get; init; }

    public long Entries { get; private set; }

    public long ContentBytes { get; private set; }

    public long HoleBytes { get; private set; }

    /// <summary>How many files were not read, because they are unchanged.</summary>
    public long Unchanged { get; private set; }

    public Task AddAsync(FolderItem item, CancellationToken cancellationToken)
    {
        switch (item.Kind)
        {
            case FileKind.File when item.SharedIdentity is { } identity && _firstNames.TryGetValue(identity, out var firstName):
                return WriteAsync(Entry(TarEntryType.HardLink, item.Name, item) with { LinkName = firstName }, null, cancellationToken);
            case FileKind.File:
                return Earlier is not null && watch is null && Earlier.TryFind(item, out CatalogedFile earlier)
                    ? AddUnchangedAsync(item, Earlier, earlier, cancellationToken)
                    : AddFileAsync(item, cancellationToken);
            case FileKind.Directory:
                return WriteAsync(Entry(TarEntryType.Directory, item.Name + "/", item) with { Attributes = AttributesOf(item, null) }, null, cancellationToken);
            case FileKind.SymbolicLink:
                return AddLinkAsync(item, cancellationToken);
            case FileKind.Fifo:
                return WriteAsync(Entry(TarEntryType.Fifo, item.Name, item) with { Attributes = AttributesOf(item, null) }, null, cancellationToken);
            default:
                warnings.Add(item.Name, item.Kind == FileKind.Socket ? "a socket, left out" : "a device, left out");
                return Task.CompletedTask;
        }
    }

    private async Task AddUnchangedAsync(FolderItem item, EarlierFiles files, CatalogedFile earlier, CancellationToken cancellationToken)
    {
        // The time of the last change tells of attributes and ACLs too.
        TarItem entry = Entry(TarEntryType.RegularFile, item.Name, item) with { Attributes = earlier.HasAttributes ? AttributesOf(item, null) : [] };
        using Stream content = files.Open(earlier, Progress);
        ReadOnlyMemory<byte> head = writer.Begin(entry, item.SizeBytes);
        if (Copies is not null)
        {
            long before = await files.HasAroundAsync(earlier, head, cancellationToken).ConfigureAwait(false) ? head.Length : 0;
            Copies.NoteCopied(new CopiedRange(writer.ContentStart - before, before + (before == 0 ? item.SizeBytes : PaxWriter.PaddedLength(item.SizeBytes)), earlier.Offset - before));
        }

        await writer.WriteBegunAsync(content, item.SizeBytes, cancellationToken).ConfigureAwait(false);
        Entries++;
        ContentBytes += item.SizeBytes;
        Unchanged++;
        if (item.SharedIdentity is { } identity)
            _firstNames[identity] = item.Name;
    }

    private async Task AddFileAsync(FolderItem listed, CancellationToken cancellationToken)
    {
        long warned = warnings.Count;
        using var file = Open(listed);
        if (file is null)
            return;

        // Looked at again through the open file: the name may lead to another one by now.
        var item = listed;
        var known = UnixFile.TryStat(file, out var facts);
        if (asListed)
            item = listed with { SizeBytes = RandomAccess.GetLength(file) };
        else if (known)
            item = FolderItem.From(facts, listed.Path, listed.Name);
        else if (!OperatingSystem.IsLinux())
            item = listed with { SizeBytes = RandomAccess.GetLength(file) };
        if (item.Kind != FileKind.File)
        {
            warnings.Add(item.Name, "it was replaced by something else before it could be read; left out");
            return;
        }

        TarItem entry = Entry(TarEntryType.RegularFile, item.Name, item) with { Attributes = AttributesOf(item, file) };
        var content = new OpenedContent(file, item.Path, item.SizeBytes, Progress, watch) { HasHoles = known && facts.AllocatedBytes < item.SizeBytes };
        await WriteAsync(entry, content, cancellationToken).ConfigureAwait(false);
        ContentBytes += item.SizeBytes;
        HoleBytes += content.HoleBytes;
        if (item.SharedIdentity is { } identity)
            _firstNames[identity] = item.Name;
        if (content.MissingBytes > 0)
        {
            warnings.Add(item.Name, string.Create(
                CultureInfo.InvariantCulture,
                $"it shrank while it was read; its last {content.MissingBytes} bytes are zeros in the archive"));
        }
        else if (UnixFile.TryStat(file, out var after) && (after.ModifiedUtc != facts.ModifiedUtc || after.SizeBytes != facts.SizeBytes))
        {
            warnings.Add(item.Name, "it changed while it was read; its content in the archive may mix old and new");
        }

        // A file with holes is read by its data alone, and its holes are counted.
        if (known && content.HoleBytes == 0 && warnings.Count == warned)
            Catalog?.Add(item, writer.ContentStart, entry.Attributes.Count > 0);
    }

    private SafeFileHandle? Open(in FolderItem item)
    {
        if (OperatingSystem.IsWindows())
        {
            try
            {
                return File.OpenHandle(
                    item.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.SequentialScan);
            }
            catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
            {
                warnings.Add(item.Name, "it vanished before it could be read");
            }
            catch (Exception exception) when (exception is UnauthorizedAccessException or IOException)
            {
                warnings.AddUnreadable(item.Name, $"it could not be read and is not in the archive ({exception.Message.TrimEnd('.')})");
            }

            return null;
        }

        var file = UnixFile.OpenForReading(item.Path, out var error);
        if (file is not null)
            return file;
        if (error is LibC.Enoent or LibC.Enotdir)
            warnings.Add(item.Name, "it vanished before it could be read");
        else if (error == LibC.Eloop || error == LibC.Enxio)
            warnings.Add(item.Name, "it was replaced by something else before it could be read; left out");
        else
            warnings.AddUnreadable(item.Name, $"it could not be read and is not in the archive ({Reason(error)})");
        return null;
    }

    private Task AddLinkAsync(in FolderItem item, CancellationToken cancellationToken)
    {
        string? destination = null;
        try
        {
            destination = UnixFile.LinkTarget(item.Path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Reported below, like a link that is gone.
        }

        if (string.IsNullOrEmpty(destination))
        {
            warnings.Add(item.Name, "it vanished before it could be read");
            return Task.CompletedTask;
        }

        return WriteAsync(
            Entry(TarEntryType.SymbolicLink, item.Name, item) with
            {
                LinkName = OperatingSystem.IsWindows() ? destination.Replace('\\', '/') : destination,
                Attributes = AttributesOf(item, null),
            },
            null,
            cancellationToken);
    }

    private async Task WriteAsync(TarItem entry, Stream? content, CancellationToken cancellationToken)
    {
        await writer.WriteAsync(entry, content, cancellationToken).ConfigureAwait(false);
        Entries++;
    }

    private IReadOnlyList<ExtendedAttribute> AttributesOf(FolderItem item, SafeFileHandle? file)
    {
        if (asListed && item.Attributes is null)
            return [];
        IReadOnlyList<ExtendedAttribute> attributes = item.Attributes ?? ReadAttributes(item, file, warnings);
        if (attributes.Count == 0 || attributes.Sum(attribute => (long)attribute.Value.Length + attribute.Name.Length) <= PaxWriter.LargestAttributes)
            return attributes;
        warnings.Add(item.Name, "its extended attributes are larger than an archive can hold; they are not in it");
        return [];
    }

    /// <summary>Reads the extended attributes of something in a folder.</summary>
    internal static IReadOnlyList<ExtendedAttribute> ReadAttributes(FolderItem item, SafeFileHandle? file, WarningLog warnings) => ExtendedAttributes.Read(
        item.Path,
        file,
        (name, error) => warnings.Add(item.Name, $"its extended attribute '{WarningLog.Shown(name)}' could not be read and is not in the archive ({Reason(error)})"));

    private void Progress(int read)
    {
        _read += read;
        if (bytes is null || _read - _reported < ReportEvery)
            return;
        _reported = _read;
        bytes.Report(_read);
    }

    private static TarItem Entry(TarEntryType type, string name, in FolderItem item) =>
        new(type, name, string.Empty, item.SizeBytes, item.Mode, item.UserId, item.GroupId, item.ModifiedUtc);

    private static string Reason(int error) => System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage(error);
}
