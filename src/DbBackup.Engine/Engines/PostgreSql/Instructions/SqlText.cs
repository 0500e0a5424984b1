using DbBackup.Engine.Engines.Instructions;
using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Engine.Engines.PostgreSql.Instructions;

/// <summary>Statements about databases as psql runs them.</summary>
internal static class SqlText
{
    /// <summary>The option <c>-d</c> of psql and pg_restore, which take a name with <c>=</c> in it, or a URI, for a connection string.</summary>
    public static string Database(string name) => name.Contains('=', StringComparison.Ordinal) || name.Contains("://", StringComparison.Ordinal)
        ? "-d " + ShellText.Quote(PostgreSqlConnectionSettings.ToolDatabase(name))
        : "-d " + ShellText.Quote(name);

    /// <summary>One statement run by psql in a database that is not the one it is about.</summary>
    public static string Run(string statement, string about) =>
        $"psql -X -v ON_ERROR_STOP=1 -d {(about == "postgres" ? "template1" : "postgres")} -c {ShellText.Quote(statement)}";

    /// <summary>The statement that renames a database.</summary>
    public static string Rename(string from, string to) => $"ALTER DATABASE {PostgreSqlSession.Quote(from)} RENAME TO {PostgreSqlSession.Quote(to)}";
}
