using System.Formats.Tar;
using System.Globalization;
using System.Text;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.Files;

/// <summary>
/// Reads headers of all usual makes. The framework's reader refuses a newline in a long name and owners above 2^31, both of
/// which real folders have.
/// </summary>
internal static class TarHeader
{
    public const int BlockBytes = 512;

    /// <summary>Reads a header block, which extended records and GNU long names that came before it overrule.</summary>
    public static TarItem Read(ReadOnlySpan<byte> block, TarRecords extended)
    {
        Dictionary<string, string> records = extended.Texts;
        CheckSum(block);
        var type = (TarEntryType)block[156];
        var name = Text(block[..100]);

        // Only POSIX puts the start of a long name here; GNU keeps other things in this place.
        if (block.Slice(257, 6).SequenceEqual("ustar\0"u8) && block[345] != 0)
            name = Text(block.Slice(345, 155)) + "/" + name;
        name = records.GetValueOrDefault("path", name);
        if (type is TarEntryType.V7RegularFile or TarEntryType.RegularFile && name.EndsWith('/'))
            type = TarEntryType.Directory;
        var length = records.TryGetValue("size", out var size)
            ? long.Parse(size, NumberStyles.None, CultureInfo.InvariantCulture)
            : Number(block.Slice(124, 12));
        if (length < 0)
            throw new InvalidDataException("an entry has a negative size");
        if (type is TarEntryType.HardLink or TarEntryType.SymbolicLink or TarEntryType.Directory or TarEntryType.Fifo
            or TarEntryType.CharacterDevice or TarEntryType.BlockDevice)
        {
            length = 0;
        }

        return new TarItem(
            type,
            name,
            records.GetValueOrDefault("linkpath", Text(block.Slice(157, 100))),
            length,
            (UnixFileMode)(Number(block.Slice(100, 8)) & 0xFFF),
            Id(records, "uid", block.Slice(108, 8)),
            Id(records, "gid", block.Slice(116, 8)),
            Time(records, block.Slice(136, 12)))
        { Attributes = extended.Attributes };
    }

    /// <summary>The beginning of the keys that mark a sparse entry.</summary>
    public const string Sparse = "GNU.sparse.";

    /// <summary>What an extended attribute's record begins with, in the archives of star, GNU tar and bsdtar.</summary>
    public static ReadOnlySpan<byte> AttributePrefix => "SCHILY.xattr."u8;

    // What is used here. Others are not even kept: a global header would hold them for each entry.
    private static readonly string[] s_known = ["path", "linkpath", "size", "uid", "gid", "mtime"];

    /// <summary>Reads records of the form <c>length key=value newline</c>; the length counts, a value may hold newlines.</summary>
    public static void ReadRecords(ReadOnlySpan<byte> data, TarRecords records)
    {
        while (!data.IsEmpty && data[0] != 0)
        {
            var space = data.IndexOf((byte)' ');
            if (space < 1 || !int.TryParse(data[..space], NumberStyles.None, CultureInfo.InvariantCulture, out var length)
                || length <= space + 1 || length > data.Length || data[length - 1] != '\n')
            {
                throw new InvalidDataException("an extended header cannot be read");
            }

            var record = data[(space + 1)..(length - 1)];
            var equals = record.IndexOf((byte)'=');
            if (equals < 1)
                throw new InvalidDataException("an extended header cannot be read");
            if (record.StartsWith("GNU.sparse."u8))
                records.Texts[Sparse] = string.Empty;
            else if (record.StartsWith(AttributePrefix))
                records.Add(AttributeName(record[AttributePrefix.Length..equals]), record[(equals + 1)..]);
            else if (record[..equals].SequenceEqual("SCHILY.acl.access"u8))
                records.AddAcl(ExtendedAttributes.AccessAcl, RawName.Decode(record[(equals + 1)..]));
            else if (record[..equals].SequenceEqual("SCHILY.acl.default"u8))
                records.AddAcl(ExtendedAttributes.DefaultAcl, RawName.Decode(record[(equals + 1)..]));
            else if (Encoding.UTF8.GetString(record[..Math.Min(equals, 10)]) is var key && Array.IndexOf(s_known, key) >= 0)
                records.Texts[key] = RawName.Decode(record[(equals + 1)..]);
            data = data[length..];
        }
    }

    /// <summary>Text up to the first zero byte.</summary>
    public static string Text(ReadOnlySpan<byte> field)
    {
        var end = field.IndexOf((byte)0);
        return RawName.Decode(end < 0 ? field : field[..end]);
    }

    /// <summary>An attribute's name as a record's key has it: GNU tar escapes what ends a key.</summary>
    public static string AttributeKey(string name) => name.Replace("%", "%25", StringComparison.Ordinal).Replace("=", "%3D", StringComparison.Ordinal);

    // bsdtar escapes all that is not ASCII.
    private static string AttributeName(ReadOnlySpan<byte> key)
    {
        byte[] name = new byte[key.Length];
        int length = 0;
        while (!key.IsEmpty)
        {
            bool isEscaped = key[0] == (byte)'%' && key.Length > 2 && byte.TryParse(key[1..3], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out name[length]);
            if (!isEscaped)
                name[length] = key[0];
            length++;
            key = key[(isEscaped ? 3 : 1)..];
        }

        return RawName.Decode(name.AsSpan(0, length));
    }

    private static void CheckSum(ReadOnlySpan<byte> block)
    {
        long unsigned = 8 * ' ';
        long signed = 8 * ' ';
        for (var i = 0; i < BlockBytes; i++)
        {
            if (i is >= 148 and < 156)
                continue;
            unsigned += block[i];
            signed += (sbyte)block[i];
        }

        // Some old programs added up signed bytes.
        var stated = Number(block.Slice(148, 8));
        if (stated != unsigned && stated != signed)
            throw new InvalidDataException("the checksum of a header is wrong");
    }

    /// <summary>A number in octal digits, or binary where they would not hold it.</summary>
    private static long Number(ReadOnlySpan<byte> field)
    {
        if ((field[0] & 0x80) != 0)
        {
            long value = (field[0] & 0x40) != 0 ? -1 : 0;
            value = (value << 6) | (uint)(field[0] & 0x3F);
            foreach (var part in field[1..])
                value = (value << 8) | part;
            return value;
        }

        long octal = 0;
        foreach (var digit in field.Trim(" \0"u8))
        {
            if (digit == 0)
                break;
            if (digit is < (byte)'0' or > (byte)'7')
                throw new InvalidDataException("a header holds something else where a number belongs");
            octal = (octal << 3) | (uint)(digit - '0');
        }

        return octal;
    }

    private static uint Id(Dictionary<string, string> records, string key, ReadOnlySpan<byte> field) =>
        records.TryGetValue(key, out var text) && uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            ? id
            : (uint)Number(field);

    private static DateTime Time(Dictionary<string, string> records, ReadOnlySpan<byte> field)
    {
        decimal seconds = Number(field);
        if (records.TryGetValue("mtime", out var text)
            && decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var exact))
        {
            seconds = exact;
        }

        var ticks = decimal.Floor(Math.Clamp(seconds, -62135596800m, 253402300799m) * TimeSpan.TicksPerSecond);
        return DateTime.UnixEpoch.AddTicks((long)ticks);
    }
}
