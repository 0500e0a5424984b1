using System.Formats.Tar;
using System.Security.Cryptography;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Docker.Restore;

/// <summary>The archive in which a restored state goes to the engine, and what is known of it to check what arrived.</summary>
/// <param name="root">The name of the folder in which it is unpacked.</param>
/// <param name="fileName">The name that a single file gets there; null for a folder.</param>
internal sealed class UploadArchive(string root, string? fileName)
{
    private readonly Dictionary<string, string> _files = new(StringComparer.Ordinal);
    private readonly ArchivePaths _paths = new();

    /// <summary>Permission bits of the restored folder itself, in octal; null where nothing tells them.</summary>
    public string? Mode { get; private set; }

    /// <summary><c>uid:gid</c> of the restored folder itself.</summary>
    public string? Owner { get; private set; }

    /// <summary>Writes the archive: the files of a payload, and databases that were restored and checked here.</summary>
    /// <param name="target">Takes it.</param>
    /// <param name="content">The backup.</param>
    /// <param name="files">The payload of files; null for none.</param>
    /// <param name="databases">Each database's restored file and its path below the root.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="BackupException">The payload is damaged.</exception>
    public async Task WriteAsync(
        Stream target, BackupContent content, Payload? files, IReadOnlyList<(Payload Payload, string File, string Relative)> databases, CancellationToken cancellationToken)
    {
        using var writer = new TarWriter(target, TarEntryFormat.Pax, leaveOpen: true);
        if (files is null)
            await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.Directory, root + "/") { Mode = (UnixFileMode)0b111_101_101 }, cancellationToken).ConfigureAwait(false);
        else
            await AddFilesAsync(writer, content, files, cancellationToken).ConfigureAwait(false);
        foreach ((Payload payload, string file, string relative) in databases)
        {
            using FileStream data = File.OpenRead(file);
            var entry = new PaxTarEntry(TarEntryType.RegularFile, $"{root}/{relative}")
            {
                Mode = payload.UnixMode is { } mode ? UnixAttributes.ModeOf(mode) : (UnixFileMode)0b110_100_100,
                ModificationTime = DateTimeOffset.UtcNow,
                DataStream = data,
            };
            if (UnixAttributes.TryOwnerOf(payload.UnixOwner, out uint user, out uint group))
                (entry.Uid, entry.Gid) = (FolderArchiveRun.Id(user), FolderArchiveRun.Id(group));
            _paths.RequireFree(relative);

            _files[entry.Name] = Convert.ToHexStringLower(await SHA256.HashDataAsync(data, cancellationToken).ConfigureAwait(false));
            data.Position = 0;
            await writer.WriteEntryAsync(entry, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Compares what arrived with what was sent.</summary>
    /// <param name="tar">The folder as the engine gives it back.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>What differs; null where nothing does.</returns>
    public async Task<string?> FindDifferenceAsync(Stream tar, CancellationToken cancellationToken)
    {
        var arrived = new Dictionary<string, string>(StringComparer.Ordinal);
        using var reader = new TarReader(tar);
        while (await reader.GetNextEntryAsync(copyData: false, cancellationToken).ConfigureAwait(false) is { } entry)
        {
            // The second name of a file may come as the file, and the first as the link to it.
            if (entry.EntryType == TarEntryType.HardLink && arrived.TryGetValue(entry.LinkName, out string? linked))
                arrived[entry.Name] = linked;
            else if (entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile)
                arrived[entry.Name] = entry.DataStream is null ? EmptyHash : Convert.ToHexStringLower(await SHA256.HashDataAsync(entry.DataStream, cancellationToken).ConfigureAwait(false));
        }

        foreach ((string name, string expected) in _files)
        {
            if (!arrived.TryGetValue(name, out string? hash))
                return $"'{name}' did not arrive";
            if (hash != expected)
                return $"'{name}' arrived with other content";
        }

        return null;
    }

    /// <summary>True if a payload of files is one file, without a folder around it.</summary>
    public static async Task<bool> IsSingleFileAsync(BackupContent content, Payload files, CancellationToken cancellationToken)
    {
        using PayloadReader original = content.OpenOriginal(files, cancellationToken);
        using var reader = new TarReader(original, leaveOpen: true);
        return await reader.GetNextEntryAsync(copyData: false, cancellationToken).ConfigureAwait(false) is { EntryType: not TarEntryType.Directory };
    }

    private static string EmptyHash { get; } = Convert.ToHexStringLower(SHA256.HashData([]));

    private async Task AddFilesAsync(TarWriter writer, BackupContent content, Payload files, CancellationToken cancellationToken)
    {
        using PayloadReader original = content.OpenOriginal(files, cancellationToken);
        using (var reader = new TarReader(original, leaveOpen: true))
        {
            bool first = true;
            while (await reader.GetNextEntryAsync(copyData: false, cancellationToken).ConfigureAwait(false) is { } entry)
            {
                // Devices are made by nobody's backup.
                if (entry.EntryType is TarEntryType.BlockDevice or TarEntryType.CharacterDevice)
                    continue;
                _paths.Add(entry.Name, entry.EntryType, entry.EntryType is TarEntryType.HardLink ? entry.LinkName : null);
                if (first && entry.EntryType == TarEntryType.Directory)
                {
                    Mode = Convert.ToString((int)entry.Mode, 8);
                    Owner = FormattableString.Invariant($"{entry.Uid}:{entry.Gid}");
                }
                else if (first)
                {
                    // A single file lies in the folder under its own name.
                    await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.Directory, root + "/") { Mode = (UnixFileMode)0b111_101_101 }, cancellationToken).ConfigureAwait(false);
                }

                bool single = first && entry.EntryType != TarEntryType.Directory;
                first = false;
                PaxTarEntry renamed = Copy(entry, single ? $"{root}/{fileName ?? entry.Name}" : Rename(entry.Name));
                if (entry.DataStream is { } data)
                {
                    using var hashed = new HashingStream(data);
                    renamed.DataStream = hashed;
                    await writer.WriteEntryAsync(renamed, cancellationToken).ConfigureAwait(false);
                    _files[renamed.Name] = hashed.Result();
                }
                else
                {
                    if (entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile)
                        _files[renamed.Name] = EmptyHash;
                    await writer.WriteEntryAsync(renamed, cancellationToken).ConfigureAwait(false);
                }
            }
        }

        // To its very end, where the hashes are proved.
        await original.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
    }

    // The framework's own copy of an entry takes its stream with it, and closes that when it is given another one.
    private PaxTarEntry Copy(TarEntry entry, string name)
    {
        TarEntryType type = entry.EntryType == TarEntryType.V7RegularFile ? TarEntryType.RegularFile : entry.EntryType;
        IEnumerable<KeyValuePair<string, string>> attributes = entry is PaxTarEntry pax ? pax.ExtendedAttributes.Where(attribute => attribute.Key.StartsWith("SCHILY.xattr.", StringComparison.Ordinal)) : [];
        var copy = new PaxTarEntry(type, name, attributes) { Mode = entry.Mode, ModificationTime = entry.ModificationTime, Uid = entry.Uid, Gid = entry.Gid };
        if (type is TarEntryType.HardLink or TarEntryType.SymbolicLink)
            copy.LinkName = type == TarEntryType.HardLink ? Rename(entry.LinkName) : entry.LinkName;
        (copy.UserName, copy.GroupName) = (string.Empty, string.Empty);
        return copy;
    }

    // Archives of one folder hold its name as their first component.
    private string Rename(string name)
    {
        int slash = name.IndexOf('/', StringComparison.Ordinal);
        return slash < 0 ? root + "/" : root + name[slash..];
    }

    private sealed class HashingStream(Stream inner) : ReadOnlyStream
    {
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        private long _position;

        // Its length is known, which is all that the writer of an archive wants of it.
        public override bool CanSeek => true;

        public override long Length => inner.Length;

        public override long Position
        {
            get => _position;
            set => throw new NotSupportedException();
        }

        public string Result() => Convert.ToHexStringLower(_hash.GetHashAndReset());

        public override int Read(Span<byte> buffer)
        {
            int read = inner.Read(buffer);
            _hash.AppendData(buffer[..read]);
            _position += read;
            return read;
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int read = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            _hash.AppendData(buffer.Span[..read]);
            _position += read;
            return read;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                _hash.Dispose();
            base.Dispose(disposing);
        }
    }
}
