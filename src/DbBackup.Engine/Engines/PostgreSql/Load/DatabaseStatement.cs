using System.Text;
using DbBackup.Engine.Engines.PostgreSql.Text;

namespace DbBackup.Engine.Engines.PostgreSql.Load;

internal enum DatabaseStatementKind
{
    /// <summary>Of the content: a table, a setting of the session, and so on.</summary>
    Content,
    Create,
    Drop,
    Owner,

    /// <summary>Anything else about a database as a whole.</summary>
    Setting,

    /// <summary>Of a cluster's catalogue, such as the mark that a database is a template.</summary>
    Catalog,
}

/// <summary>Tells the statements about a database as a whole from those about its content.</summary>
/// <param name="Kind">Which of them it is.</param>
/// <param name="Name">The database's name as it is quoted; empty for content.</param>
/// <param name="Before">The text before the name.</param>
/// <param name="After">The text after it.</param>
internal readonly record struct DatabaseStatement(DatabaseStatementKind Kind, string Name, string Before, string After)
{
    private static readonly DatabaseStatement Content = new(DatabaseStatementKind.Content, string.Empty, string.Empty, string.Empty);

    public static DatabaseStatement Read(ReadOnlySpan<byte> bytes)
    {
        if (!CanBeOfDatabase(bytes))
            return Content;
        string text = DumpText.Decode(bytes);
        ReadOnlySpan<char> rest = text;
        string verb = QuotedName.Next(ref rest);
        string second = QuotedName.Next(ref rest);
        switch (verb)
        {
            case "CREATE" when second == "DATABASE":
                return At(text, rest, DatabaseStatementKind.Create);
            case "ALTER" when second == "DATABASE":
                DatabaseStatement statement = At(text, rest, DatabaseStatementKind.Setting);
                return statement.After.StartsWith(" OWNER TO ", StringComparison.Ordinal) ? statement with { Kind = DatabaseStatementKind.Owner } : statement;
            case "DROP" when second == "DATABASE":
                return At(text, AfterWords(rest, "IF", "EXISTS"), DatabaseStatementKind.Drop);
            case "UPDATE" when second == "pg_catalog.pg_database":
                return Content with { Kind = DatabaseStatementKind.Catalog };
            case "COMMENT" when second == "ON" && QuotedName.Next(ref rest) == "DATABASE":
                return At(text, rest, DatabaseStatementKind.Setting);
            case "ALTER" when second is "ROLE" or "USER":
                QuotedName.Next(ref rest);
                return QuotedName.Next(ref rest) == "IN" && QuotedName.Next(ref rest) == "DATABASE" ? At(text, rest, DatabaseStatementKind.Setting) : Content;
            case "GRANT" or "REVOKE" or "SECURITY":
                // The first ON outside of quotes is followed by the kind of object.
                for (string token = second; token.Length > 0 && token != ";"; token = QuotedName.Next(ref rest))
                {
                    if (token == "ON")
                        return QuotedName.Next(ref rest) == "DATABASE" ? At(text, rest, DatabaseStatementKind.Setting) : Content;
                }

                return Content;
            default:
                return Content;
        }
    }

    /// <summary>The key words and values after <c>CREATE DATABASE name WITH</c>.</summary>
    public Dictionary<string, string> Options()
    {
        var options = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        ReadOnlySpan<char> rest = After;
        var key = new StringBuilder();
        for (string token = QuotedName.Next(ref rest); token.Length > 0 && token != ";"; token = QuotedName.Next(ref rest))
        {
            if (token == "=")
            {
                options[key.ToString()] = QuotedName.Unquote(QuotedName.Next(ref rest));
                key.Clear();
            }
            else if (token != "WITH")
            {
                // CONNECTION LIMIT = 5
                key.Append(key.Length == 0 ? string.Empty : " ").Append(token);
            }
        }

        return options;
    }

    // Spares the decoding of every INSERT.
    private static bool CanBeOfDatabase(ReadOnlySpan<byte> text) =>
        (text.StartsWith("CREATE DATABASE "u8) || text.StartsWith("ALTER DATABASE "u8) || text.StartsWith("ALTER ROLE "u8)
            || text.StartsWith("ALTER USER "u8) || text.StartsWith("DROP DATABASE "u8) || text.StartsWith("COMMENT ON DATABASE "u8)
            || text.StartsWith("GRANT "u8) || text.StartsWith("REVOKE "u8) || text.StartsWith("SECURITY LABEL "u8)
            || text.StartsWith("UPDATE pg_catalog.pg_database "u8));

    private static ReadOnlySpan<char> AfterWords(ReadOnlySpan<char> text, params ReadOnlySpan<string> words)
    {
        ReadOnlySpan<char> rest = text;
        foreach (string word in words)
        {
            if (QuotedName.Next(ref rest) != word)
                return text;
        }

        return rest;
    }

    private static DatabaseStatement At(string text, ReadOnlySpan<char> rest, DatabaseStatementKind kind)
    {
        string name = QuotedName.Next(ref rest);
        string after = rest.ToString();
        return new DatabaseStatement(kind, name, text[..(text.Length - after.Length - name.Length)], after);
    }
}
