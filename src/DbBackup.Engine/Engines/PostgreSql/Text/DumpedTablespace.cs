using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Engine.Engines.PostgreSql.Text;

/// <summary>A tablespace that a script of pg_dumpall creates.</summary>
/// <param name="Name">Its name, without quotes.</param>
/// <param name="Owner">The role that owns it.</param>
/// <param name="Location">Its folder on the server.</param>
internal sealed record DumpedTablespace(string Name, string Owner, string Location)
{
    // The one privilege on a tablespace is CREATE, which pg_dumpall writes as ALL.
    private static readonly string[] s_privileges = ["ALL", "CREATE"];

    /// <summary>The statements for its options, privileges and comment, without semicolons, written anew from what was understood of them.</summary>
    public IReadOnlyList<string> Statements { get; init; } = [];

    /// <summary>Reads a whole statement that creates a tablespace, as pg_dumpall writes it.</summary>
    /// <param name="text">The statement.</param>
    /// <returns>The tablespace; null if it is of another form.</returns>
    public static DumpedTablespace? Read(string text)
    {
        var tokens = new StatementTokens(text);
        return tokens.Take("CREATE") && tokens.Take("TABLESPACE") && tokens.Name() is { } name && tokens.Take("OWNER") && tokens.Name() is { } owner
            && tokens.Take("LOCATION") && tokens.Literal() is { Length: > 0 } location && tokens.AtEnd() ? new DumpedTablespace(name, owner, location) : null;
    }

    /// <summary>Reads a whole statement about the options, privileges or comment of a tablespace.</summary>
    /// <param name="text">The statement.</param>
    /// <returns>The tablespace's name and the statement; null if it is of another form.</returns>
    public static (string Name, string Sql)? ReadStatement(string text)
    {
        var tokens = new StatementTokens(text);
        (string Name, string Sql)? statement = tokens.OneOf("ALTER", "GRANT", "REVOKE", "COMMENT") switch
        {
            "ALTER" => Options(ref tokens),
            "GRANT" => Privileges(ref tokens, "GRANT", "TO"),
            "REVOKE" => Privileges(ref tokens, "REVOKE", "FROM"),
            "COMMENT" => tokens.Take("ON") && tokens.Take("TABLESPACE") && tokens.Name() is { } name && tokens.Take("IS") && tokens.Literal() is { } comment
                ? (name, $"COMMENT ON TABLESPACE {PostgreSqlSession.Quote(name)} IS {PostgreSqlSession.Literal(comment)}") : null,
            _ => null,
        };
        return tokens.AtEnd() ? statement : null;
    }

    // ALTER TABLESPACE fast SET (random_page_cost=1.1, seq_page_cost=0.9);
    private static (string Name, string Sql)? Options(ref StatementTokens tokens)
    {
        if (!tokens.Take("TABLESPACE") || tokens.Name() is not { } name || !tokens.Take("SET") || !tokens.Take("("))
            return null;
        var options = new List<string>();
        do
        {
            if (tokens.Name() is not { } option || !tokens.Take("=") || (tokens.Literal() ?? tokens.Name()) is not { } value)
                return null;
            options.Add($"{PostgreSqlSession.Quote(option)} = {PostgreSqlSession.Literal(value)}");
        }
        while (tokens.Take(","));
        return tokens.Take(")") ? (name, $"ALTER TABLESPACE {PostgreSqlSession.Quote(name)} SET ({string.Join(", ", options)})") : null;
    }

    // GRANT ALL ON TABLESPACE fast TO ann WITH GRANT OPTION;
    private static (string Name, string Sql)? Privileges(ref StatementTokens tokens, string verb, string preposition)
    {
        if (tokens.OneOf(s_privileges) is not { } privilege || !tokens.Take("ON") || !tokens.Take("TABLESPACE") || tokens.Name() is not { } name || !tokens.Take(preposition))
            return null;
        // No role can have that name in lower case.
        string? role = tokens.Take("PUBLIC") ? "PUBLIC" : tokens.Name() is { } named ? PostgreSqlSession.Quote(named) : null;
        if (role is null)
            return null;
        string sql = $"{verb} {privilege} ON TABLESPACE {PostgreSqlSession.Quote(name)} {preposition} {role}";
        if (verb != "GRANT" || !tokens.Take("WITH"))
            return (name, sql);
        return tokens.Take("GRANT") && tokens.Take("OPTION") ? (name, sql + " WITH GRANT OPTION") : null;
    }
}
