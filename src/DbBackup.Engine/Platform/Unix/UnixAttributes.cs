using System.Globalization;

namespace DbBackup.Engine.Platform;

/// <summary>Mode and owner of a database file as a manifest states them. A manifest may come from anywhere.</summary>
internal static class UnixAttributes
{
    private const UnixFileMode Permissions = (UnixFileMode)0b111_111_111;

    /// <summary>True if a text is a mode in octal.</summary>
    public static bool IsMode(string text) => text.Length is > 0 and <= 6 && text.All(digit => digit is >= '0' and <= '7');

    /// <summary>Permissions alone: no program runs as its owner because of a manifest.</summary>
    public static UnixFileMode ModeOf(string text) => (UnixFileMode)Convert.ToInt32(text, 8) & Permissions;

    /// <summary>Reads <c>uid:gid</c>.</summary>
    public static bool TryOwnerOf(string? text, out uint userId, out uint groupId)
    {
        (userId, groupId) = (0, 0);
        return text?.Split(':') is [var user, var group]
            && uint.TryParse(user, NumberStyles.None, CultureInfo.InvariantCulture, out userId) && uint.TryParse(group, NumberStyles.None, CultureInfo.InvariantCulture, out groupId);
    }
}
