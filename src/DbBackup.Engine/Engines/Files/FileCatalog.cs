using System.Buffers;
using System.Buffers.Binary;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.Files;

/// <summary>A file whose content an archive holds, and the facts by which it is known to be unchanged.</summary>
/// <param name="Device">The number of its file system's device.</param>
/// <param name="Inode">Its number on it.</param>
/// <param name="SizeBytes">Its size.</param>
/// <param name="ModifiedTicks">When its content was changed.</param>
/// <param name="ChangedTicks">When anything of it was changed, which no program can set.</param>
/// <param name="Offset">Where its content begins in the archive.</param>
/// <param name="HasAttributes">True if it has extended attributes or ACLs.</param>
internal readonly record struct CatalogedFile(ulong Device, ulong Inode, long SizeBytes, long ModifiedTicks, long ChangedTicks, long Offset, bool HasAttributes)
{
    /// <summary>True if a file is this one, unchanged. Its name does not matter: a renamed folder changes no file in it.</summary>
    public bool IsUnchanged(in FolderItem item) =>
        item.Kind == FileKind.File && item.Identity.Device == Device && item.Identity.Inode == Inode && item.SizeBytes == SizeBytes
        && item.ModifiedUtc.Ticks == ModifiedTicks && item.ChangedUtc.Ticks == ChangedTicks;
}

/// <summary>
/// The files of an archive as they were when it was made. An incremental backup takes the content of the unchanged ones from the archive, and
/// reads the others.
/// </summary>
/// <param name="settledBefore">Files that were changed at this moment or later are not listed; see <see cref="SettledAfter"/>.</param>
/// <param name="root">The folder that is archived.</param>
/// <param name="isDatabase">True for a database that is archived as a file, which the next backup has to look at again.</param>
internal sealed class FileCatalog(DateTime settledBefore, string root, Func<string, bool> isDatabase)
{
    /// <summary>
    /// How long a file must have been left alone before a backup begins, to be listed. A change may follow in the same tick of the file system's
    /// clock; and what a program writes through a mapping changes the file's time once, when it begins: the next time only after the system has
    /// written the page to the disk, which it does after 35 seconds at the latest (vm.dirty_expire_centisecs, vm.dirty_writeback_centisecs).
    /// </summary>
    public static readonly TimeSpan SettledAfter = TimeSpan.FromMinutes(1);

    /// <summary>More files than these are read again each time: the list is in memory while a backup runs, with 48 bytes for each.</summary>
    public const int Limit = 1_000_000;

    /// <summary>
    /// Larger files are read each time. To open a file costs about as much as to take 10 KB from the page cache out of a backup, and more where a
    /// disk has to seek; the bytes themselves come faster from the file, and all of them are needed for the archive's hash.
    /// </summary>
    public const int LargestFile = 256 * 1024;

    private const int HasAttributesFlag = 1, OtherDeviceFlag = 2;

    private readonly ArrayBufferWriter<byte> _bytes = new();
    private readonly Dictionary<ulong, bool> _devices = [];
    private CatalogedFile _last;

    /// <summary>How many files are listed.</summary>
    public int Count { get; private set; }

    /// <summary>
    /// True if a file is small and its facts will tell later whether it has changed. They do not where the system has no inode (Windows) or the file
    /// system keeps times in whole seconds: a clock that is set back gives the same second again.
    /// </summary>
    public static bool IsTelling(in FolderItem item, DateTime settledBefore) =>
        item is { Kind: FileKind.File, SizeBytes: <= LargestFile } && item.Identity.Inode != 0 && item.ChangedUtc.Ticks % TimeSpan.TicksPerSecond != 0
        && item.ChangedUtc < settledBefore && item.ModifiedUtc < settledBefore;

    /// <summary>Lists a file whose content was archived without any warning.</summary>
    /// <param name="item">The file as it was before its content was read.</param>
    /// <param name="offset">Where its content begins in the archive.</param>
    /// <param name="hasAttributes">True if it has extended attributes or ACLs.</param>
    public void Add(in FolderItem item, long offset, bool hasAttributes)
    {
        if (Count == Limit || !IsTelling(item, settledBefore) || !KeepsChangeTimes(item) || isDatabase(item.Path))
            return;
        ulong device = item.Identity.Device;
        bool isOther = Count == 0 || device != _last.Device;
        Write((ulong)((hasAttributes ? HasAttributesFlag : 0) | (isOther ? OtherDeviceFlag : 0)));
        if (isOther)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(_bytes.GetSpan(sizeof(ulong)), device);
            _bytes.Advance(sizeof(ulong));
        }

