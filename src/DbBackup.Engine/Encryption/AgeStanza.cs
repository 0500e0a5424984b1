using System.Text;

namespace DbBackup.Engine.Encryption;

/// <summary>One entry in the header of an age file: the file's key, wrapped for one recipient.</summary>
/// <param name="Arguments">Its kind, and what belongs to it.</param>
/// <param name="Body">The wrapped key.</param>
internal sealed record AgeStanza(IReadOnlyList<string> Arguments, byte[] Body)
{
    /// <summary>Columns of a full line of the body.</summary>
    public const int LineLength = 64;

    /// <summary>Its kind: <c>X25519</c>, <c>scrypt</c>, or what another program knows.</summary>
    public string Kind => Arguments[0];

    /// <summary>Writes it into a header.</summary>
    public void Write(StringBuilder header)
    {
        header.Append("-> ").AppendJoin(' ', Arguments).Append('\n');
        string body = AgeText.ToBase64(Body);
        for (int start = 0; ; start += LineLength)
        {
            string line = body[start..Math.Min(body.Length, start + LineLength)];
            header.Append(line).Append('\n');
            // The last line is shorter than a full one, if need be empty.
            if (line.Length < LineLength)
                return;
        }
    }
}
