using System.Text;
using System.Text.RegularExpressions;
using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.Files;

/// <summary>
/// What a person leaves out of a folder. A pattern without a slash means the name of any file or folder below (<c>*.tmp</c>, <c>cache</c>);
/// one with a slash means a path in the folder (<c>/thumbs</c>, <c>media/**/small</c>). A byte that is not UTF-8 is written <c>\xe9</c>. A folder that is left out is left out with everything in it.
/// </summary>
internal sealed class FolderPatterns
{
    private const int ByteText = 4;
    private readonly List<Regex> _names = [], _paths = [];

    /// <summary>Reads patterns.</summary>
    /// <param name="patterns">The patterns.</param>
    /// <param name="parameter">The parameter that gives them, for the hint.</param>
    /// <exception cref="BackupFailure">One is empty or leads elsewhere.</exception>
    public FolderPatterns(IEnumerable<string> patterns, string parameter = "-Exclude")
    {
        foreach (string pattern in patterns)
        {
            string trimmed = pattern.Replace('\\', OperatingSystem.IsWindows() ? '/' : '\\').TrimEnd('/');
            string path = trimmed.StartsWith("./", StringComparison.Ordinal) ? trimmed[1..] : trimmed;
            if (path.Trim('/').Length == 0 || path.Split('/').Contains(".."))
            {
                throw new BackupFailure(
                    ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"'{pattern}' is no pattern of files in a folder.",
                    $"Name files or folders as {parameter} '*.tmp', or a path in the folder as {parameter} 'cache/thumbs'.")
                { Target = pattern };
            }

            (path.Contains('/', StringComparison.Ordinal) ? _paths : _names).Add(ToRegex(path.TrimStart('/')));
        }
    }

    /// <summary>True if nothing is left out.</summary>
    public bool IsEmpty => _names.Count + _paths.Count == 0;

    /// <summary>True if a path is left out, or what lies beside a database that is.</summary>
    /// <param name="relative">The path in the folder, with slashes.</param>
    public bool Exclude(string relative)
    {
        if (relative.Length == 0 || IsEmpty)
            return false;
        if (Matches(relative))
            return true;
        return SqliteFile.SidecarSuffixes.FirstOrDefault(suffix => relative.EndsWith(suffix, StringComparison.Ordinal)) is { } ending && Matches(relative[..^ending.Length]);
    }

    /// <summary>True if a path, or a folder above it, is left out.</summary>
    public bool ExcludeBelow(string relative)
    {
        for (int slash = relative.IndexOf('/', StringComparison.Ordinal); slash >= 0; slash = relative.IndexOf('/', slash + 1))
        {
            if (Exclude(relative[..slash]))
                return true;
        }

        return Exclude(relative);
    }

    /// <summary>The same for absolute paths, as <see cref="FolderArchiver.Exclude"/> is given them.</summary>
    /// <param name="root">The folder, with all links in its path resolved.</param>
    public Func<string, bool> Within(string root)
    {
        int start = System.IO.Path.TrimEndingDirectorySeparator(root).Length + 1;
        return path => path.Length > start && Exclude(path[start..].Replace(System.IO.Path.DirectorySeparatorChar, '/'));
    }

    /// <summary>True if a pattern means this path itself.</summary>
    /// <param name="relative">The path in the folder, with slashes.</param>
    public bool Matches(string relative)
    {
        string name = relative[(relative.LastIndexOf('/') + 1)..];
        return _names.Exists(pattern => pattern.IsMatch(name)) || _paths.Exists(pattern => pattern.IsMatch(relative));
    }

    // Bytes in the form \xe9.
    private static byte[] BytesAt(string pattern, int at)
    {
        var bytes = new List<byte>();
        while (!OperatingSystem.IsWindows() && at + ByteText <= pattern.Length && pattern[at] == '\\' && pattern[at + 1] == 'x'
            && byte.TryParse(pattern.AsSpan(at + 2, 2), System.Globalization.NumberStyles.AllowHexSpecifier, System.Globalization.CultureInfo.InvariantCulture, out byte value) && value >= 0x80)
        {
            bytes.Add(value);
            at += ByteText;
        }

        return [.. bytes];
    }

    private static Regex ToRegex(string pattern)
    {
        var text = new StringBuilder("^");
        for (int i = 0; i < pattern.Length; i++)
        {
            if (BytesAt(pattern, i) is { Length: > 0 } bytes)
            {
                // As a message shows it, or as a name has it that is written so.
                string written = pattern.Substring(i, bytes.Length * ByteText);
                text.Append("(?:").Append(Regex.Escape(RawName.Decode(bytes))).Append('|').Append(Regex.Escape(written)).Append(')');
                i += written.Length - 1;
            }
            else if (pattern[i] == '*' && i + 1 < pattern.Length && pattern[i + 1] == '*')
            {
                bool isFolders = i + 2 < pattern.Length && pattern[i + 2] == '/';
                text.Append(isFolders ? "(?:.*/)?" : ".*");
                i += isFolders ? 2 : 1;
            }
            else
            {
                text.Append(pattern[i] switch { '*' => "[^/]*", '?' => "[^/]", var other => Regex.Escape(other.ToString()) });
            }
        }

        RegexOptions cases = OperatingSystem.IsLinux() ? RegexOptions.None : RegexOptions.IgnoreCase;
        // Without backtracking, whatever the pattern.
        return new Regex(text.Append('$').ToString(), RegexOptions.CultureInvariant | RegexOptions.Singleline | RegexOptions.NonBacktracking | cases);
    }
}
