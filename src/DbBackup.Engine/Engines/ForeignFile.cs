using DbBackup.Engine.Payloads;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines;

/// <summary>A file or folder that another program made, with what tells engines whether it is theirs: its content, never its name.</summary>
/// <param name="Path">Its absolute path.</param>
/// <param name="Compression">How it is compressed.</param>
/// <param name="Start">Its first bytes, decompressed; empty for a folder, and for a file that cannot be decompressed.</param>
internal sealed record ForeignFile(string Path, string Compression, ReadOnlyMemory<byte> Start)
{
    // Enough for the header of a tar (512 bytes) and for the comments at the top of a dump.
    private const int StartBytes = 8192;

    /// <summary>True if it is a folder.</summary>
    public bool IsFolder { get; private init; }

    /// <summary>True if it begins as a tar does.</summary>
    public bool IsTar => Start.Length >= 512 && HasTarChecksum(Start.Span[..512]);

    /// <summary>True if it is UTF-16 text, by its byte order mark: Windows PowerShell's <c>&gt;</c> writes one, and no dump begins so.</summary>
    public bool IsUtf16 => Start.Span.StartsWith((ReadOnlySpan<byte>)[0xff, 0xfe]) || Start.Span.StartsWith((ReadOnlySpan<byte>)[0xfe, 0xff]);

    /// <summary>Reads the beginning of a file; looks at nothing of a folder.</summary>
    public static ForeignFile Read(string path)
    {
        if (Directory.Exists(path))
            return new ForeignFile(path, PayloadCompression.None, default) { IsFolder = true };
        Span<byte> magic = stackalloc byte[6];
        using (FileStream file = Open(path))
            magic = magic[..file.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false)];
        // RFC 1952, section 2.3.1; RFC 8878, section 3.1.1; the .xz file format 1.2.1, section 2.1.1.1; bzip2's "BZh" and the size of its blocks.
        string compression = magic.StartsWith((ReadOnlySpan<byte>)[0x1f, 0x8b]) ? PayloadCompression.Gzip
            : magic.StartsWith((ReadOnlySpan<byte>)[0x28, 0xb5, 0x2f, 0xfd]) ? PayloadCompression.Zstd
            : magic.SequenceEqual((ReadOnlySpan<byte>)[0xfd, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0]) ? ForeignCompression.Xz
            : magic.StartsWith("BZh"u8) && magic.Length > 3 && magic[3] is >= (byte)'1' and <= (byte)'9' ? ForeignCompression.Bzip2
            : PayloadCompression.None;
        return new ForeignFile(path, compression, StartOf(path, compression, StartBytes));
    }

    /// <summary>Returns the first bytes of a file, decompressed; none where it cannot be decompressed.</summary>
    public static ReadOnlyMemory<byte> StartOf(string path, string compression, int bytes)
    {
        byte[] start = new byte[bytes];
        try
        {
            using Stream content = DecompressionStreams.Open(Open(path), compression);
            return start.AsMemory(0, content.ReadAtLeast(start, start.Length, throwOnEndOfStream: false));
        }
        catch (Exception exception) when (exception is InvalidDataException or UnsafePathException)
        {
            return default;
        }
    }

    /// <summary>Returns the start as text.</summary>
    public string ReadText() => System.Text.Encoding.UTF8.GetString(Start.Span);

    /// <summary>Writes the file's content, decompressed, into a new file.</summary>
    /// <exception cref="BackupException">It is damaged, or there is no room.</exception>
    public async Task DecompressAsync(string target, CancellationToken cancellationToken)
    {
        try
        {
            using Stream content = DecompressionStreams.Open(RegularFile.Open(Path, inSequence: true), Compression);
            using var file = new FileStream(target, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1);
            await content.CopyToAsync(file, 1 << 20, cancellationToken).ConfigureAwait(false);
        }
        catch (InvalidDataException exception)
        {
            throw new BackupFailure(
                ErrorCodes.DumpIncomplete,
                FailureCategory.InvalidData,
                $"'{Path}' cannot be decompressed to its end: {exception.Message}",
                "The file is damaged or was cut off; use another one.",
                exception)
            { Target = Path };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw DiskFailures.From(exception, target, $"decompressing '{Path}'");
        }
    }

    // Bytes 148 to 155 hold the sum of the header's bytes, with these eight counted as blanks (POSIX.1-1988 ustar; v7 too).
    private static bool HasTarChecksum(ReadOnlySpan<byte> header)
    {
        int stored = 0;
        foreach (byte digit in header.Slice(148, 8))
        {
            if (digit is >= (byte)'0' and <= (byte)'7')
                stored = (stored * 8) + digit - '0';
            else if (digit is not ((byte)' ' or 0))
                return false;
        }

        int sum = 8 * ' ';
        for (int index = 0; index < header.Length; index++)
            sum += index is >= 148 and < 156 ? 0 : header[index];
        return stored > 0 && stored == sum;
    }

    private static FileStream Open(string path) => RegularFile.Open(path);
}
