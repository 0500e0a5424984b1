using System.Text;

namespace DbBackup.Engine.Engines.PostgreSql.Text;

/// <summary>Turns the bytes of a script into text.</summary>
internal static class DumpText
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>
    /// Reads UTF-8, and where it is none Latin-1, which keeps every byte apart: names of scripts in other encodings stay distinct, if
    /// not readable.
    /// </summary>
    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return Encoding.Latin1.GetString(bytes);
        }
    }
}
