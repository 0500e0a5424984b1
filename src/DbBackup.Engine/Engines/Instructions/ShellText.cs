using System.Text;

namespace DbBackup.Engine.Engines.Instructions;

/// <summary>Texts as a shell of POSIX and PowerShell want them.</summary>
internal static class ShellText
{
    /// <summary>An argument, in quotes where it needs them. One that begins with a dash is for the caller to disarm.</summary>
    public static string Quote(string text) =>
        text.Length > 0 && text.All(character => char.IsAsciiLetterOrDigit(character) || character is '.' or '_' or '-' or '/') ? text : $"'{Inner(text)}'";

    /// <summary>The inside of an argument in single quotes. Control characters are given by their codes, for the file is read in a terminal.</summary>
    public static string Inner(string text)
    {
        string quoted = text.Replace("'", "'\\''", StringComparison.Ordinal);
        return quoted.Any(ForeignText.IsControl)
            ? string.Concat(quoted.Select(character => ForeignText.IsControl(character)
                ? $"'$'{string.Concat(Encoding.UTF8.GetBytes([character]).Select(code => $"\\x{code:x2}"))}''"
                : character.ToString()))
            : quoted;
    }

    /// <summary>An argument for PowerShell.</summary>
    public static string QuoteForPowerShell(string text) =>
        text.All(character => char.IsAsciiLetterOrDigit(character) || character is '.' or '_' or '-') ? text : $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    /// <summary>The command that gives a payload's original bytes.</summary>
    public static string Read(Payload payload)
    {
        if (payload.Parent is not null)
            return $"cat {Quote(Joined(payload))}";
        string file = Quote(payload.FileName);
        if (payload.IsEncrypted)
        {
            string opened = $"age -d -i backup.key {file}";
            return payload.Compression switch
            {
                PayloadCompression.Zstd => $"{opened} | zstd -dc",
                PayloadCompression.Gzip => $"{opened} | gzip -dc",
                _ => opened,
            };
        }

        return payload.Compression switch
        {
            PayloadCompression.Zstd => $"zstd -dc {file}",
            PayloadCompression.Gzip => $"gzip -dc {file}",
            _ => $"cat {file}",
        };
    }

    /// <summary>The file with the original bytes of a payload that was stored as a difference.</summary>
    public static string Joined(Payload payload)
    {
        string name = payload.IsEncrypted ? Path.GetFileNameWithoutExtension(payload.FileName) : payload.FileName;
        return name.Replace(".patch.tar", string.Empty, StringComparison.Ordinal) + ".content";
    }

    /// <summary>Where a payload is put by hand.</summary>
    public static string RestoredPath(Payload payload) => "restored/" + (payload.Within ?? payload.RestoreName);
}
