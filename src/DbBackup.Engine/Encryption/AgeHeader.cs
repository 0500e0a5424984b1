using System.Security.Cryptography;
using System.Text;

namespace DbBackup.Engine.Encryption;

/// <summary>The header of an age file (C2SP age, v1): the file's key wrapped for each recipient, and a MAC by that key over all of it.</summary>
internal sealed class AgeHeader
{
    /// <summary>Bytes of a file's key.</summary>
    public const int FileKeySize = 16;

    /// <summary>The first line of every age file.</summary>
    public const string VersionLine = "age-encryption.org/v1";

    // Room for ten thousand recipients.
    private const int LargestHeader = 1 << 20;
    private const int MacSize = 32;
    private readonly byte[] _text;
    private readonly byte[] _mac;

    private AgeHeader(IReadOnlyList<AgeStanza> stanzas, byte[] text, byte[] mac)
    {
        Stanzas = stanzas;
        _text = text;
        _mac = mac;
    }

    /// <summary>Its entries.</summary>
    public IReadOnlyList<AgeStanza> Stanzas { get; }

    /// <summary>Writes a header.</summary>
    /// <param name="fileKey">The file's key.</param>
    /// <param name="recipients">To whom the file is sealed; a passphrase stands alone.</param>
    public static byte[] Write(byte[] fileKey, IReadOnlyList<IAgeRecipient> recipients)
    {
        ArgumentOutOfRangeException.ThrowIfZero(recipients.Count);
        if (recipients.Count > 1 && recipients.Any(recipient => recipient is Passphrase))
            throw new InvalidOperationException("A file that is sealed by a passphrase has no other recipient.");
        var header = new StringBuilder(VersionLine).Append('\n');
        foreach (IAgeRecipient recipient in recipients)
            recipient.Wrap(fileKey).Write(header);
        header.Append("---");
        string mac = AgeText.ToBase64(Mac(fileKey, Encoding.ASCII.GetBytes(header.ToString())));
        return Encoding.ASCII.GetBytes(header.Append(' ').Append(mac).Append('\n').ToString());
    }

    /// <summary>Reads a header.</summary>
    /// <param name="data">The beginning of a file.</param>
    /// <param name="length">Bytes of the header.</param>
    /// <returns>Null if more of the file is needed.</returns>
    /// <exception cref="AgeFormatException">It is none.</exception>
    public static AgeHeader? Read(ReadOnlySpan<byte> data, out int length)
    {
        length = 0;
        if (data.Length > LargestHeader)
            data = data[..LargestHeader];
        int position = 0;
        var stanzas = new List<AgeStanza>();
        string[]? arguments = null;
        var body = new StringBuilder();
        for (int number = 0; ; number++)
        {
            int end = data[position..].IndexOf((byte)'\n');
            if (end < 0)
            {
                RequireBeginning(data, number == 0 ? data.Length : 0);
                return data.Length < LargestHeader ? null : throw new AgeFormatException("Its header is too long.");
            }

            if (data.Slice(position, end).IndexOfAnyExceptInRange((byte)0x20, (byte)0x7e) >= 0)
                throw new AgeFormatException(number == 0 ? "It is no age file." : "Its header has a character that is not allowed.");
            string line = Encoding.ASCII.GetString(data.Slice(position, end));
            int start = position;
            position += end + 1;
            if (number == 0)
            {
                if (line != VersionLine)
                    throw new AgeFormatException(line.StartsWith("age-encryption.org/", StringComparison.Ordinal) ? $"It is of another version of age ({line})." : "It is no age file.");
            }
            else if (arguments is not null)
            {
                if (line.Length > AgeStanza.LineLength)
                    throw new AgeFormatException("Its header has a line that is too long.");
                body.Append(line);
                if (line.Length == AgeStanza.LineLength)
                    continue;
                stanzas.Add(new AgeStanza(arguments, AgeText.FromBase64(body.ToString()) ?? throw new AgeFormatException("An entry of its header is no canonical base64.")));
                arguments = null;
                body.Clear();
            }
            else if (line.StartsWith("---", StringComparison.Ordinal))
            {
                if (stanzas.Count == 0 || line.Length < 5 || line[3] != ' ' || AgeText.FromBase64(line[4..]) is not { Length: MacSize } mac)
                    throw new AgeFormatException("The last line of its header is malformed.");
                if (stanzas.Count > 1 && stanzas.Any(stanza => stanza.Kind == Passphrase.Kind))
                    throw new AgeFormatException("It is sealed by a passphrase and to others, which is not allowed.");
                length = position;
                return new AgeHeader(stanzas, data[..(start + 3)].ToArray(), mac);
            }
            else
            {
                arguments = line.StartsWith("-> ", StringComparison.Ordinal) ? line[3..].Split(' ') : throw new AgeFormatException("Its header has a line that begins no entry.");
                if (arguments.Contains(string.Empty))
                    throw new AgeFormatException("An entry of its header has an empty argument.");
            }
        }
    }

    /// <summary>Finds the file's key.</summary>
    /// <exception cref="NoMatchingIdentityException">It is sealed to others.</exception>
    /// <exception cref="AgeFormatException">The header is malformed, or was changed.</exception>
    public byte[] Unwrap(IReadOnlyList<IAgeIdentity> identities)
    {
        foreach (IAgeIdentity identity in identities)
        {
            foreach (AgeStanza stanza in Stanzas)
            {
                if (identity.Unwrap(stanza) is not { } key)
                    continue;
                return CryptographicOperations.FixedTimeEquals(Mac(key, _text), _mac) ? key : throw new AgeFormatException("Its header was changed: the MAC differs.");
            }
        }

        throw new NoMatchingIdentityException("It is sealed to others.");
    }

    // Not to wait for the first line of what has none.
    private static void RequireBeginning(ReadOnlySpan<byte> data, int length)
    {
        ReadOnlySpan<byte> expected = "age-encryption.org/v1\n"u8;
        int compared = Math.Min(length, expected.Length);
        if (!data[..compared].SequenceEqual(expected[..compared]))
            throw new AgeFormatException("It is no age file.");
    }

    private static byte[] Mac(byte[] fileKey, ReadOnlySpan<byte> header) =>
        HMACSHA256.HashData(HKDF.DeriveKey(HashAlgorithmName.SHA256, fileKey, 32, [], "header"u8.ToArray()), header);
}
