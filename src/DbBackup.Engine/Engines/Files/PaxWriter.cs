using System.Buffers;
using System.Buffers.Text;
using System.Formats.Tar;
using System.Globalization;
using System.Text;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.Files;

/// <summary>
/// Writes a POSIX tar. The framework's writer takes names and records as text, so that neither names in other encodings nor binary values
/// of extended attributes survive it, and no owner above 2^31.
/// </summary>
/// <param name="target">Takes the archive; it stays open.</param>
/// <param name="aclsAsAttributes">
/// True to write ACLs in the kernel's form among the extended attributes, for a reader that knows these alone: the Docker Engine.
/// </param>
internal sealed class PaxWriter(Stream target, bool aclsAsAttributes = false)
{
    /// <summary>More bytes of extended attributes than this make a header that readers refuse.</summary>
    public const int LargestAttributes = 900_000;

    private const int BlockBytes = TarHeader.BlockBytes;
    private const int NameBytes = 100;
    private const int ChunkBytes = 1 << 20;
    private const long LargestSize = 0x1_FFFF_FFFF; // 11 octal digits
    private const uint LargestId = 0x1F_FFFF; // 7 octal digits

    private readonly byte[] _block = new byte[BlockBytes];
    private readonly ArrayBufferWriter<byte> _records = new(1024);
    private readonly ArrayBufferWriter<byte> _head = new(4 * BlockBytes);
    private long _written;

    /// <summary>Where the content of the last entry begins in the archive.</summary>
    public long ContentStart { get; private set; }

