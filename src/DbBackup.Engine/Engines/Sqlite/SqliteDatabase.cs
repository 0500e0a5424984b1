using System.Diagnostics;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace DbBackup.Engine.Engines.Sqlite;

/// <summary>
/// An open connection to a SQLite file whose work can be interrupted. Drivers' exceptions leave it as <see cref="BackupException"/>.
/// </summary>
internal sealed class SqliteDatabase : IDisposable
{
    // The library's own wait for a lock cannot be interrupted (before SQLite 3.41): it waits in short pieces, and we ask in between.
    private const int LongestWaitMilliseconds = 250;

    // SQLITE_DBCONFIG_DQS_DML and SQLITE_DBCONFIG_DQS_DDL (sqlite.org/c3ref/c_dbconfig_defensive.html).
    private const int DoubleQuotedText = 1013, DoubleQuotedTextInSchemas = 1014;

    private readonly SqliteConnection _connection;
    private static readonly TimeSpan LockPoll = TimeSpan.FromMilliseconds(2);
    private readonly TimeSpan _lockTimeout;
    private readonly CancellationTokenRegistration _interrupt;
    private readonly CancellationToken _cancellationToken;

    private SqliteDatabase(string path, string file, string dataSource, SqliteOpenMode mode, TimeSpan lockTimeout, CancellationToken cancellationToken)
    {
        // Loads the library with its own failure; the driver's would not say what to do.
        _ = SqliteLibrary.Version;
        Path = path;
        _lockTimeout = lockTimeout;
        _cancellationToken = cancellationToken;
        var settings = new SqliteConnectionStringBuilder
        {
            DataSource = dataSource,
            Mode = mode,
            Pooling = false,
            DefaultTimeout = 1,
        };
        _connection = new SqliteConnection(settings.ToString());
        try
        {
            _connection.Open();
            // What the stock sqlite3 program does: the bundled library would enforce foreign keys while a dump is loaded, and refuse
            // "text" in double quotes, which older schemas and dumps have.
            raw.sqlite3_db_config(Handle, raw.SQLITE_DBCONFIG_ENABLE_FKEY, 0, out _);
            raw.sqlite3_db_config(Handle, DoubleQuotedText, 1, out _);
            raw.sqlite3_db_config(Handle, DoubleQuotedTextInSchemas, 1, out _);
            Guard = SqliteGuard.On(Handle, file, mode == SqliteOpenMode.ReadOnly, cancellationToken);
            // The driver waits for locks only around its own commands; the copy calls the library itself.
            WaitInLibrary(lockTimeout);
        }
        catch (SqliteException exception)
        {
            _connection.Dispose();
            throw SqliteFailures.From(exception, path);
        }

        _interrupt = cancellationToken.Register(() => raw.sqlite3_interrupt(Handle));
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>What only the application defines and was stood in for; null if a statement that needs it fails.</summary>
    public SqliteStandIns? StandIns { get; private set; }

    /// <summary>What SQL is allowed to do here.</summary>
    public SqliteGuard Guard { get; }

    /// <summary>The library's own handle.</summary>
    public sqlite3 Handle => _connection.Handle!;

    /// <summary>Opens a database that others use, for reading only. It must exist: SQLite would create it otherwise.</summary>
    public static SqliteDatabase OpenLive(string path, TimeSpan lockTimeout, CancellationToken cancellationToken) =>
        new(path, path, path, SqliteOpenMode.ReadOnly, lockTimeout, cancellationToken);

    /// <summary>
    /// Opens a file that nobody writes: no locks are taken and no files appear beside it, also when its header says WAL.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Interrupts whatever runs.</param>
    /// <param name="shownAs">What it is a copy of, for failures; null for its own path.</param>
    public static SqliteDatabase OpenImmutable(string path, CancellationToken cancellationToken, string? shownAs = null) =>
        new(shownAs ?? path, path, ToUri(path) + "?immutable=1", SqliteOpenMode.ReadOnly, TimeSpan.Zero, cancellationToken);

    /// <summary>Opens a file for writing; creates it where it is missing.</summary>
    public static SqliteDatabase OpenForWriting(string path, TimeSpan lockTimeout, CancellationToken cancellationToken, bool mustExist = false) =>
        new(path, path, path, mustExist ? SqliteOpenMode.ReadWrite : SqliteOpenMode.ReadWriteCreate, lockTimeout, cancellationToken);

    /// <summary>Opens a raw copy of a database, which may have to be recovered first, for writing.</summary>
    /// <param name="file">The copy.</param>
    /// <param name="shownAs">What it is a copy of, for failures.</param>
    /// <param name="cancellationToken">Interrupts whatever runs.</param>
    public static SqliteDatabase OpenCopy(string file, string shownAs, CancellationToken cancellationToken) =>
        WithoutLocks(new(shownAs, file, PrivateSource(file), SqliteOpenMode.ReadWrite, TimeSpan.Zero, cancellationToken));

    /// <summary>Opens or creates a file of DbBackup's own for writing.</summary>
    public static SqliteDatabase OpenPrivate(string path, CancellationToken cancellationToken) =>
        WithoutLocks(new(path, path, PrivateSource(path), SqliteOpenMode.ReadWriteCreate, TimeSpan.Zero, cancellationToken));

    // No other process knows the file, and some shares have no locks (ENOLCK): the library's own way to ask for none.
    private static string PrivateSource(string path) => OperatingSystem.IsWindows() ? path : ToUri(path) + "?vfs=unix-none";

    // Without locks there is no shared memory either: the log's index is kept in this process.
    private static SqliteDatabase WithoutLocks(SqliteDatabase database)
    {
        database.Execute("PRAGMA locking_mode=EXCLUSIVE");
        return database;
    }

    /// <summary>From here on, stands in for collations and functions that only the application defines. Nothing may be written then.</summary>
    public SqliteStandIns UseStandIns()
    {
        if (StandIns is not null)
            return StandIns;
        StandIns = SqliteStandIns.For(Handle);
        // A table without rowids whose key has an unknown collation fails without naming it ("no query solution").
        foreach (string name in Rows(SqliteStandIns.CollationsOfIndexes, row => row.GetString(0)))
            StandIns.DefineCollation(name);
        return StandIns;
    }

    /// <summary>Reads a database whose schema this library does not understand, as far as that goes.</summary>
    public void IgnoreSchema()
    {
        // No schema is written here, whatever the flag's name says.
        raw.sqlite3_db_config(Handle, SqliteGuard.Defensive, 0, out _);
        ExecuteRaw("PRAGMA writable_schema=ON");
    }

    /// <summary>Compiles a statement that the caller runs through the library itself.</summary>
    public sqlite3_stmt Prepare(string sql)
    {
        while (true)
        {
            int result = raw.sqlite3_prepare_v2(Handle, sql, out sqlite3_stmt statement);
            if (result == raw.SQLITE_OK)
                return statement;
            string message = raw.sqlite3_errmsg(Handle).utf8_to_string();
            if (StandIns?.TryDefine(message) != true)
                throw SqliteFailures.From(result, message, Path);
        }
    }

    /// <summary>Runs a statement that gives nothing.</summary>
    public void Execute(string sql) => Run(sql, command => command.ExecuteNonQuery());

    /// <summary>Runs statements as the library itself does, several at a time, without the driver's parsing.</summary>
    public void ExecuteRaw(string sql)
    {
        int result = raw.sqlite3_exec(Handle, sql, out string message);
        if (result != raw.SQLITE_OK)
        {
            _cancellationToken.ThrowIfCancellationRequested();
            throw Failure(message);
        }
    }

    /// <summary>
    /// Runs a statement that needs a lock which a busy writer holds nearly all the time. It asks every few milliseconds: the library's own
    /// wait, of up to 100 ms each, misses most of the moments in which the lock is free.
    /// </summary>
    public void ExecuteBesideWriters(string sql)
    {
        var waiting = Stopwatch.StartNew();
        WaitInLibrary(TimeSpan.Zero);
        try
        {
            while (true)
            {
                int result = raw.sqlite3_exec(Handle, sql, out string message);
                if (result == raw.SQLITE_OK)
                    return;
                _cancellationToken.ThrowIfCancellationRequested();
                if ((result & 0xff) is not (raw.SQLITE_BUSY or raw.SQLITE_LOCKED) || waiting.Elapsed >= _lockTimeout)
                    throw Failure(message);
                Thread.Sleep(LockPoll);
            }
        }
        finally
        {
            WaitInLibrary(_lockTimeout);
        }
    }

    /// <summary>Returns the first column of the first row; null if there is none.</summary>
    public object? Scalar(string sql) => Run(sql, command => command.ExecuteScalar() is { } value and not DBNull ? value : null);

    /// <summary>The first column of the first row as text; null where there is none.</summary>
    public string? Text(string sql) => Scalar(sql) is { } value ? Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture) : null;