        // Neighbours are much alike: small numbers take a byte or two.
        WriteSigned((long)(item.Identity.Inode - _last.Inode));
        Write((ulong)item.SizeBytes);
        WriteSigned(item.ModifiedUtc.Ticks - _last.ModifiedTicks);
        WriteSigned(item.ChangedUtc.Ticks - item.ModifiedUtc.Ticks);
        Write((ulong)(offset - _last.Offset - _last.SizeBytes));
        _last = new CatalogedFile(device, item.Identity.Inode, item.SizeBytes, item.ModifiedUtc.Ticks, item.ChangedUtc.Ticks, offset, hasAttributes);
        Count++;
    }

    /// <summary>The list as it is stored; empty if no file is listed.</summary>
    public ReadOnlyMemory<byte> ToBytes() => _bytes.WrittenMemory;

    /// <summary>Reads a list.</summary>
    /// <param name="bytes">As it is stored.</param>
    /// <returns>The files in the order of <see cref="CompareByIdentity"/>.</returns>
    /// <exception cref="InvalidDataException">It is none.</exception>
    public static CatalogedFile[] Read(ReadOnlyMemory<byte> bytes)
    {
        using var reader = new BinaryReader(new MemoryStream(bytes.ToArray(), writable: false));
        var files = new List<CatalogedFile>();
        CatalogedFile last = default;
        try
        {
            while (reader.BaseStream.Position < reader.BaseStream.Length)
            {
                int flags = reader.ReadByte();
                ulong device = (flags & OtherDeviceFlag) != 0 ? reader.ReadUInt64() : last.Device;
                ulong inode = last.Inode + (ulong)ReadSigned(reader);
                long size = reader.Read7BitEncodedInt64();
                long modified = last.ModifiedTicks + ReadSigned(reader);
                long changed = modified + ReadSigned(reader);
                last = new CatalogedFile(device, inode, size, modified, changed, last.Offset + last.SizeBytes + reader.Read7BitEncodedInt64(), (flags & HasAttributesFlag) != 0);
                files.Add(last);
            }
        }
        catch (Exception exception) when (exception is EndOfStreamException or FormatException)
        {
            throw new InvalidDataException("its list of files cannot be read", exception);
        }

        CatalogedFile[] sorted = [.. files];
        Array.Sort(sorted, CompareByIdentity);
        return sorted;
    }

    /// <summary>The order in which a file is looked up.</summary>
    public static int CompareByIdentity(CatalogedFile left, CatalogedFile right) =>
        left.Inode != right.Inode ? left.Inode.CompareTo(right.Inode) : left.Device.CompareTo(right.Device);

    private bool KeepsChangeTimes(in FolderItem item)
    {
        if (!_devices.TryGetValue(item.Identity.Device, out bool keeps))
        {
            string path = UnixFile.TryStat(root, out UnixFileFacts facts) && facts.Device == item.Identity.Device ? root : item.Path;
            _devices[item.Identity.Device] = keeps = FileSystemFormat.KeepsChangeTimes(path);
        }

        return keeps;
    }

    // The sign in the lowest bit: small negative numbers are as short as small positive ones.
    private void WriteSigned(long number) => Write((ulong)((number << 1) ^ (number >> 63)));

    // As BinaryReader.Read7BitEncodedInt64 reads it.
    private void Write(ulong number)
    {
        Span<byte> span = _bytes.GetSpan(10);
        int length = 0;
        for (; number > 0x7F; number >>= 7)
            span[length++] = (byte)(number | 0x80);
        span[length++] = (byte)number;
        _bytes.Advance(length);
    }

    private static long ReadSigned(BinaryReader reader)
    {
        long number = reader.Read7BitEncodedInt64();
        return (long)((ulong)number >> 1) ^ -(number & 1);
    }
}
