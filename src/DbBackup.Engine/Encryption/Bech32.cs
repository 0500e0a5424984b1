using System.Text;

namespace DbBackup.Engine.Encryption;

/// <summary>Bech32 (BIP 173) without its limit of length: the form in which age writes keys.</summary>
internal static class Bech32
{
    private const string Alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    private const int ChecksumLength = 6;

    /// <summary>Writes bytes behind a prefix, in small letters.</summary>
    public static string Encode(string prefix, ReadOnlySpan<byte> data)
    {
        List<byte> values = Regroup(data, 8, 5, pad: true)!;
        uint checksum = Polymod([.. Expand(prefix), .. values, .. new byte[ChecksumLength]]) ^ 1;
        for (int i = 0; i < ChecksumLength; i++)
            values.Add((byte)((checksum >> (5 * (ChecksumLength - 1 - i))) & 31));
        var text = new StringBuilder(prefix).Append('1');
        foreach (byte value in values)
            text.Append(Alphabet[value]);
        return text.ToString();
    }

    /// <summary>Reads a text; null if it is none, or its checksum is wrong.</summary>
    /// <param name="text">The text, in small or in capital letters alone.</param>
    /// <param name="prefix">Its prefix in small letters.</param>
    public static byte[]? Decode(string text, string prefix)
    {
        string lower = text.ToLowerInvariant();
        if ((text.Any(char.IsAsciiLetterUpper) && text.Any(char.IsAsciiLetterLower)) || !lower.StartsWith(prefix + "1", StringComparison.Ordinal) || lower.LastIndexOf('1') != prefix.Length)
            return null;
        string data = lower[(prefix.Length + 1)..];
        if (data.Length < ChecksumLength)
            return null;
        byte[] values = new byte[data.Length];
        for (int i = 0; i < data.Length; i++)
        {
            int value = Alphabet.IndexOf(data[i], StringComparison.Ordinal);
            if (value < 0)
                return null;
            values[i] = (byte)value;
        }

        return Polymod([.. Expand(prefix), .. values]) == 1 ? Regroup(values.AsSpan(0, values.Length - ChecksumLength), 5, 8, pad: false)?.ToArray() : null;
    }

    private static IEnumerable<byte> Expand(string prefix) =>
        prefix.Select(character => (byte)(character >> 5)).Append((byte)0).Concat(prefix.Select(character => (byte)(character & 31)));

    private static uint Polymod(IEnumerable<byte> values)
    {
        ReadOnlySpan<uint> generators = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
        uint sum = 1;
        foreach (byte value in values)
        {
            uint top = sum >> 25;
            sum = ((sum & 0x1ffffff) << 5) ^ value;
            for (int i = 0; i < generators.Length; i++)
            {
                if (((top >> i) & 1) == 1)
                    sum ^= generators[i];
            }
        }

        return sum;
    }

    private static List<byte>? Regroup(ReadOnlySpan<byte> data, int from, int to, bool pad)
    {
        var result = new List<byte>();
        int bits = 0, value = 0, mask = (1 << to) - 1;
        foreach (byte each in data)
        {
            value = (value << from) | each;
            bits += from;
            while (bits >= to)
            {
                bits -= to;
                result.Add((byte)((value >> bits) & mask));
            }

            value &= (1 << bits) - 1;
        }

        if (pad && bits > 0)
            result.Add((byte)((value << (to - bits)) & mask));
        // What is left must be padding of zeros, and less than one group.
        return pad || (bits < from && value == 0) ? result : null;
    }
}
