using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Repository.Signatures;

/// <summary>
/// The manifests of a repository whose signatures fitted, by the first half of the SHA-256 of their bytes, in a file of this user's own. To verify
/// 10,000 signatures takes seconds; to look up as many hashes takes none.
/// </summary>
/// <param name="path">The file; null for a user without one.</param>
internal sealed class VerifiedManifests(string? path)
{
    private const int HashLength = 16;
    private const int Most = 1_000_000;
    private readonly HashSet<UInt128> _known = Read(path);
    private readonly ConcurrentDictionary<UInt128, bool> _seen = new();

    /// <summary>Returns whether a manifest's signature fits: as it was known, or as it is verified now.</summary>
    public bool Fits(ReadOnlySpan<byte> file, Func<bool> verify)
    {
        UInt128 hash = HashOf(file);
        if (!_known.Contains(hash) && !verify())
            return false;
        _seen[hash] = true;
        return true;
    }

    /// <summary>Keeps what was verified. A user whose data folder cannot be written verifies it again.</summary>
    /// <param name="isAll">True if all of the repository's manifests were read: what is not among them is forgotten.</param>
    public void Save(bool isAll)
    {
        if (path is null || _seen.Keys.All(_known.Contains))
            return;
        UInt128[] kept = [.. (isAll ? _seen.Keys : _seen.Keys.Union(_known)).Take(Most)];
        byte[] content = new byte[kept.Length * HashLength];
        for (int index = 0; index < kept.Length; index++)
            BinaryPrimitives.WriteUInt128LittleEndian(content.AsSpan(index * HashLength), kept[index]);
        try
        {
            PrivateFiles.CreateFolder(Path.GetDirectoryName(path)!);
            string unfinished = Path.Join(Path.GetDirectoryName(path), $".{Guid.NewGuid():N}.tmp");
            using (FileStream file = PrivateFiles.CreateNew(unfinished))
                file.Write(content);
            File.Move(unfinished, path, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Nothing depends on it but time.
        }
    }

    private static HashSet<UInt128> Read(string? path)
    {
        try
        {
            // Another user's file would have that user's say on what fits.
            if (path is null || !File.Exists(path) || OwnFile.Read(path, Most * HashLength) is not { } content || content.Length % HashLength != 0)
                return [];
            var known = new HashSet<UInt128>(content.Length / HashLength);
            for (int at = 0; at < content.Length; at += HashLength)
                known.Add(BinaryPrimitives.ReadUInt128LittleEndian(content.AsSpan(at)));
            return known;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static UInt128 HashOf(ReadOnlySpan<byte> file)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(file, hash);
        return BinaryPrimitives.ReadUInt128LittleEndian(hash);
    }
}
