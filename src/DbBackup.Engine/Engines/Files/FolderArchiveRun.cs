using System.Formats.Tar;
using System.Globalization;
using DbBackup.Engine.Platform;
using Microsoft.Win32.SafeHandles;

namespace DbBackup.Engine.Engines.Files;

/// <summary>One archive in the making.</summary>
/// <param name="writer">Takes the entries.</param>
/// <param name="warnings">Takes what could not be archived as it was.</param>
/// <param name="bytes">Receives how many bytes of content were read so far.</param>
/// <param name="asListed">True if owner, mode and time are those of the list: the files are copies, and only their content is wanted.</param>
/// <param name="watch">Sees the bytes of each file.</param>
internal sealed class FolderArchiveRun(TarWriter writer, WarningLog warnings, IProgress<long>? bytes, bool asListed = false, WatchContent? watch = null)
{
    private const int ReportEvery = 1 << 20;
    private readonly Dictionary<FileIdentity, string> _firstNames = [];
    private long _read;
    private long _reported;

    public long Entries { get; private set; }

    public long ContentBytes { get; private set; }

    public long HoleBytes { get; private set; }

    public Task AddAsync(FolderItem item, CancellationToken cancellationToken)
    {
        if (item.UserId > int.MaxValue || item.GroupId > int.MaxValue)
            warnings.Add(item.Name, "its owner or group has a number that the archive cannot hold; 65534 stands in for it");
        switch (item.Kind)
        {
            case FileKind.File when item.SharedIdentity is { } identity && _firstNames.TryGetValue(identity, out var firstName):
                var hardLink = Entry(TarEntryType.HardLink, item.Name, item);
                hardLink.LinkName = firstName;
                return WriteAsync(hardLink, cancellationToken);
            case FileKind.File:
                return AddFileAsync(item, cancellationToken);
            case FileKind.Directory:
                return WriteAsync(Entry(TarEntryType.Directory, item.Name + "/", item), cancellationToken);
            case FileKind.SymbolicLink:
                return AddLinkAsync(item, cancellationToken);
            case FileKind.Fifo:
                return WriteAsync(Entry(TarEntryType.Fifo, item.Name, item), cancellationToken);
            default:
                warnings.Add(item.Name, item.Kind == FileKind.Socket ? "a socket, left out" : "a device, left out");
                return Task.CompletedTask;
        }
    }

    private async Task AddFileAsync(FolderItem listed, CancellationToken cancellationToken)
    {
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

        var entry = Entry(TarEntryType.RegularFile, item.Name, item);
        var content = new OpenedContent(file, item.Path, item.SizeBytes, Progress, watch) { HasHoles = known && facts.AllocatedBytes < item.SizeBytes };
        if (item.SizeBytes > 0)
            entry.DataStream = content;
        await WriteAsync(entry, cancellationToken).ConfigureAwait(false);
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
            destination = new FileInfo(item.Path).LinkTarget;
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

        if (destination.Contains('\uFFFD', StringComparison.Ordinal))
        {
            warnings.AddUnreadable(item.Name, "what the link leads to is not valid UTF-8; it is not in the archive");
            return Task.CompletedTask;
        }

        var entry = Entry(TarEntryType.SymbolicLink, item.Name, item);
        entry.LinkName = OperatingSystem.IsWindows() ? destination.Replace('\\', '/') : destination;
        return WriteAsync(entry, cancellationToken);
    }

    private async Task WriteAsync(PaxTarEntry entry, CancellationToken cancellationToken)
    {
        await writer.WriteEntryAsync(entry, cancellationToken).ConfigureAwait(false);
        Entries++;
    }

    private void Progress(int read)
    {
        _read += read;
        if (bytes is null || _read - _reported < ReportEvery)
            return;
        _reported = _read;
        bytes.Report(_read);
    }

    /// <summary>An entry as all archives made here have it.</summary>
    internal static PaxTarEntry Entry(TarEntryType type, string name, in FolderItem item)
    {
        // Without these the writer stores the present time as time of access and change: no two archives would be equal.
        var time = ((decimal)(item.ModifiedUtc.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerSecond).ToString(CultureInfo.InvariantCulture);
        var attributes = new Dictionary<string, string> { ["atime"] = time, ["ctime"] = time };
        return new PaxTarEntry(type, name, attributes)
        {
            Mode = item.Mode,
            ModificationTime = new DateTimeOffset(item.ModifiedUtc, TimeSpan.Zero),
            Uid = Id(item.UserId),
            Gid = Id(item.GroupId),
        };
    }

    // The framework's entry holds no larger one. Nobody's number is the harmless one to stand in for it, root's is not.
    internal static int Id(uint id) => id > int.MaxValue ? 65534 : (int)id;

    private static string Reason(int error) => System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage(error);
}
