using System.Text;
using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Engine.Engines.PostgreSql.Facts;

/// <summary>What belongs to a database itself and not to anything in it, which pg_restore only gives back together with the name.</summary>
internal static class DatabaseProperties
{
    // Their values are lists of names that are quoted already; as one literal they would be one name. The list is pg_dump's own
    // (variable_is_guc_list_quote in dumputils.c).
    private static readonly string[] s_lists = ["local_preload_libraries", "search_path", "session_preload_libraries", "shared_preload_libraries", "temp_tablespaces", "unix_socket_directories"];

    /// <summary>True if the value of a parameter is a list of names.</summary>
    public static bool IsList(string parameter) => s_lists.Contains(parameter, StringComparer.OrdinalIgnoreCase);

    /// <summary>The statements that give a database the properties of another.</summary>
    /// <param name="name">The database that gets them.</param>
    /// <param name="info">The properties.</param>
    /// <param name="roleExists">True if a role is there; what concerns others is left out.</param>
    public static string Statements(string name, DatabaseInfo info, Func<string, bool> roleExists)
    {
        string target = PostgreSqlSession.Quote(name);
        var sql = new StringBuilder();
        if (info.ConnectionLimit >= 0)
            sql.Append(System.Globalization.CultureInfo.InvariantCulture, $"ALTER DATABASE {target} CONNECTION LIMIT {info.ConnectionLimit};\n");
        if (info.Comment is { } comment)
            sql.Append(System.Globalization.CultureInfo.InvariantCulture, $"COMMENT ON DATABASE {target} IS {PostgreSqlSession.Literal(comment)};\n");
        foreach (DatabaseSetting setting in info.Settings.Where(setting => setting.Role is null || roleExists(setting.Role)))
        {
            string value = IsList(setting.Name) && setting.Value.Length > 0 ? setting.Value : PostgreSqlSession.Literal(setting.Value);
            sql.Append(setting.Role is null ? $"ALTER DATABASE {target}" : $"ALTER ROLE {PostgreSqlSession.Quote(setting.Role)} IN DATABASE {target}")
                .Append(System.Globalization.CultureInfo.InvariantCulture, $" SET {PostgreSqlSession.Quote(setting.Name).Replace(".", "\".\"", StringComparison.Ordinal)} TO {value};\n");
        }

        if (info.Grants is not { } grants)
            return sql.ToString();
        sql.Append(System.Globalization.CultureInfo.InvariantCulture, $"REVOKE ALL ON DATABASE {target} FROM PUBLIC;\n");
        foreach (DatabaseGrant grant in grants.Where(grant => grant.Role is null || roleExists(grant.Role)))
        {
            sql.Append(System.Globalization.CultureInfo.InvariantCulture, $"GRANT {grant.Privilege} ON DATABASE {target} TO {(grant.Role is null ? "PUBLIC" : PostgreSqlSession.Quote(grant.Role))}");
            sql.Append(grant.IsGrantable ? " WITH GRANT OPTION;\n" : ";\n");
        }

        return sql.ToString();
    }
}
