namespace DbBackup.Engine.Engines.PostgreSql.Dump;

/// <summary>The kinds of entry that pg_dump writes into an archive's table of contents.</summary>
internal static class ArchiveKinds
{
    // The descriptions that pg_dump.c (15, and what 17 and 18 added) gives to ArchiveEntry. Kinds of one word need no mention.
    private static readonly string[] SeveralWords =
    [
        "ACCESS METHOD", "BLOB COMMENTS", "BLOB METADATA", "CHECK CONSTRAINT", "DATABASE PROPERTIES", "DEFAULT ACL", "EVENT TRIGGER",
        "FK CONSTRAINT", "FOREIGN DATA WRAPPER", "FOREIGN TABLE", "INDEX ATTACH", "LARGE OBJECT", "MATERIALIZED VIEW", "MATERIALIZED VIEW DATA",
        "OPERATOR CLASS", "OPERATOR FAMILY", "PROCEDURAL LANGUAGE", "PUBLICATION TABLE", "PUBLICATION TABLES IN SCHEMA", "ROW SECURITY",
        "SECURITY LABEL", "SEQUENCE OWNED BY", "SEQUENCE SET", "SHELL TYPE", "STATISTICS DATA", "SUBSCRIPTION TABLE", "TABLE ATTACH", "TABLE DATA",
        "TEXT SEARCH CONFIGURATION", "TEXT SEARCH DICTIONARY", "TEXT SEARCH PARSER", "TEXT SEARCH TEMPLATE", "USER MAPPING",
    ];

    private static readonly string[] LongestFirst = [.. SeveralWords.OrderByDescending(kind => kind.Length)];

    /// <summary>Takes the kind off the front of what follows the object's number.</summary>
    public static string Of(string text)
    {
        foreach (string kind in LongestFirst)
        {
            if (text.StartsWith(kind, StringComparison.Ordinal) && text.Length > kind.Length && text[kind.Length] == ' ')
                return kind;
        }

        // FOREIGN SERVER is written as SERVER; a kind of a later version is one word, until it is entered above.
        int end = text.IndexOf(' ', StringComparison.Ordinal);
        return end < 0 ? text : text[..end];
    }
}
