using System.Text;

namespace DbBackup.Engine.Engines.PostgreSql.Text;

/// <summary>Reads the quotes that PostgreSQL's tools put around names and values.</summary>
internal static class QuotedName
{
    /// <summary>Takes one token from the front: a quoted name, a quoted value, a word, or a single sign.</summary>
    /// <param name="text">What is left of a statement; shortened by the token.</param>
    /// <returns>The token as it stands, with its quotes; empty at the end.</returns>
    public static string Next(ref ReadOnlySpan<char> text)
    {
        text = text.TrimStart();
        if (text.IsEmpty)
            return string.Empty;
        int length = 1;
        if (text[0] is '"' or '\'')
        {
            char quote = text[0];
            for (; length < text.Length; length++)
            {
                if (text[length] != quote)
                    continue;
                if (length + 1 == text.Length || text[length + 1] != quote)
                {
                    length++;
                    break;
                }

                length++;
            }
        }
        else if (IsWord(text[0]))
        {
            while (length < text.Length && IsWord(text[length]))
                length++;
        }

        string token = text[..length].ToString();
        text = text[length..];
        return token;
    }

    /// <summary>Takes the quotes off a name or value, if it has any: <c>"Odd ""Name"</c> becomes <c>Odd "Name</c>.</summary>
    public static string Unquote(string token) => token.Length > 1 && token[0] is '"' or '\'' && token[^1] == token[0]
        ? token[1..^1].Replace(new string(token[0], 2), token[..1], StringComparison.Ordinal)
        : token;

    /// <summary>Puts quotes around a name where it needs them. Key words are quoted too little: for messages, not for SQL.</summary>
    public static string Show(string name) =>
        name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(sign => char.IsAsciiLetterLower(sign) || char.IsAsciiDigit(sign) || sign == '_')
            ? name
            : Quote(name);

    /// <summary>Puts double quotes around a name.</summary>
    public static string Quote(string name) => new StringBuilder(name).Replace("\"", "\"\"").Insert(0, '"').Append('"').ToString();

    /// <summary>A name with its schema, with quotes around both whether they need them or not: <c>"public"."Album"</c>.</summary>
    /// <param name="qualified">The name as the server's quote_ident writes it: <c>public."Album"</c>.</param>
    public static string Always(string qualified) => Split(qualified) is var (schema, name) && schema.Length > 0 ? $"{Quote(schema)}.{Quote(name)}" : Quote(Unquote(qualified));

    /// <summary>The schema and the name, without quotes; the schema is empty if there is none.</summary>
    /// <param name="qualified">The name as the server's quote_ident writes it.</param>
    public static (string Schema, string Name) Split(string qualified)
    {
        int dot = 0;
        for (bool quoted = false; dot < qualified.Length && (quoted || qualified[dot] != '.'); dot++)
            quoted ^= qualified[dot] == '"';
        return dot == qualified.Length ? (string.Empty, Unquote(qualified)) : (Unquote(qualified[..dot]), Unquote(qualified[(dot + 1)..]));
    }

    private static bool IsWord(char sign) => char.IsLetterOrDigit(sign) || sign is '_' or '$' or '.' or '-';
}
