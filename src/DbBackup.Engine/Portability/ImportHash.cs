using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Portability;

/// <summary>The hash by which a foreign file or folder is known again, wherever it lies and whatever it is called.</summary>
internal static class ImportHash
{
    private const int BufferBytes = 1 << 20;

    /// <summary>Returns SHA-256 of a file's bytes; of a folder, of the names, lengths and bytes of the files in it.</summary>
    public static async Task<string> OfAsync(string path, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        if (!Directory.Exists(path))
        {
            await AddAsync(hash, path, cancellationToken).ConfigureAwait(false);
            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }

        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0, IgnoreInaccessible = false };
        foreach (string file in Directory.EnumerateFiles(path, "*", options).Order(StringComparer.Ordinal))
        {
            var info = new FileInfo(file);
            Add(hash, Path.GetRelativePath(path, file).Replace(Path.DirectorySeparatorChar, '/'));
            // A link is what it says, not where it leads.
            if (info.LinkTarget is { } target)
                Add(hash, target);
            else
                await TryAddAsync(hash, file, info.Length, cancellationToken).ConfigureAwait(false);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Add(IncrementalHash hash, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Add(hash, bytes.Length);
        hash.AppendData(bytes);
    }

    private static void Add(IncrementalHash hash, long length)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, length);
        hash.AppendData(bytes);
    }

    // A FIFO or socket is its name alone.
    private static async Task TryAddAsync(IncrementalHash hash, string file, long length, CancellationToken cancellationToken)
    {
        try
        {
            Add(hash, length);
            await AddAsync(hash, file, cancellationToken).ConfigureAwait(false);
        }
        catch (UnsafePathException exception)
        {
            Add(hash, exception.Reason);
        }
    }

    private static async Task AddAsync(IncrementalHash hash, string file, CancellationToken cancellationToken)
    {
        using FileStream content = RegularFile.Open(file, inSequence: true);
        byte[] buffer = new byte[BufferBytes];
        for (int read; (read = await content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0;)
            hash.AppendData(buffer, 0, read);
    }
}
