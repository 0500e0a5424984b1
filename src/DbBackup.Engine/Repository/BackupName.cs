using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace DbBackup.Engine.Repository;

/// <summary>
/// What may be the name of a source or a backup. Names are folder names, on this system and on those to which a repository may be
/// copied: what any of them refuses, or a wildcard would match, is refused everywhere.
/// </summary>
public static partial class BackupName
{
    /// <summary>The longest name. Paths on Windows and long payload names must still fit behind it.</summary>
    public const int LongestName = 100;

    // What file systems of Linux allow for one name, in UTF-8; a letter takes up to three bytes.
    private const int LongestNameBytes = 240;

    private const string NeverAllowed = "<>:\"/\\|?*[]`";

    // learn.microsoft.com/windows/win32/fileio/naming-a-file
    private static readonly HashSet<string> Devices = new(StringComparer.OrdinalIgnoreCase)
    {
        "CON", "PRN", "AUX", "NUL", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8", "COM9",
        "LPT1", "LPT2", "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9",
    };

    /// <summary>Fails where a text cannot be a name.</summary>
    /// <param name="name">The text.</param>
    /// <param name="what">What it names, as in <c>backup</c> or <c>source</c>.</param>
    /// <exception cref="BackupException">It cannot.</exception>
    public static void Require(string name, string what)
    {
        if (WhyNot(name) is { } reason)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidName,
                FailureCategory.InvalidArgument,
                $"'{name}' cannot be the name of a {what}: {reason}.",
                "Use letters, digits, spaces and . _ - ( ) ' + , beginning with a letter or digit.")
            { Target = name };
        }
    }

    /// <summary>True if a text can be a name.</summary>
    public static bool IsValid(string name) => WhyNot(name) is null;

    /// <summary>Makes a name of any text: what is not allowed becomes an underscore.</summary>
    public static string From(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var name = new StringBuilder();
        // By whole characters: a lone half of a surrogate pair, which Windows allows in file names, cannot be normalized.
        foreach (char character in string.Concat(text.EnumerateRunes().Select(rune => IsCharacter(rune) ? rune : Rune.ReplacementChar)).Normalize())
            name.Append(ForeignText.IsControl(character) || NeverAllowed.Contains(character, StringComparison.Ordinal) ? '_' : character);
        string trimmed = name.ToString().Trim().TrimStart('.', '-').TrimEnd('.', ' ');
        trimmed = Shorten(trimmed, before: 0);
        if (trimmed.Length == 0)
            return "source";
        // Left over are the names of devices.
        return IsValid(trimmed) ? trimmed : "_" + Shorten(trimmed, before: 1);
    }

    /// <summary>The name of a backup that was given none: its moment and its reason, as in <c>20261121T020000Z-full</c>.</summary>
    public static string Automatic(DateTimeOffset created, string reason) =>
        created.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture) + reason switch
        {
            BackupReason.PreMigration => "-pre-migration",
            BackupReason.Safety => "-safety",
            BackupReason.Rehearsal => "-rehearsal",
            _ => "-full",
        };

    /// <summary>True if a name has the form of one that a backup gets by itself: it has a moment in it, and is not used twice.</summary>
    internal static bool IsAutomatic(string name) => AutomaticForm().IsMatch(name);

    [GeneratedRegex(@"^\d{8}T\d{6}Z-(full|pre-migration|safety|rehearsal)(-\d+)?$", RegexOptions.CultureInvariant)]
    private static partial Regex AutomaticForm();

    private static string? WhyNot(string name)
    {
        if (string.IsNullOrWhiteSpace(name))
            return "it is empty";
        if (name.Length > LongestName)
            return $"it is longer than {LongestName} characters";
        if (Encoding.UTF8.GetByteCount(name) > LongestNameBytes)
            return $"it is longer than {LongestNameBytes} bytes in UTF-8";
        if (name.IndexOfAny([.. NeverAllowed]) is var index and >= 0)
            return $"it contains {name[index]}";
        if (name.Any(ForeignText.IsControl))
            return "it contains a control character";
        if (name[0] is '.' or '-' or ' ')
            return $"it begins with '{name[0]}'";
        if (name[^1] is '.' or ' ')
            return $"it ends with '{name[^1]}'";
        if (name.Any(char.IsSurrogate) && !IsWellFormed(name))
            return "it is not valid Unicode";
        return Devices.Contains(name.Split('.')[0].TrimEnd()) ? "Windows keeps it for a device" : null;
    }

    // The codes that Unicode keeps for no character, and of which none can be normalized.
    private static bool IsCharacter(Rune rune) => (rune.Value & 0xfffe) != 0xfffe && rune.Value is not (>= 0xfdd0 and <= 0xfdef);

    // By whole characters: half of a surrogate pair is no text. What stands before it, in ASCII, takes part of the room.
    private static string Shorten(string text, int before)
    {
        var kept = new StringBuilder();
        int bytes = before;
        foreach (Rune rune in text.EnumerateRunes())
        {
            bytes += rune.Utf8SequenceLength;
            if (before + kept.Length + rune.Utf16SequenceLength > LongestName || bytes > LongestNameBytes)
                break;
            kept.Append(rune.ToString());
        }

        return kept.ToString().TrimEnd('.', ' ');
    }

    // Not by the replacement character, which may stand in a name itself.
    private static bool IsWellFormed(string text)
    {
        for (int index = 0; index < text.Length; index++)
        {
            if (!char.IsSurrogate(text[index]))
                continue;
            if (index + 1 == text.Length || !char.IsSurrogatePair(text[index], text[index + 1]))
                return false;
            index++;
        }

        return true;
    }
}
