using System.Text.RegularExpressions;
using SQLitePCL;

namespace DbBackup.Engine.Engines.Sqlite;

/// <summary>
/// Stands in for the collations and functions that a schema names and only its application defines. With them every row can be read; what
/// depends on their results (the order of an index, a computed value) cannot be checked.
/// </summary>
internal sealed partial class SqliteStandIns
{
    // A schema has a few. A file that was made to keep us busy could name any number.
    private const int Most = 200;

    private readonly sqlite3 _database;
    private readonly List<string> _names = [];

    private SqliteStandIns(sqlite3 database) => _database = database;

    /// <summary>What has been stood in for, as in <c>collation unicase</c>.</summary>
    public IReadOnlyList<string> Names => _names;

    /// <summary>Asks for the collations by which indexes are ordered.</summary>
    public const string CollationsOfIndexes = "SELECT DISTINCT x.coll FROM sqlite_master m, pragma_index_list(m.name) l, pragma_index_xinfo(l.name) x WHERE m.type = 'table' AND upper(x.coll) NOT IN ('BINARY', 'NOCASE', 'RTRIM')";

    /// <summary>Prepares a connection that only reads: an index that is written in another order would be damaged.</summary>
    public static SqliteStandIns For(sqlite3 database) => new(database);

    /// <summary>Defines what a statement's failure says is missing.</summary>
    /// <returns>False if the failure says something else; true if the statement is worth another try.</returns>
    public bool TryDefine(string message)
    {
        if (Collation().Match(message) is { Success: true } collation)
            return DefineCollation(collation.Groups[1].Value);
        // Only schemas give this message. What a query asks for is "no such function", and stays an error.
        return Function().Match(message) is { Success: true } function
            && TryAdd("function ", function.Groups[1].Value, name => raw.sqlite3_create_function(
                _database, name, -1, raw.SQLITE_UTF8 | raw.SQLITE_DETERMINISTIC, null, (context, _, _) => raw.sqlite3_result_null(context)));
    }

    /// <summary>Defines a collation that is not the library's own.</summary>
    /// <returns>False if it was defined before.</returns>
    public bool DefineCollation(string name) =>
        TryAdd("collation ", name, each => raw.sqlite3_create_collation(_database, each, null, (_, left, right) => string.CompareOrdinal(left, right)));

    /// <summary>True if a definition in a schema depends on something that was stood in for.</summary>
    public bool AreUsedBy(string? sql) => sql is not null && _names.Exists(name => sql.Contains(name[(name.IndexOf(' ', StringComparison.Ordinal) + 1)..], StringComparison.OrdinalIgnoreCase));

    private bool TryAdd(string kind, string name, Func<string, int> define)
    {
        if (_names.Count >= Most || _names.Contains(kind + name) || define(name) != raw.SQLITE_OK)
            return false;
        _names.Add(kind + name);
        // The schema was read without it. Read again, it takes it for what is there.
        return raw.sqlite3_exec(_database, "PRAGMA writable_schema=RESET") == raw.SQLITE_OK;
    }

    // The driver puts the library's words between quotes: SQLite Error 1: 'no such collation sequence: unicase'.
    [GeneratedRegex(@"no such collation sequence: (.+?)(?:'\.)?$", RegexOptions.Singleline)]
    private static partial Regex Collation();

    [GeneratedRegex(@"unknown function: (.+?)\(\)(?:'\.)?$", RegexOptions.Singleline)]
    private static partial Regex Function();
}
