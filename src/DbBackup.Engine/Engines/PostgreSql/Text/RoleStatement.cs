using System.Globalization;
using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Engine.Engines.PostgreSql.Text;

/// <summary>
/// A statement about a role, of one of the forms that pg_dumpall writes. It is written anew from what was understood, so that nothing but
/// that reaches a server, whatever the role's names, settings and comments hold.
/// </summary>
/// <param name="Role">The role, without quotes; of a membership the role that becomes a member.</param>
/// <param name="Sql">The statement, without a semicolon.</param>
/// <param name="Creates">True if it creates the role.</param>
/// <param name="Power">What it lets the role do beyond its own data; null for nothing.</param>
internal sealed record RoleStatement(string Role, string Sql, bool Creates = false, string? Power = null)
{
    private static readonly HashSet<string> s_attributes = new(StringComparer.OrdinalIgnoreCase)
    {
        "SUPERUSER", "NOSUPERUSER", "INHERIT", "NOINHERIT", "CREATEROLE", "NOCREATEROLE", "CREATEDB", "NOCREATEDB", "LOGIN", "NOLOGIN",
        "REPLICATION", "NOREPLICATION", "BYPASSRLS", "NOBYPASSRLS",
    };

    // Members of these reach files and programs of the server: https://www.postgresql.org/docs/current/predefined-roles.html
    private static readonly string[] s_powerful = ["pg_execute_server_program", "pg_read_server_files", "pg_write_server_files"];

    /// <summary>Reads a whole statement with its semicolon.</summary>
    /// <param name="text">The statement.</param>
    /// <returns>What it says; null if it is of no known form.</returns>
    public static RoleStatement? Read(string text)
    {
        var tokens = new StatementTokens(text);
        RoleStatement? statement = null;
        if (tokens.Take("CREATE"))
            statement = tokens.Take("ROLE") && tokens.Name() is { } created ? new RoleStatement(created, $"CREATE ROLE {PostgreSqlSession.Quote(created)}", Creates: true) : null;
        else if (tokens.Take("COMMENT"))
            statement = tokens.Take("ON") && tokens.Take("ROLE") ? Comment(ref tokens) : null;
        else if (tokens.Take("GRANT"))
            statement = ParameterPrivileges(ref tokens) ?? Membership(ref tokens);
        else if (tokens.Take("ALTER") && tokens.Take("ROLE") && tokens.Name() is { } altered)
            statement = tokens.Take("SET") ? Setting(ref tokens, altered) : Attributes(ref tokens, altered);
        return statement is not null && tokens.AtEnd() ? statement : null;
    }

    private static RoleStatement? Comment(ref StatementTokens tokens)
    {
        if (tokens.Name() is not { } role || !tokens.Take("IS") || tokens.Literal() is not { } comment)
            return null;
        return new RoleStatement(role, $"COMMENT ON ROLE {PostgreSqlSession.Quote(role)} IS {PostgreSqlSession.Literal(comment)}");
    }

    // GRANT SET, ALTER SYSTEM ON PARAMETER work_mem TO ann WITH GRANT OPTION; a role may have one of these words as its name, so that all is read first.
    private static RoleStatement? ParameterPrivileges(ref StatementTokens tokens)
    {
        StatementTokens ahead = tokens;
        var privileges = new List<string>();
        do
        {
            if (ahead.OneOf("SET", "ALL", "ALTER") is not { } privilege || (privilege == "ALTER" && !ahead.Take("SYSTEM")))
                return null;
            privileges.Add(privilege == "ALTER" ? "ALTER SYSTEM" : privilege);
        }
        while (ahead.Take(","));
        if (!ahead.Take("ON") || !ahead.Take("PARAMETER") || ahead.Name() is not { } parameter || !ahead.Take("TO") || ahead.Name() is not { } role)
            return null;
        string sql = $"GRANT {string.Join(", ", privileges)} ON PARAMETER {PostgreSqlSession.Quote(parameter)} TO {PostgreSqlSession.Quote(role)}";
        if (ahead.Take("WITH"))
        {
            if (!ahead.Take("GRANT") || !ahead.Take("OPTION"))
                return null;
            sql += " WITH GRANT OPTION";
        }

        tokens = ahead;
        return new RoleStatement(role, sql, Power: $"one who may set '{parameter}'");
    }

    // GRANT team TO ann WITH ADMIN OPTION, INHERIT FALSE, SET TRUE GRANTED BY postgres;
    private static RoleStatement? Membership(ref StatementTokens tokens)
    {
        if (tokens.Name() is not { } team || !tokens.Take("TO") || tokens.Name() is not { } member)
            return null;
        string sql = $"GRANT {PostgreSqlSession.Quote(team)} TO {PostgreSqlSession.Quote(member)}";
        if (tokens.Take("WITH"))
        {
            string separator = " WITH ";
            do
            {
                if (tokens.OneOf("ADMIN", "INHERIT", "SET") is not { } option || tokens.OneOf("OPTION", "TRUE", "FALSE") is not { } value)
                    return null;
                sql += $"{separator}{option} {value}";
                separator = ", ";
            }
            while (tokens.Take(","));
        }

        if (tokens.Take("GRANTED"))
        {
            if (!tokens.Take("BY") || tokens.Name() is not { } grantor)
                return null;
            sql += $" GRANTED BY {PostgreSqlSession.Quote(grantor)}";
        }

        return new RoleStatement(member, sql, Power: s_powerful.Contains(team) ? "a member of " + team : null);
    }

    // pg_dumpall writes every value as a literal, and several for a list of names; before 2018 it wrote such lists as they are.
    private static RoleStatement? Setting(ref StatementTokens tokens, string role)
    {
        if (tokens.Name() is not { } parameter || !(tokens.Take("TO") || tokens.Take("=")))
            return null;
        var values = new List<string>();
        do
        {
            if ((tokens.Literal() ?? tokens.Name()) is not { } value)
                return null;
            values.Add(PostgreSqlSession.Literal(value));
        }
        while (tokens.Take(","));
        return new RoleStatement(role, $"ALTER ROLE {PostgreSqlSession.Quote(role)} SET {PostgreSqlSession.Quote(parameter)} TO {string.Join(", ", values)}");
    }

    private static RoleStatement? Attributes(ref StatementTokens tokens, string role)
    {
        string sql = $"ALTER ROLE {PostgreSqlSession.Quote(role)} WITH";
        string? power = null;
        tokens.Take("WITH");
        while (!tokens.IsAtSemicolon)
        {
            if (tokens.OneOf(s_attributes) is { } attribute)
            {
                sql += " " + attribute;
                power = attribute == "SUPERUSER" ? "a superuser" : power;
            }
            else if (tokens.Take("CONNECTION") && tokens.Take("LIMIT") && tokens.Number() is { } limit)
            {
                sql += string.Create(CultureInfo.InvariantCulture, $" CONNECTION LIMIT {limit}");
            }
            else if (tokens.Take("PASSWORD") && tokens.Literal() is { } password)
            {
                sql += " PASSWORD " + PostgreSqlSession.Literal(password);
            }
            else if (tokens.Take("VALID") && tokens.Take("UNTIL") && tokens.Literal() is { } moment)
            {
                sql += " VALID UNTIL " + PostgreSqlSession.Literal(moment);
            }
            else
            {
                return null;
            }
        }

        return new RoleStatement(role, sql, Power: power);
    }
}