    /// <summary>The first column of the first row as a number.</summary>
    public long Number(string sql) =>
        Run(sql, command => Convert.ToInt64(command.ExecuteScalar(), System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>All rows, each made into an object while it is read.</summary>
    public List<T> Rows<T>(string sql, Func<SqliteDataReader, T> read) => Run(sql, command =>
    {
        using SqliteDataReader reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
            rows.Add(read(reader));
        return rows;
    });

    /// <summary>A name as SQL writes it.</summary>
    public static string Quote(string name) => '"' + name.Replace("\"", "\"\"", StringComparison.Ordinal) + '"';

    /// <inheritdoc/>
    public void Dispose()
    {
        // Before the handle goes: an interrupt that comes later would reach freed memory.
        _interrupt.Dispose();
        _connection.Dispose();
    }

    // Of the last call; its own result has only the kind, and not that a hot journal is why.
    private BackupException Failure(string? message) =>
        SqliteFailures.From(raw.sqlite3_extended_errcode(Handle), message ?? raw.sqlite3_errmsg(Handle).utf8_to_string(), Path);

    private void WaitInLibrary(TimeSpan time) => raw.sqlite3_busy_timeout(Handle, (int)Math.Min(time.TotalMilliseconds, LongestWaitMilliseconds));

    private T Run<T>(string sql, Func<SqliteCommand, T> run)
    {
        var waiting = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                using SqliteCommand command = _connection.CreateCommand();
                command.CommandText = sql;
                return run(command);
            }
            catch (SqliteException exception)
            {
                _cancellationToken.ThrowIfCancellationRequested();
                if (StandIns?.TryDefine(exception.Message) == true)
                    continue;
                if (exception.SqliteErrorCode is not (raw.SQLITE_BUSY or raw.SQLITE_LOCKED) || waiting.Elapsed >= _lockTimeout)
                    throw SqliteFailures.From(exception, Path);
            }
        }
    }

    // A URI, because only there the immutable flag can be given; its path must have ?, # and % escaped.
    private static string ToUri(string path)
    {
        string escaped = path.Replace("%", "%25", StringComparison.Ordinal)
            .Replace("?", "%3f", StringComparison.Ordinal)
            .Replace("#", "%23", StringComparison.Ordinal)
            .Replace('\\', OperatingSystem.IsWindows() ? '/' : '\\');
        return "file:" + (OperatingSystem.IsWindows() ? "///" : string.Empty) + escaped;
    }
}
