using System.Buffers;
using System.Formats.Tar;
using System.Globalization;
using System.IO.Hashing;
using DbBackup.Engine.Engines.Files;

namespace DbBackup.Engine.Comparisons;

/// <summary>The entries of an archive by their paths in it, each with a hash of its content.</summary>
internal sealed class ArchiveListing
{
    private const int BufferBytes = 1 << 18;

    private ArchiveListing(Dictionary<string, ArchiveItem> items) => Items = items;

    /// <summary>The entries.</summary>
    public IReadOnlyDictionary<string, ArchiveItem> Items { get; }

    /// <summary>Reads an archive to its end.</summary>
    /// <param name="tar">The archive; it stays open.</param>
    /// <param name="root">The name of what was archived, which its paths begin with.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="BackupException">It is damaged.</exception>
    public static async Task<ArchiveListing> ReadAsync(Stream tar, string root, CancellationToken cancellationToken)
    {
        var items = new Dictionary<string, ArchiveItem>(StringComparer.Ordinal);
        var scan = new TarScan(tar, requireEndMark: false);
        var hash = new XxHash128();
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            while (await scan.NextAsync(cancellationToken).ConfigureAwait(false) is { } entry)
            {
                hash.Reset();
                int read;
                while ((read = await scan.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
                    hash.Append(buffer.AsSpan(0, read));
                // Two folders with different names may hold the same.
                string path = ArchiveParts.Within(entry.Name, root);
                string? link = entry.EntryType is TarEntryType.SymbolicLink ? entry.LinkName : entry.EntryType is TarEntryType.HardLink ? ArchiveParts.Within(entry.LinkName, root) : null;
                // A later entry of the same path takes the place of the earlier one, as it does when the archive is extracted.
                items[path] = new ArchiveItem(KindOf(entry.EntryType), entry.Length, hash.GetCurrentHashAsUInt128(), (int)entry.Mode, entry.ModifiedUtc, link);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return new ArchiveListing(items);
    }

    private static ArchiveItemKind KindOf(TarEntryType type) => type switch
    {
        TarEntryType.Directory => ArchiveItemKind.Folder,
        TarEntryType.SymbolicLink => ArchiveItemKind.Link,
        TarEntryType.HardLink => ArchiveItemKind.HardLink,
        TarEntryType.Fifo or TarEntryType.BlockDevice or TarEntryType.CharacterDevice => ArchiveItemKind.Special,
        _ => ArchiveItemKind.File,
    };
}

/// <summary>What an entry of an archive is.</summary>
internal enum ArchiveItemKind : byte
{
    File,
    Folder,
    Link,
    HardLink,
    Special,
}

/// <summary>An entry of an archive.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Length">Its bytes.</param>
/// <param name="Hash">The hash of its content.</param>
/// <param name="Mode">Its permission bits.</param>
/// <param name="Modified">When it was changed, in UTC. A file that was written again with the same content is no other one.</param>
/// <param name="Link">Where a link leads.</param>
internal readonly record struct ArchiveItem(ArchiveItemKind Kind, long Length, UInt128 Hash, int Mode, DateTime Modified, string? Link)
{
    /// <summary>True if an application sees no difference.</summary>
    public bool IsSame(in ArchiveItem other) =>
        Kind == other.Kind && Length == other.Length && Hash == other.Hash && Mode == other.Mode && Link == other.Link;

    /// <summary>The words for it, with as much as tells it from another one.</summary>
    public string Describe(in ArchiveItem? other)
    {
        string text = Kind switch
        {
            ArchiveItemKind.Folder => "folder",
            ArchiveItemKind.Link => "link to " + Link,
            ArchiveItemKind.HardLink => "same file as " + Link,
            ArchiveItemKind.Special => "device or pipe",
            _ => string.Create(CultureInfo.InvariantCulture, $"{ByteSize.Format(Length)}, {Modified.ToLocalTime():yyyy-MM-dd HH:mm:ss}"),
        };
        if (other is { } another && another.Mode != Mode)
            text += ", mode " + Convert.ToString(Mode & 0xFFF, 8);
        if (other is { } same && same.Kind == Kind && same.Length == Length && same.Hash != Hash)
            text += string.Create(CultureInfo.InvariantCulture, $", content {(uint)Hash:x8}");
        return text;
    }
}