    /// <summary>Writes an entry.</summary>
    /// <param name="entry">The entry; a folder's name ends with a slash.</param>
    /// <param name="content">Its content, of at least the length that the entry states; null for none.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="EndOfStreamException">The content is shorter.</exception>
    public async Task WriteAsync(TarItem entry, Stream? content, CancellationToken cancellationToken)
    {
        long length = content is null ? 0 : entry.Length;
        Begin(entry, length);
        await WriteBegunAsync(content, length, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Begins an entry, and writes nothing yet.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="length">Bytes of its content.</param>
    /// <returns>What stands before its content, up to the next call.</returns>
    public ReadOnlyMemory<byte> Begin(TarItem entry, long length)
    {
        byte[] name = RawName.Encode(entry.Name);
        byte[] link = RawName.Encode(entry.LinkName);
        _head.ResetWrittenCount();
        CollectRecords(entry, name, link, length);
        if (_records.WrittenCount > 0)
        {
            Header(TarEntryType.ExtendedAttributes, HeaderName(name), [], _records.WrittenCount, entry with { UserId = 0, GroupId = 0, Mode = (UnixFileMode)0b110_100_100 });
            _head.Write(_block);
            _head.Write(_records.WrittenSpan);
            _block.AsSpan().Clear();
            _head.Write(_block.AsSpan(0, (int)(PaddedLength(_records.WrittenCount) - _records.WrittenCount)));
        }

        Header(entry.EntryType, name, link, length, entry);
        _head.Write(_block);
        ContentStart = _written + _head.WrittenCount;
        _written = ContentStart + PaddedLength(length);
        return _head.WrittenMemory;
    }

    /// <summary>Writes the entry that was begun.</summary>
    /// <param name="content">Its content.</param>
    /// <param name="length">Bytes of it.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="EndOfStreamException">The content is shorter.</exception>
    public async Task WriteBegunAsync(Stream? content, long length, CancellationToken cancellationToken)
    {
        await target.WriteAsync(_head.WrittenMemory, cancellationToken).ConfigureAwait(false);
        if (length == 0)
            return;
        await CopyAsync(content!, length, cancellationToken).ConfigureAwait(false);
        await PadAsync(length, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Writes the end mark, without which an archive counts as truncated.</summary>
    public async Task CompleteAsync(CancellationToken cancellationToken)
    {
        _block.AsSpan().Clear();
        await target.WriteAsync(_block, cancellationToken).ConfigureAwait(false);
        await target.WriteAsync(_block, cancellationToken).ConfigureAwait(false);
    }

    private async Task CopyAsync(Stream content, long length, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(ChunkBytes, length));
        try
        {
            while (length > 0)
            {
                int read = await content.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, length)), cancellationToken).ConfigureAwait(false);
                if (read == 0)
                    throw new EndOfStreamException("A file ended before the length that its entry states.");
                await target.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
                length -= read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Bytes that a content takes in an archive.</summary>
    public static long PaddedLength(long length) => (length + BlockBytes - 1) / BlockBytes * BlockBytes;

    private async Task PadAsync(long length, CancellationToken cancellationToken)
    {
        int rest = (int)(length % BlockBytes);
        if (rest == 0)
            return;
        _block.AsSpan().Clear();
        await target.WriteAsync(_block.AsMemory(rest), cancellationToken).ConfigureAwait(false);
    }

    // Only what a plain header cannot hold: an archive is the smaller for it, and the same content makes the same archive.
    private void CollectRecords(TarItem entry, byte[] name, byte[] link, long length)
    {
        _records.ResetWrittenCount();
        if (IsLong(name))
            Record("path"u8, name);
        if (IsLong(link))
            Record("linkpath"u8, link);
        if (length > LargestSize)
            Record("size"u8, length);
        if (entry.UserId > LargestId)
            Record("uid"u8, entry.UserId);
        if (entry.GroupId > LargestId)
            Record("gid"u8, entry.GroupId);
        long ticks = entry.ModifiedUtc.Ticks - DateTime.UnixEpoch.Ticks;
        if (ticks % TimeSpan.TicksPerSecond != 0 || ticks < 0 || ticks / TimeSpan.TicksPerSecond > LargestSize)
            Record("mtime"u8, Encoding.ASCII.GetBytes(((decimal)ticks / TimeSpan.TicksPerSecond).ToString(CultureInfo.InvariantCulture)));
        foreach (ExtendedAttribute attribute in entry.Attributes)
        {
            bool isAcl = attribute.Name is ExtendedAttributes.AccessAcl or ExtendedAttributes.DefaultAcl;
            if (isAcl && !aclsAsAttributes && PosixAcl.ToText(attribute.Value) is { } text)
                Record(attribute.Name == ExtendedAttributes.AccessAcl ? "SCHILY.acl.access"u8 : "SCHILY.acl.default"u8, Encoding.ASCII.GetBytes(text));
            else
                Record([.. TarHeader.AttributePrefix, .. RawName.Encode(KeyOf(attribute.Name))], attribute.Value);
        }
    }

    // The engine takes names as they are; one with what ends a key it cannot get.
    private string KeyOf(string name) => aclsAsAttributes && !name.Contains('=', StringComparison.Ordinal) ? name : TarHeader.AttributeKey(name);

    private static bool IsLong(byte[] name) => name.Length > NameBytes || !Ascii.IsValid(name);

    private void Record(ReadOnlySpan<byte> key, long value)
    {
        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(value, digits, out int length);
        Record(key, digits[..length]);
    }

    // "length key=value\n", and the length counts its own digits.
    private void Record(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        int rest = key.Length + value.Length + 3;
        int length = rest + Digits(rest);
        if (Digits(length) > Digits(rest))
            length++;
        Span<byte> record = _records.GetSpan(length);
        Utf8Formatter.TryFormat(length, record, out int at);
        record[at++] = (byte)' ';
        key.CopyTo(record[at..]);
        at += key.Length;
        record[at++] = (byte)'=';
        value.CopyTo(record[at..]);
        record[at + value.Length] = (byte)'\n';
        _records.Advance(length);
    }

    private static int Digits(int number)
    {
        int digits = 1;
        while ((number /= 10) > 0)
            digits++;
        return digits;
    }

    // As GNU tar names it, without the number of a process: no two archives would be equal.
    private static byte[] HeaderName(ReadOnlySpan<byte> name)
    {
        name = name.TrimEnd((byte)'/');
        int slash = name.LastIndexOf((byte)'/');
        ReadOnlySpan<byte> folder = slash < 0 ? "."u8 : name[..Math.Min(slash, 40)];
        return [.. folder, .. "/PaxHeaders/"u8, .. name[(slash + 1)..]];
    }

    private void Header(TarEntryType type, ReadOnlySpan<byte> name, ReadOnlySpan<byte> link, long length, TarItem entry)
    {
        Span<byte> block = _block;
        block.Clear();
        name[..Math.Min(name.Length, NameBytes)].CopyTo(block);
        Octal(block.Slice(100, 8), (long)entry.Mode & 0xFFF);
        Octal(block.Slice(108, 8), entry.UserId > LargestId ? 0 : entry.UserId);
        Octal(block.Slice(116, 8), entry.GroupId > LargestId ? 0 : entry.GroupId);
        Octal(block.Slice(124, 12), length > LargestSize ? 0 : length);
        long seconds = (entry.ModifiedUtc.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerSecond;
        Octal(block.Slice(136, 12), seconds is < 0 or > LargestSize ? 0 : seconds);
        block[156] = (byte)type;
        link[..Math.Min(link.Length, NameBytes)].CopyTo(block[157..]);
        "ustar\0"u8.CopyTo(block[257..]);
        "00"u8.CopyTo(block[263..]);
        Octal(block.Slice(329, 8), 0);
        Octal(block.Slice(337, 8), 0);
        block.Slice(148, 8).Fill((byte)' ');
        long sum = 0;
        foreach (byte value in block)
            sum += value;
        Octal(block.Slice(148, 7), sum);
    }

    // Digits to the last byte but one, which is zero.
    private static void Octal(Span<byte> field, long number)
    {
        field[^1] = 0;
        for (int i = field.Length - 2; i >= 0; i--, number >>= 3)
            field[i] = (byte)('0' + (number & 7));
    }
}
