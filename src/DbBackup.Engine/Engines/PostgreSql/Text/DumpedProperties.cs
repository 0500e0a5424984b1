using System.Globalization;
using DbBackup.Engine.Engines.PostgreSql.Facts;

namespace DbBackup.Engine.Engines.PostgreSql.Text;

/// <summary>Reads the statements about a database as a whole, as pg_dump writes them, back into what they say.</summary>
internal static class DumpedProperties
{
    /// <summary>Adds what a script says of its database.</summary>
    public static DatabaseInfo Apply(DatabaseInfo info, DumpallDatabase database)
    {
        if (database.Options.TryGetValue("CONNECTION LIMIT", out string? limit))
            info = info with { ConnectionLimit = Number(limit) };
        var settings = new List<DatabaseSetting>();
        List<DatabaseGrant>? grants = null;
        foreach (DatabaseStatementTail statement in database.DatabaseSettings)
        {
            if (statement.After.StartsWith(" CONNECTION LIMIT", StringComparison.Ordinal))
                info = info with { ConnectionLimit = Number(statement.After.Trim(';').Split(' ', '=')[^1]) };
            else if (statement.Before.StartsWith("COMMENT ON", StringComparison.Ordinal) && statement.After.StartsWith(" IS ", StringComparison.Ordinal))
                info = info with { Comment = Literal(statement.After[" IS ".Length..]) };
            else if (statement.After.StartsWith(" SET ", StringComparison.Ordinal) && SettingOf(statement) is { } setting)
                settings.Add(setting);
            else if (statement.Before.StartsWith("GRANT ", StringComparison.Ordinal))
                Grant(grants ??= Default(info.Owner), statement);
            else if (statement.Before.StartsWith("REVOKE ", StringComparison.Ordinal))
                Revoke(grants ??= Default(info.Owner), statement);
        }

        return info with { Settings = settings, Grants = grants };
    }

    private static int Number(string text) => int.TryParse(text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) ? number : -1;

    // ALTER DATABASE shop SET "TimeZone" TO 'UTC';  ALTER ROLE reader IN DATABASE shop SET search_path TO 'public', 'sales';
    private static DatabaseSetting? SettingOf(DatabaseStatementTail statement)
    {
        string[] parts = statement.After[" SET ".Length..].Split(" TO ", 2);
        if (parts.Length < 2)
            return null;
        string? role = null;
        if (!statement.Before.StartsWith("ALTER DATABASE", StringComparison.Ordinal))
        {
            ReadOnlySpan<char> rest = statement.Before;
            QuotedName.Next(ref rest);
            QuotedName.Next(ref rest);
            role = QuotedName.Unquote(QuotedName.Next(ref rest));
        }

        // Names of parameters have no quotes in them; lists keep those of their items.
        string name = parts[0].Replace("\"", string.Empty, StringComparison.Ordinal);
        string value = parts[1].TrimEnd(';', ' ');
        return new DatabaseSetting(name, DatabaseProperties.IsList(name) ? value : Literal(value), role);
    }

    // 'it''s' or, where there is a backslash in it, E'C:\\data'.
    private static string Literal(string text)
    {
        text = text.TrimEnd(';', ' ');
        return text.StartsWith("E'", StringComparison.Ordinal)
            ? QuotedName.Unquote(text[1..]).Replace(@"\\", @"\", StringComparison.Ordinal)
            : QuotedName.Unquote(text);
    }

    // https://www.postgresql.org/docs/current/ddl-priv.html: what a database has before anything is granted or revoked.
    private static List<DatabaseGrant> Default(string? owner) =>
    [
        new DatabaseGrant("CONNECT", false),
        new DatabaseGrant("TEMPORARY", false),
        .. owner is null ? [] : Privileges("ALL").Select(privilege => new DatabaseGrant(privilege, false, owner)),
    ];

    private static string[] Privileges(string list) => list.StartsWith("ALL", StringComparison.Ordinal)
        ? ["CONNECT", "CREATE", "TEMPORARY"]
        : [.. list.Split(',').Select(privilege => privilege.Trim() is "TEMP" ? "TEMPORARY" : privilege.Trim())];

    private static (string[] Privileges, string? Role) Read(DatabaseStatementTail statement, string verb, string direction)
    {
        string list = statement.Before[verb.Length..].Split(" ON ")[0].Trim();
        ReadOnlySpan<char> rest = statement.After.AsSpan(statement.After.IndexOf(direction, StringComparison.Ordinal) + direction.Length);
        string role = QuotedName.Next(ref rest);
        return (Privileges(list), role == "PUBLIC" ? null : QuotedName.Unquote(role));
    }

    private static void Grant(List<DatabaseGrant> grants, DatabaseStatementTail statement)
    {
        (string[] privileges, string? role) = Read(statement, "GRANT ", " TO ");
        bool grantable = statement.After.Contains(" WITH GRANT OPTION", StringComparison.Ordinal);
        grants.RemoveAll(grant => grant.Role == role && privileges.Contains(grant.Privilege));
        grants.AddRange(privileges.Select(privilege => new DatabaseGrant(privilege, grantable, role)));
    }

    private static void Revoke(List<DatabaseGrant> grants, DatabaseStatementTail statement)
    {
        (string[] privileges, string? role) = Read(statement, "REVOKE ", " FROM ");
        grants.RemoveAll(grant => grant.Role == role && privileges.Contains(grant.Privilege));
    }
}
