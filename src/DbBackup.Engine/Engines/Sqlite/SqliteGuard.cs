using SQLitePCL;

namespace DbBackup.Engine.Engines.Sqlite;

/// <summary>
/// Limits what SQL of foreign origin (a dump's text, a schema's views, triggers and expressions) can do: it reaches no other file, loads no
/// code, and changes no setting outside its own database. See sqlite.org/security.html, "Untrusted SQL inputs" and "Untrusted database files".
/// </summary>
/// <remarks>
/// SQLite calls it while a statement is compiled, with the views and triggers in it, never for each row. SQLITE_DBCONFIG_TRUSTED_SCHEMA stays
/// on: without it a view that searches a full-text index fails ("unsafe use of MATCH()").
/// </remarks>
internal sealed class SqliteGuard
{
    // sqlite.org/c3ref/c_alter_table.html
    private const int Detach = 25, Pragma = 19, Function = 31;

    // Settings of the database itself, which dumps contain. Others (where temporary files go, how large a cache is) have no effect.
    private static readonly HashSet<string> s_settings = new(StringComparer.OrdinalIgnoreCase)
    {
        // FTS5 asks for the version of the data while it writes.
        "application_id", "auto_vacuum", "data_version", "defer_foreign_keys", "encoding", "foreign_keys", "journal_mode", "legacy_alter_table",
        "page_size", "user_version", "writable_schema",
    };

    // They take pointers or the names of libraries. SQLite has them switched off; a build of the system's own might not.
    private static readonly HashSet<string> s_refused = new(StringComparer.OrdinalIgnoreCase) { "fts3_tokenizer", "load_extension", "readfile", "writefile", "edit" };

    // No expression gives a larger value than the largest that may be stored: a small file does not ask for a gigabyte.
    private const int SmallestValueLimit = 64 << 20, LargestValueLimit = 1_000_000_000;

    /// <summary>SQLITE_DBCONFIG_DEFENSIVE (sqlite.org/c3ref/c_dbconfig_defensive.html).</summary>
    internal const int Defensive = 1010;

    // How many of the library's operations lie between two looks at the time: about a hundredth of a second.
    private const int OperationsBetweenLooks = 1_000_000;

    private const long OperationsOfNoData = 500_000_000, OperationsPerByte = 20;

    private readonly sqlite3 _database;
    private long _looks, _mostLooks = long.MaxValue;

    private SqliteGuard(sqlite3 database) => _database = database;

    /// <summary>True to ignore PRAGMA statements that are not about the database itself, for text that is not DbBackup's own.</summary>
    public bool IgnoresOtherSettings { get; set; }

    /// <summary>The last refused action, as in "ATTACH 'other.db'"; null if none was.</summary>
    public string? Refused { get; private set; }

    /// <summary>True if the present statement was ended because it did more than its data can make it do.</summary>
    public bool RanTooLong { get; private set; }

    /// <summary>Guards a connection.</summary>
    /// <param name="database">The open connection, which has run no statement yet.</param>
    /// <param name="file">The database's file, which is looked at only for its size.</param>
    /// <param name="isReadOnly">True if nothing is written: then neither can a schema corrupt the file.</param>
    /// <param name="cancellationToken">Ends a running statement.</param>
    public static SqliteGuard On(sqlite3 database, string file, bool isReadOnly, CancellationToken cancellationToken)
    {
        var guard = new SqliteGuard(database);
        // One, for the nameless database of VACUUM.
        raw.sqlite3_limit(database, raw.SQLITE_LIMIT_ATTACHED, 1);
        guard.AllowValues(SizeOf(file) + SizeOf(file + "-wal"));
        raw.sqlite3_progress_handler(database, OperationsBetweenLooks, _ => guard.Look(cancellationToken), null);
        // While a dump is loaded it may write what virtual tables keep, and their schema.
        if (isReadOnly)
            raw.sqlite3_db_config(database, Defensive, 1, out _);
        raw.sqlite3_db_config(database, raw.SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0, out _);
        raw.sqlite3_db_config(database, raw.SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, out _);
        raw.sqlite3_set_authorizer(database, (_, action, first, second, _, _) => guard.Decide(action, first, second), null);
        return guard;
    }

    /// <summary>Allows values of this size, where it is larger than what any database may have.</summary>
    public void AllowValues(long bytes) => raw.sqlite3_limit(_database, raw.SQLITE_LIMIT_LENGTH, (int)Math.Clamp(bytes, SmallestValueLimit, LargestValueLimit));

    /// <summary>Ends the statements from here on, each of which begins with this call, if they do more than their data can make them do.</summary>
    /// <param name="bytes">The size of the data.</param>
    public void ExpectEnd(long bytes)
    {
        (_looks, RanTooLong) = (0, false);
        // To build an index takes some thirty operations a row, and a row some tens of bytes.
        _mostLooks = (OperationsOfNoData + (OperationsPerByte * bytes)) / OperationsBetweenLooks;
    }

    private int Look(CancellationToken cancellationToken)
    {
        RanTooLong = ++_looks > _mostLooks;
        return RanTooLong || cancellationToken.IsCancellationRequested ? 1 : 0;
    }

    private static long SizeOf(string file) => new FileInfo(file) is { Exists: true } info ? info.Length : 0;

    private int Decide(int action, string? first, string? second)
    {
        switch (action)
        {
            // VACUUM attaches a nameless temporary database; VACUUM INTO a named one.
            case raw.SQLITE_ATTACH when !string.IsNullOrEmpty(first):
                return Refuse($"ATTACH '{first}'");
            case raw.SQLITE_ATTACH or Detach:
                return raw.SQLITE_OK;
            case Function when second is not null && s_refused.Contains(second):
                return Refuse($"{second}()");
            case Pragma when IgnoresOtherSettings && first is not null && !s_settings.Contains(first):
                return raw.SQLITE_IGNORE;
            default:
                return raw.SQLITE_OK;
        }
    }

    private int Refuse(string what)
    {
        Refused = what;
        return raw.SQLITE_DENY;
    }
}
