using DbBackup.Engine.Payloads.Patches;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.Files;

/// <summary>The files of a full backup's archive: what is unchanged since then need not be read again.</summary>
internal sealed class EarlierFiles
{
    private static readonly Comparer<CatalogedFile> s_byIdentity = Comparer<CatalogedFile>.Create(FileCatalog.CompareByIdentity);

    private readonly ParentPayload _archive;
    private readonly CatalogedFile[] _files;

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

    private sealed class Content(ParentPayload archive, CatalogedFile file, Action<int> progress) : ReadOnlyStream
    {
        private long _position;

        public override int Read(Span<byte> buffer) => throw new NotSupportedException();

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int count = (int)Math.Min(buffer.Length, file.SizeBytes - _position);
            if (count == 0)
                return 0;
            try
            {
                await archive.ReadAsync(file.Offset + _position, buffer[..count], cancellationToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is InvalidDataException or BackupException { Category: FailureCategory.InvalidData })
            {
                throw new ParentDamagedException(exception.Message, exception);
            }

            _position += count;
            progress(count);
            return count;
        }
    }
}
