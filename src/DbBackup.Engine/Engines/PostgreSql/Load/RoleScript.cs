using System.Text;
using System.Text.RegularExpressions;
using DbBackup.Engine.Engines.PostgreSql.Text;

namespace DbBackup.Engine.Engines.PostgreSql.Load;

/// <summary>Takes the statements about some roles out of what <c>pg_dumpall --globals-only</c> wrote; roles that exist stay as they are.</summary>
internal static partial class RoleScript
{
    /// <summary>The roles that a script creates.</summary>
    public static IReadOnlyList<string> Roles(string globals) =>
        [.. Creation().Matches(globals).Select(match => QuotedName.Unquote(match.Groups[1].Value))];

    /// <summary>The statements that create roles, with their settings and memberships.</summary>
    /// <param name="globals">The whole script.</param>
    /// <param name="roles">The roles to create.</param>
    public static string For(string globals, IReadOnlyCollection<string> roles)
    {
        var sql = new StringBuilder();
        foreach (string raw in globals.Split('\n'))
        {
            string line = raw.TrimEnd('\r');
            Match match = Statement().Match(line);
            if (match.Success && roles.Contains(QuotedName.Unquote(match.Groups[1].Value)))
                sql.Append(line).Append('\n');
        }

        return sql.ToString();
    }

    [GeneratedRegex("^CREATE ROLE (\"(?:[^\"]|\"\")+\"|[^\\s;\"]+);\\r?$", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex Creation();

    // Memberships: of "GRANT a TO b" it is b that is created here; a exists, or is created before (pg_dumpall writes all roles first).
    [GeneratedRegex("^(?:CREATE ROLE|ALTER ROLE|COMMENT ON ROLE|GRANT (?:\"(?:[^\"]|\"\")+\"|[^\\s;\"]+) TO) (\"(?:[^\"]|\"\")+\"|[^\\s;\"]+)[ ;].*", RegexOptions.CultureInvariant)]
    private static partial Regex Statement();
}
