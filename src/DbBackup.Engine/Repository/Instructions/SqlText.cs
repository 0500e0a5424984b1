using System.Text;

namespace DbBackup.Engine.Repository.Instructions;

/// <summary>Names and values as PostgreSQL and its programs want them.</summary>
internal static class SqlText
{
    // NAMEDATALEN less the closing zero byte: https://www.postgresql.org/docs/current/limits.html
    private const int LongestName = 63;

    /// <summary>A name, always in quotes.</summary>
    public static string Name(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    /// <summary>A text; backslashes are plain signs, as they are with standard_conforming_strings.</summary>
    public static string Literal(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    /// <summary>A database's name with an ending, short enough for the server.</summary>
    public static string WithEnding(string name, string ending)
    {
        while (Encoding.UTF8.GetByteCount(name) + ending.Length > LongestName)
            name = name[..^(char.IsLowSurrogate(name[^1]) ? 2 : 1)];
        return name + ending;
    }

    /// <summary>The option <c>-d</c> of psql and pg_restore, which take a name with <c>=</c> in it, or a URI, for a connection string.</summary>
    public static string Database(string name) => name.Contains('=', StringComparison.Ordinal) || name.Contains("://", StringComparison.Ordinal)
        ? "-d " + ShellText.Quote($"dbname='{name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}'")
        : "-d " + ShellText.Quote(name);

    /// <summary>One statement run by psql in a database that is not the one it is about.</summary>
    public static string Run(string statement, string about) =>
        $"psql -X -v ON_ERROR_STOP=1 -d {(about == "postgres" ? "template1" : "postgres")} -c {ShellText.Quote(statement)}";

    /// <summary>The statement that renames a database.</summary>
    public static string Rename(string from, string to) => $"ALTER DATABASE {Name(from)} RENAME TO {Name(to)}";
}
