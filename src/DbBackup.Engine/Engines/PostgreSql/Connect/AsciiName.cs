using System.Globalization;
using System.Text;

namespace DbBackup.Engine.Engines.PostgreSql.Connect;

/// <summary>Names in the SQL of sessions that may have another encoding than UTF-8.</summary>
internal static class AsciiName
{
    /// <summary>
    /// A name as SQL needs it, with ASCII alone. Names with other letters are always quoted, and in U&amp;"…" these are written by number
    /// (https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS-UESCAPE). A database without an encoding
    /// (SQL_ASCII) refuses that, and takes the bytes as they come.
    /// </summary>
    /// <param name="session">The session that it is for.</param>
    /// <param name="quoted">One or several names, quoted where they need it.</param>
    public static string Of(PostgreSqlSession session, string quoted)
    {
        if (Ascii.IsValid(quoted) || session.ServerEncoding == "SQL_ASCII")
            return quoted;
        var sql = new StringBuilder();
        bool inside = false;
        foreach (Rune rune in quoted.EnumerateRunes())
        {
            if (rune.Value == '"')
            {
                // A quote within a name is two, which end it and begin it again: the second one gets no prefix.
                sql.Append(!inside && (sql.Length == 0 || sql[^1] != '"') ? "U&\"" : "\"");
                inside = !inside;
            }
            else if (rune.Value == '\\')
            {
                sql.Append("\\\\");
            }
            else if (rune.IsAscii)
            {
                sql.Append((char)rune.Value);
            }
            else
            {
                sql.Append(CultureInfo.InvariantCulture, $"\\+{rune.Value:X6}");
            }
        }

        return sql.ToString();
    }
}
