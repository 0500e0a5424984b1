using System.Formats.Tar;
using System.Security.Cryptography;
using DbBackup.Engine.Docker.Files;
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
    // Files that are created in a folder with a default ACL get it: such folders come a second time, when they are full.
    private readonly List<(string Name, TarItem Folder)> _withDefaults = [];

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
        // The engine sets extended attributes, and knows no records of ACLs.
        var writer = new PaxWriter(target, aclsAsAttributes: true);
        if (files is null)
            await writer.WriteAsync(Folder(), null, cancellationToken).ConfigureAwait(false);
        else
            await AddFilesAsync(writer, content, files, cancellationToken).ConfigureAwait(false);
        foreach ((Payload payload, string file, string relative) in databases)
        {
            using FileStream data = File.OpenRead(file);
            UnixAttributes.TryOwnerOf(payload.UnixOwner, out uint user, out uint group);
            UnixFileMode mode = payload.UnixMode is { } text ? UnixAttributes.ModeOf(text) : (UnixFileMode)0b110_100_100;
            var entry = new TarItem(TarEntryType.RegularFile, $"{root}/{relative}", string.Empty, data.Length, mode, user, group, DateTime.UtcNow);
            _paths.RequireFree(relative);

            _files[entry.Name] = Convert.ToHexStringLower(await SHA256.HashDataAsync(data, cancellationToken).ConfigureAwait(false));
            data.Position = 0;
            await writer.WriteAsync(entry, data, cancellationToken).ConfigureAwait(false);
        }

        foreach ((string name, TarItem folder) in _withDefaults)
        {
            _paths.Add(name, folder.EntryType, null);
            await writer.WriteAsync(folder, null, cancellationToken).ConfigureAwait(false);
        }

        await writer.CompleteAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Compares what arrived with what was sent.</summary>
    /// <param name="tar">The folder as the engine gives it back.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>What differs; null where nothing does.</returns>
    public async Task<string?> FindDifferenceAsync(Stream tar, CancellationToken cancellationToken)
    {
        var arrived = new Dictionary<string, string>(StringComparer.Ordinal);
        var reader = new TarScan(tar, requireEndMark: false);
        while (await reader.NextAsync(cancellationToken).ConfigureAwait(false) is { } entry)
        {
            // The second name of a file may come as the file, and the first as the link to it.
            if (entry.EntryType == TarEntryType.HardLink && arrived.TryGetValue(entry.LinkName, out string? linked))
                arrived[entry.Name] = linked;
            else if (IsFile(entry))
                arrived[entry.Name] = await HashAsync(new TarEntryContent(reader, default, entry.Length), cancellationToken).ConfigureAwait(false);
        }

        foreach ((string name, string expected) in _files)
        {
            if (!arrived.TryGetValue(name, out string? hash))
                return $"'{WarningLog.Shown(name)}' did not arrive";
            if (hash != expected)
                return $"'{WarningLog.Shown(name)}' arrived with other content";
        }

        return null;
    }

    /// <summary>True if a payload of files is one file, without a folder around it.</summary>
    public static async Task<bool> IsSingleFileAsync(BackupContent content, Payload files, CancellationToken cancellationToken)
    {
        using PayloadReader original = content.OpenOriginal(files, cancellationToken);
        return await new TarScan(original, requireEndMark: false).NextAsync(cancellationToken).ConfigureAwait(false) is { EntryType: not TarEntryType.Directory };
    }

    private static bool IsFile(TarItem entry) => entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile;

    private static async Task<string> HashAsync(TarEntryContent content, CancellationToken cancellationToken)
    {
        using (content)
            return Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancellationToken).ConfigureAwait(false));
    }

    private TarItem Folder() => new(TarEntryType.Directory, root + "/", string.Empty, 0, (UnixFileMode)0b111_101_101, 0, 0, DateTime.UtcNow);

    private async Task AddFilesAsync(PaxWriter writer, BackupContent content, Payload files, CancellationToken cancellationToken)
    {
        using PayloadReader original = content.OpenOriginal(files, cancellationToken);
        var reader = new TarScan(original, requireEndMark: false);
        bool first = true;
        while (await reader.NextAsync(cancellationToken).ConfigureAwait(false) is { } entry)
        {
            // No backup makes devices.
            if (entry.EntryType is TarEntryType.BlockDevice or TarEntryType.CharacterDevice or TarEntryType.TapeVolume or TarEntryType.DirectoryList)
                continue;
            _paths.Add(entry.Name, entry.EntryType, entry.EntryType is TarEntryType.HardLink ? entry.LinkName : null);
            if (first && entry.EntryType == TarEntryType.Directory)
            {
                Mode = Convert.ToString((int)entry.Mode, 8);
                Owner = FormattableString.Invariant($"{entry.UserId}:{entry.GroupId}");
            }
            else if (first)
            {
                // A single file lies in the folder under its own name.
                await writer.WriteAsync(Folder(), null, cancellationToken).ConfigureAwait(false);
            }

            TarItem renamed = entry with
            {
                Name = first && entry.EntryType != TarEntryType.Directory ? $"{root}/{fileName ?? entry.Name}" : Rename(entry.Name),
                LinkName = entry.EntryType switch
                {
                    TarEntryType.HardLink => Rename(entry.LinkName),
                    TarEntryType.SymbolicLink => entry.LinkName,
                    _ => string.Empty,
                },
            };
            first = false;
            if (entry.EntryType == TarEntryType.Directory && entry.Attributes.Any(attribute => attribute.Name == ExtendedAttributes.DefaultAcl))
            {
                _withDefaults.Add((entry.Name, renamed));
                renamed = renamed with { Attributes = [.. entry.Attributes.Where(attribute => attribute.Name != ExtendedAttributes.DefaultAcl)] };
            }

            if (!IsFile(entry))
            {
                await writer.WriteAsync(renamed, null, cancellationToken).ConfigureAwait(false);
                continue;
            }

            using var data = new TarEntryContent(reader, default, entry.Length);
            using var hashed = new HashingStream(data);
            await writer.WriteAsync(renamed with { EntryType = TarEntryType.RegularFile }, hashed, cancellationToken).ConfigureAwait(false);
            _files[renamed.Name] = hashed.Result();
        }

        // To its very end, where the hashes are proved.
        await original.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
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

        public string Result() => Convert.ToHexStringLower(_hash.GetHashAndReset());

        public override int Read(Span<byte> buffer)
        {
            int read = inner.Read(buffer);
            _hash.AppendData(buffer[..read]);
            return read;
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int read = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            _hash.AppendData(buffer.Span[..read]);
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
