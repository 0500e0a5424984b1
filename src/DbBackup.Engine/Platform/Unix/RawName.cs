using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace DbBackup.Engine.Platform;

/// <summary>
/// Names of files as text that loses no byte. Linux allows any bytes in a name; those that are not UTF-8 become one lone surrogate each
/// (U+DC80 to U+DCFF, as Python's "surrogateescape" has it), which no valid UTF-8 decodes to. Only <see cref="LibC"/> and the archives turn
/// such text back into bytes: the framework's own file calls do not.
/// </summary>
internal static class RawName
{
    private const char First = '\uDC80';
    private const char Last = '\uDCFF';
    private const int Base = 0xDC00;
    private static readonly SearchValues<char> s_surrogates = SearchValues.Create(Enumerable.Range(0xD800, 0x800).Select(code => (char)code).ToArray());

    /// <summary>True for text that stands for bytes that are not UTF-8.</summary>
    public static bool IsRaw([NotNullWhen(true)] string? text)
    {
        if (text is null)
            return false;
        for (int i = text.AsSpan().IndexOfAny(s_surrogates); i >= 0 && i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                i++;
            else if (text[i] is >= First and <= Last)
                return true;
        }

        return false;
    }

    /// <summary>The text of a name.</summary>
    public static string Decode(ReadOnlySpan<byte> name)
    {
        if (System.Text.Unicode.Utf8.IsValid(name))
            return Encoding.UTF8.GetString(name);
        var text = new StringBuilder(name.Length);
        Span<char> pair = stackalloc char[2];
        while (!name.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(name, out Rune rune, out int length) == OperationStatus.Done)
                text.Append(pair[..rune.EncodeToUtf16(pair)]);
            else
                AppendBytes(text, name[..length]);
            name = name[length..];
        }

        return text.ToString();
    }

    /// <summary>The bytes of a name.</summary>
    public static byte[] Encode(string text)
    {
        byte[] bytes = new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        return bytes[..Encode(text, bytes)];
    }

    /// <summary>How many bytes a name has.</summary>
    public static int ByteCount(string text) => IsRaw(text) ? Encode(text).Length : Encoding.UTF8.GetByteCount(text);

    /// <summary>Writes the bytes of a name, which has room for three bytes for each character.</summary>
    /// <returns>How many there are.</returns>
    public static int Encode(ReadOnlySpan<char> text, Span<byte> bytes)
    {
        int written = 0;
        while (!text.IsEmpty)
        {
            int surrogate = text.IndexOfAny(s_surrogates);
            if (surrogate < 0)
                return written + Encoding.UTF8.GetBytes(text, bytes[written..]);
            written += Encoding.UTF8.GetBytes(text[..surrogate], bytes[written..]);
            text = text[surrogate..];
            if (text[0] is >= First and <= Last)
            {
                bytes[written++] = (byte)(text[0] - Base);
                text = text[1..];
                continue;
            }

            int length = char.IsHighSurrogate(text[0]) && text.Length > 1 && char.IsLowSurrogate(text[1]) ? 2 : 1;
            written += Encoding.UTF8.GetBytes(text[..length], bytes[written..]);
            text = text[length..];
        }

        return written;
    }

    private static void AppendBytes(StringBuilder text, ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
            text.Append((char)(Base + value));
    }
}
