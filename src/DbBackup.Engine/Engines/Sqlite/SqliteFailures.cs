using Microsoft.Data.Sqlite;

namespace DbBackup.Engine.Engines.Sqlite;

/// <summary>Turns SQLite's result codes (sqlite.org/rescode.html) into failures that say what to do.</summary>
internal static class SqliteFailures
{
    private const int Busy = 5, Locked = 6, ReadOnly = 8, IoError = 10, Corrupt = 11, Full = 13, CannotOpen = 14, NotADatabase = 26;
    private const string HotJournalWords = "has a hot journal";
    private const string NewerWords = "has a schema that needs a newer SQLite than";
    private static readonly string[] s_ofCompiling = [") - near \"", "syntax error", "no such function", "unrecognized token", "unknown ", "wrong number of arguments", "may not be used", "incomplete input"];
    private static readonly string[] s_ofApplications = ["no such collation sequence", "unknown function", "no such function", "no such tokenizer", "unknown tokenizer", "no such module"];
    private const int ReadOnlyRollback = 8 | (3 << 8), ReadOnlyDirectory = 8 | (6 << 8);

    public static BackupException From(SqliteException exception, string path) =>
        From(exception.SqliteExtendedErrorCode, exception.Message, path, exception);

    public static BackupException From(int code, string message, string path, Exception? inner = null)
    {
        if (code is ReadOnlyRollback)
        {
            return new BackupFailure(
                ErrorCodes.SourceLocked,
                FailureCategory.Busy,
                $"'{path}' {HotJournalWords}: a program died while it wrote, and its last change must be rolled back first.",
                "Open the database once with its application, or run: sqlite3 DATABASE 'SELECT count(*) FROM sqlite_schema', then back up again.",
                inner)
            { Target = path };
        }

        return (code & 0xff) switch
        {
            Busy or Locked => new BackupFailure(
                ErrorCodes.SourceLocked,
                FailureCategory.Busy,
                $"'{path}' is locked by another process, and stayed so until the time limit.",
                "Try again when its application is less busy, wait longer with -LockTimeout, or stop the application.",
                inner)
            { Target = path, CanRetry = true },
            NotADatabase => new BackupFailure(
                ErrorCodes.SourceNotSqlite,
                FailureCategory.InvalidData,
                $"'{path}' is not a SQLite database, or it is an encrypted one.",
                "Name a SQLite database file; a SQLCipher database must be backed up with its own tool.",
                inner)
            { Target = path },
            Corrupt when IsNewerSchema(message) => NewerSchema(path, message, inner),
            Corrupt => Damaged(path, message, inner),
            CannotOpen => new BackupFailure(
                ErrorCodes.SourceUnreadable,
                FailureCategory.PermissionDenied,
                $"SQLite cannot open '{path}': {message}",
                "Run as a user who may read the file and write its folder (a database in WAL mode keeps files beside itself).",
                inner)
            { Target = path },
            ReadOnly => new BackupFailure(
                ErrorCodes.SourceUnreadable,
                FailureCategory.PermissionDenied,
                code == ReadOnlyDirectory ? $"The folder of '{path}' cannot be written: {message}" : $"'{path}' cannot be written: {message}",
                "Run as a user who may write the file and its folder.",
                inner)
            { Target = path },
            Full => new BackupFailure(
                ErrorCodes.NotEnoughSpace,
                FailureCategory.NoSpace,
                $"The volume of '{path}' is full.",
                "Free some room there, or stage elsewhere with -StagingPath.",
                inner)
            { Target = path },
            IoError => new BackupFailure(
                ErrorCodes.ReadFailed,
                FailureCategory.ReadError,
                $"The system reports an error on '{path}': {message}",
                "Check the disk (dmesg, the event log), then try again.",
                inner)
            { Target = path },
            _ when NeedsApplication(message) => OfApplication(path, message, inner),
            _ => new BackupFailure(
                ErrorCodes.SourceUnreadable,
                FailureCategory.ReadError,
                $"SQLite {SqliteLibrary.Version} cannot read '{path}': {message}",
                "If the database was made by a newer SQLite, update DbBackup, which brings its own; otherwise check the file with: sqlite3 DATABASE 'PRAGMA integrity_check'.",
                inner)
            { Target = path },
        };
    }

    // "malformed database schema (x)" alone, or with "invalid rootpage" and the like, is damage; SQL that cannot be compiled is not.
    private static bool IsNewerSchema(string message) => message.Contains("malformed database schema (", StringComparison.Ordinal)
        && s_ofCompiling.Any(words => message.Contains(words, StringComparison.Ordinal));

    /// <summary>True if a database is whole as far as this library can tell, and its schema has words that only a newer one understands.</summary>
    public static bool IsOfNewerSchema(BackupException failure) => failure is { Code: ErrorCodes.SourceUnreadable } && failure.Message.Contains(NewerWords, StringComparison.Ordinal);

    /// <summary>True if a program died while it wrote a database: no process writes it now, and a read-only connection cannot roll it back.</summary>
    public static bool IsOfHotJournal(BackupException failure) => failure is { Code: ErrorCodes.SourceLocked } && failure.Message.Contains(HotJournalWords, StringComparison.Ordinal);

    private static BackupFailure NewerSchema(string path, string message, Exception? inner) => new(
        ErrorCodes.SourceUnreadable,
        FailureCategory.ReadError,
        $"'{path}' {NewerWords} {SqliteLibrary.Version} does: {message}",
        "Update DbBackup, which brings its own SQLite. The database is not damaged: .recover would throw live data away.",
        inner)
    { Target = path };

    /// <summary>True if a message is about what an application defines in its own connections.</summary>
    public static bool NeedsApplication(string message) => s_ofApplications.Any(words => message.Contains(words, StringComparison.Ordinal));

    public static BackupFailure OfApplication(string path, string message, Exception? inner) => new(
        ErrorCodes.SourceUnreadable,
        FailureCategory.ReadError,
        $"'{path}' needs what only its application defines: {message}",
        "SQL text of it can be loaded by that application alone; store or export the database file itself (-Format Native).",
        inner)
    { Target = path };

    public static BackupFailure Damaged(string path, string findings, Exception? inner = null) => new(
        ErrorCodes.SourceCorrupt,
        FailureCategory.InvalidData,
        $"'{path}' is damaged: {findings}",
        "No backup was made of it. Restore the last good one (Get-DbBackup | Restore-DbBackup), or save what is left with sqlite3 DATABASE .recover (into a new file).",
        inner)
    { Target = path };
}
