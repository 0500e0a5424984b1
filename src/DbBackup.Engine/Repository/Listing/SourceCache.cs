using System.Collections.Concurrent;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Repository.Listing;

/// <summary>
/// The cached objects of one source: a file of a SHA-256 and, compressed, whose they are and each key, version and content. What is not whole, or was
/// written for another source, is as if it were not there.
/// </summary>
internal sealed class SourceCache
{
    // A source of 20,000 backups has as much; what is beyond is read from the store each time.
    private const int Most = 64 << 20;
    private static readonly byte[] s_format = "DBL1"u8.ToArray();

    private readonly string _path;
    private readonly string _unfinished;
    private readonly string _owner;
    private readonly Dictionary<string, (string Version, ReadOnlyMemory<byte> Content)> _before;
    private readonly ConcurrentDictionary<string, (string Version, ReadOnlyMemory<byte> Content)> _now = new(StringComparer.Ordinal);
    private bool _isChanged;

    /// <summary>Reads the file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="unfinished">Where the next one is written before it takes its place.</param>
    /// <param name="owner">Whose it is: the repository, its location, the source.</param>
    public SourceCache(string path, string unfinished, string owner)
    {
        _path = path;
        _unfinished = unfinished;
        _owner = owner;
        _before = Read(path, owner) ?? new(StringComparer.Ordinal);
    }

    /// <summary>Returns an object of a key and version; null if it is not here.</summary>
    public byte[]? Find(StoredKey key)
    {
        if (!_before.TryGetValue(key.Key, out (string Version, ReadOnlyMemory<byte> Content) found) || found.Version != key.Version)
            return null;
        _now[key.Key] = found;
        return found.Content.ToArray();
    }

    /// <summary>Adds an object that was read from the store.</summary>
    public void Add(StoredKey key, byte[] content)
    {
        _now[key.Key] = (key.Version!, content);
        _isChanged = true;
    }

    /// <summary>Keeps what was found and added, and nothing else: the rest is gone from the store.</summary>
    public void Save()
    {
        if (!_isChanged && _now.Count == _before.Count)
            return;
        try
        {
            if (_now.IsEmpty)
            {
                File.Delete(_path);
                return;
            }

            byte[] content = Write();
            PrivateFiles.CreateFolder(Path.GetDirectoryName(_path)!);
            using (FileStream file = PrivateFiles.CreateNew(_unfinished))
            {
                file.Write(SHA256.HashData(content));
                file.Write(content);
            }

            File.Move(_unfinished, _path, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Nothing depends on it but time.
        }
    }

    private byte[] Write()
    {
        using var compressed = new MemoryStream();
        using (var stream = new ZLibStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
        using (var writer = new BinaryWriter(stream))
        {
            writer.Write(s_format);
            writer.Write(_owner);
            long size = 0;
            // In one order: manifests that resemble each other compress well beside each other.
            foreach ((string key, (string version, ReadOnlyMemory<byte> content)) in _now.OrderBy(each => each.Key, StringComparer.Ordinal))
            {
                if ((size += content.Length + key.Length + version.Length) > Most)
                    break;
                writer.Write(key);
                writer.Write(version);
                writer.Write7BitEncodedInt(content.Length);
                writer.Write(content.Span);
            }
        }

        return compressed.ToArray();
    }

    private static Dictionary<string, (string Version, ReadOnlyMemory<byte> Content)>? Read(string path, string owner)
    {
        try
        {
            if (!File.Exists(path) || OwnFile.Read(path, 2 * Most) is not { Length: > SHA256.HashSizeInBytes } file
                || !SHA256.HashData(file.AsSpan(SHA256.HashSizeInBytes)).AsSpan().SequenceEqual(file.AsSpan(0, SHA256.HashSizeInBytes)))
                return null;
            byte[] content = Decompress(file);
            using var reader = new BinaryReader(new MemoryStream(content));
            if (!reader.ReadBytes(s_format.Length).AsSpan().SequenceEqual(s_format) || reader.ReadString() != owner)
                return null;
            var found = new Dictionary<string, (string, ReadOnlyMemory<byte>)>(StringComparer.Ordinal);
            while (reader.BaseStream.Position < content.Length)
            {
                string key = reader.ReadString(), version = reader.ReadString();
                int length = reader.Read7BitEncodedInt();
                found[key] = (version, content.AsMemory((int)reader.BaseStream.Position, length));
                reader.BaseStream.Position += length;
            }

            return found;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or InvalidDataException or FormatException or ArgumentException or DecoderFallbackException)
        {
            return null;
        }
    }

    private static byte[] Decompress(byte[] file)
    {
        using var stream = new ZLibStream(new MemoryStream(file, SHA256.HashSizeInBytes, file.Length - SHA256.HashSizeInBytes), CompressionMode.Decompress);
        using var content = new MemoryStream(4 * file.Length);
        byte[] buffer = new byte[1 << 16];
        while (stream.Read(buffer) is > 0 and var read)
        {
            // Of ours none has more; it would fill the memory.
            if (content.Length + read > 2L * Most)
                throw new InvalidDataException();
            content.Write(buffer, 0, read);
        }

        return content.ToArray();
    }
}
