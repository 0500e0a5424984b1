using DbBackup.Engine.Payloads.Patches;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.Files;

/// <summary>The files of a full backup's archive: what is unchanged since then need not be read again.</summary>
internal sealed class EarlierFiles
{
    private static readonly Comparer<CatalogedFile> s_byIdentity = Comparer<CatalogedFile>.Create(FileCatalog.CompareByIdentity);

    private readonly ParentPayload _archive;
    private readonly CatalogedFile[] _files;
    private byte[] _around = [];

    private EarlierFiles(ParentPayload archive, CatalogedFile[] files)
    {
        _archive = archive;
        _files = files;
    }

    /// <summary>Reads the list of an archive's files.</summary>
    /// <param name="archive">The archive; it stays the caller's.</param>
    /// <param name="catalog">What was written down when it was made.</param>
    /// <exception cref="InvalidDataException">It is no list of files.</exception>
    public static EarlierFiles Read(ParentPayload archive, ReadOnlyMemory<byte> catalog) => new(archive, FileCatalog.Read(catalog));

    /// <summary>Finds a file that is unchanged.</summary>
    public bool TryFind(in FolderItem item, out CatalogedFile file)
    {
        int at = Array.BinarySearch(_files, new CatalogedFile(item.Identity.Device, item.Identity.Inode, 0, 0, 0, 0, false), s_byIdentity);
        file = at >= 0 ? _files[at] : default;
        return at >= 0 && file.IsUnchanged(item);
    }

    /// <summary>Opens a file's content as the archive has it.</summary>
    /// <param name="file">The file.</param>
    /// <param name="progress">Receives how many bytes were read.</param>
    public Stream Open(CatalogedFile file, Action<int> progress) => new Content(_archive, file, progress);

    /// <summary>True if the archive has the same before a file's content, and zeros after it as every tar.</summary>
    /// <param name="file">The file.</param>
    /// <param name="head">What stands before the content in the new archive.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async ValueTask<bool> HasAroundAsync(CatalogedFile file, ReadOnlyMemory<byte> head, CancellationToken cancellationToken)
    {
        long end = file.Offset + file.SizeBytes;
        int padding = (int)(PaxWriter.PaddedLength(file.SizeBytes) - file.SizeBytes);
        if (file.Offset < head.Length || end + padding > _archive.Length)
            return false;
        if (_around.Length < head.Length + padding)
            _around = new byte[head.Length + padding];
        await ReadAsync(_archive, file.Offset - head.Length, _around.AsMemory(0, head.Length), cancellationToken).ConfigureAwait(false);
        if (!_around.AsSpan(0, head.Length).SequenceEqual(head.Span))
            return false;
        await ReadAsync(_archive, end, _around.AsMemory(0, padding), cancellationToken).ConfigureAwait(false);
        return _around.AsSpan(0, padding).IndexOfAnyExcept((byte)0) < 0;
    }

    private static async ValueTask ReadAsync(ParentPayload archive, long offset, Memory<byte> target, CancellationToken cancellationToken)
    {
        try
        {
            await archive.ReadAsync(offset, target, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is InvalidDataException or BackupException { Category: FailureCategory.InvalidData })
        {
            throw new ParentDamagedException(exception.Message, exception);
        }
    }

    private sealed class Content(ParentPayload archive, CatalogedFile file, Action<int> progress) : ReadOnlyStream
    {
        private long _position;

        public override int Read(Span<byte> buffer) => throw new NotSupportedException();

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int count = (int)Math.Min(buffer.Length, file.SizeBytes - _position);
            if (count == 0)
                return 0;
            await EarlierFiles.ReadAsync(archive, file.Offset + _position, buffer[..count], cancellationToken).ConfigureAwait(false);
            _position += count;
            progress(count);
            return count;
        }
    }
}
