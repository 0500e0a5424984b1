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

    private SqliteGuard()
    {
    }

    /// <summary>True to ignore PRAGMA statements that are not about the database itself, for text that is not DbBackup's own.</summary>
    public bool IgnoresOtherSettings { get; set; }

    /// <summary>The last refused action, as in "ATTACH 'other.db'"; null if none was.</summary>
    public string? Refused { get; private set; }

    /// <summary>Guards a connection.</summary>
    /// <param name="database">The open connection, which has run no statement yet.</param>
    public static SqliteGuard On(sqlite3 database)
    {
        var guard = new SqliteGuard();
        raw.sqlite3_db_config(database, raw.SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0, out _);
        raw.sqlite3_db_config(database, raw.SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, out _);
        raw.sqlite3_set_authorizer(database, (_, action, first, second, _, _) => guard.Decide(action, first, second), null);
        return guard;
    }

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
