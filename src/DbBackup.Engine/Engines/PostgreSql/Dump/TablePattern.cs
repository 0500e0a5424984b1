using System.IO.Enumeration;
using DbBackup.Engine.Engines.PostgreSql.Text;

namespace DbBackup.Engine.Engines.PostgreSql.Dump;

/// <summary>
/// A table's name as a person writes it: <c>orders</c>, <c>public.orders</c>, <c>"Odd Name"</c>, with <c>*</c> and <c>?</c> outside of quotes.
/// Without quotes it also fits the name in lower case, as in SQL; <c>Album</c> fits "Album" and album.
/// </summary>
internal sealed class TablePattern
{
    private readonly (string Text, bool IsQuoted)[] _parts;

    private TablePattern((string Text, bool IsQuoted)[] parts) => _parts = parts;

    /// <summary>Reads one name.</summary>
    /// <param name="pattern">The text.</param>
    /// <param name="mostParts">2 for a table, 1 for a schema.</param>
    /// <exception cref="BackupFailure">It is none.</exception>
    public static TablePattern Parse(string pattern, int mostParts)
    {
        var parts = new List<(string Text, bool IsQuoted)>();
        for (int at = 0; at <= pattern.Length; at++)
        {
            bool quoted = at < pattern.Length && pattern[at] == '"';
            int end = quoted ? EndOfQuotes(pattern, at) : pattern.IndexOf('.', at);
            if (!quoted && end < 0)
                end = pattern.Length;
            string text = end < at ? string.Empty : pattern[at..end];
            // pg_restore lists a name with its line ends as blanks.
            parts.Add((QuotedName.Unquote(text).Replace('\n', ' ').Replace('\r', ' '), quoted));
            at = end;
            if (text.Length == 0 || parts.Count > mostParts || (at < pattern.Length && pattern[at] != '.'))
                throw Invalid(pattern, mostParts);
        }

        return new TablePattern([.. parts]);
    }

    /// <summary>True if it names this schema.</summary>
    public bool FitsSchema(string schema) => Fits(_parts[0], schema);

    /// <summary>True if it names this table.</summary>
    public bool FitsTable(string schema, string name) => Fits(_parts[^1], name) && (_parts.Length == 1 || Fits(_parts[0], schema));

    private static bool Fits((string Text, bool IsQuoted) part, string name) => part.IsQuoted
        ? part.Text == name
        : FileSystemName.MatchesSimpleExpression(Literal(part.Text), name, ignoreCase: false)
            || FileSystemName.MatchesSimpleExpression(Literal(part.Text.ToLowerInvariant()), name, ignoreCase: false);

    // A backslash would take the meaning off a wildcard.
    private static string Literal(string text) => text.Replace("\\", "\\\\", StringComparison.Ordinal);

    private static int EndOfQuotes(string pattern, int start)
    {
        for (int at = start + 1; at < pattern.Length; at++)
        {
            if (pattern[at] != '"')
                continue;
            if (at + 1 == pattern.Length || pattern[at + 1] != '"')
                return at + 1;
            at++;
        }

        return -1;
    }

    private static BackupFailure Invalid(string pattern, int mostParts) => new(
        ErrorCodes.InvalidName,
        FailureCategory.InvalidArgument,
        $"'{pattern}' is not the name of a {(mostParts == 1 ? "schema" : "table")}.",
        mostParts == 1 ? "Write sales, or \"Odd Name\" with its quotes." : "Write orders, sales.orders, or sales.\"Odd Name\" with its quotes.")
    { Target = pattern };
}
