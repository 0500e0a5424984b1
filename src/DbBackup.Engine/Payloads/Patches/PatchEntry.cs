using System.Globalization;
using System.Text;

namespace DbBackup.Engine.Payloads.Patches;

/// <summary>How a part of a payload is made of its parent's content.</summary>
internal enum PatchKind
{
    /// <summary>It is a part of the parent.</summary>
    Copy,

    /// <summary>A zstd frame that was compressed against a part of the parent (<c>zstd --patch-from</c>).</summary>
    Patch,

    /// <summary>A zstd frame of its own.</summary>
    New,
}

/// <summary>
/// One part of a payload that is stored as its difference to another one: an entry of a tar whose name says what is to be done, as in
/// <c>0000000007-patch-29360128-4194304.zst</c>. In the order of their names the parts are the payload.
/// </summary>
/// <param name="Kind">How it is made.</param>
/// <param name="Offset">The first byte of the parent that is used; 0 for <see cref="PatchKind.New"/>.</param>
/// <param name="Length">How many bytes of the parent are used; 0 for <see cref="PatchKind.New"/>.</param>
internal readonly record struct PatchEntry(PatchKind Kind, long Offset, long Length)
{
    /// <summary>Bytes of a tar's block.</summary>
    public const int TarBlock = 512;

    /// <summary>The most bytes that a frame may have, or be compressed against: more would be no part that this product writes.</summary>
    public const long Largest = 160L << 20;

    private const string Ending = ".zst";
    private const int NumberDigits = 10;

    /// <summary>Writes the entry's header.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="size">Bytes that follow.</param>
    public byte[] WriteHeader(long number, long size)
    {
        byte[] header = new byte[TarBlock];
        string kind = Kind switch
        {
            PatchKind.Copy => "copy",
            PatchKind.Patch => "patch",
            _ => "new",
        };
        Put(header, 0, string.Create(CultureInfo.InvariantCulture, $"{number:D10}-{kind}-{Offset}-{Length}{(Kind == PatchKind.Copy ? string.Empty : Ending)}"));
        Put(header, 100, "0000600\0");
        Put(header, 108, "0000000\0");
        Put(header, 116, "0000000\0");
        Put(header, 124, Convert.ToString(size, 8).PadLeft(11, '0') + "\0");
        Put(header, 136, "00000000000\0");
        header[156] = (byte)'0';
        Put(header, 257, "ustar\0" + "00");
        Put(header, 148, "        ");
        int sum = 0;
        foreach (byte value in header)
            sum += value;
        Put(header, 148, Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ");
        return header;
    }

    /// <summary>Reads an entry's header.</summary>
    /// <param name="header">One block.</param>
    /// <param name="number">The number that it must have.</param>
    /// <param name="size">Bytes that follow.</param>
    /// <exception cref="InvalidDataException">It is none, or not the next one.</exception>
    public static PatchEntry ReadHeader(ReadOnlySpan<byte> header, long number, out long size)
    {
        int end = header[..100].IndexOf((byte)0);
        string name = Encoding.ASCII.GetString(header[..(end < 0 ? 100 : end)]);
        string[] words = (name.EndsWith(Ending, StringComparison.Ordinal) ? name[..^Ending.Length] : name).Split('-');
        PatchKind? kind = words is [{ Length: NumberDigits }, _, _, _] ? words[1] switch
        {
            "copy" => PatchKind.Copy,
            "patch" => PatchKind.Patch,
            "new" => PatchKind.New,
            _ => null,
        }
        : null;
        size = 0;
        if (kind is not { } known || !TryNumber(words[0], out long own) || !TryNumber(words[2], out long offset) || !TryNumber(words[3], out long length))
            throw new InvalidDataException("one of its parts has a name that says nothing");
        if (own != number)
            throw new InvalidDataException($"part {number} is missing");
        var entry = new PatchEntry(known, offset, length);
        foreach (byte digit in header.Slice(124, 11))
        {
            if (digit is < (byte)'0' or > (byte)'7')
                throw new InvalidDataException("a part's size cannot be read");
            size = (size * 8) + (digit - '0');
        }

        // The header is as it would be written, all of it: a bit that changed in it is found here.
        if (!header.SequenceEqual(entry.WriteHeader(number, size)) || size > Largest || (known == PatchKind.Copy && size != 0) || (known == PatchKind.Patch && length > Largest))
            throw new InvalidDataException("a part's header is damaged");
        return entry;
    }

    /// <summary>How many bytes fill the last block of an entry.</summary>
    public static int PaddingOf(long size) => (int)((TarBlock - (size % TarBlock)) % TarBlock);

    private static bool TryNumber(string text, out long number) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private static void Put(byte[] header, int offset, string text) => Encoding.ASCII.GetBytes(text, header.AsSpan(offset));
}
