using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.Sqlite;

/// <summary>
/// Keeps writers away from the database that a restore is about to replace: nothing that is committed between the safety backup
/// and the swap may be lost.
/// </summary>
internal sealed class SqliteWriterLock : IHeldFile
{
    private static readonly SqliteEngine s_engine = new();
    private readonly SqliteDatabase _database;
    private readonly string _path;

    private SqliteWriterLock(SqliteDatabase database, string path)
    {
        _database = database;
        _path = path;
    }

    /// <summary>Holds off writers, while readers (the safety backup) still come through; null where the file is no usable database.</summary>
    /// <exception cref="BackupException">Another process has it locked.</exception>
    public static SqliteWriterLock? TryTake(string path, TimeSpan timeout, CancellationToken cancellationToken)
    {
        SqliteDatabase? database = null;
        try
        {
            database = SqliteDatabase.OpenForWriting(path, timeout, cancellationToken, mustExist: true);
            database.Execute("BEGIN IMMEDIATE");
            return new SqliteWriterLock(database, path);
        }
        catch (BackupException failure)
        {
            database?.Dispose();
            if (failure.Code == ErrorCodes.SourceLocked)
                throw Held(path, failure);
            return null;
        }
    }

    /// <summary>
    /// Empties the write-ahead log into the database and leaves WAL mode, so that the database is complete in one file.
    /// SQLite allows that only to the last connection: even an idle one elsewhere makes it fail.
    /// </summary>
    /// <exception cref="BackupException">Another process has the database open.</exception>
    public void MakeSelfContained()
    {
        try
        {
            // Set before the transaction ends, so that without WAL its lock is kept. With WAL there is a moment without a lock,
            // in which another process could come and go: whether one wrote then is seen in data_version.
            long version = _database.Number("PRAGMA data_version");
            _database.Execute("PRAGMA locking_mode=EXCLUSIVE");
            _database.Execute("COMMIT");
            _database.Execute("BEGIN EXCLUSIVE");
            if (_database.Number("PRAGMA data_version") != version)
                throw Held(_path, null);
            // Without WAL an idle connection holds no lock; one that was opened since the plan was made is only seen here.
            if (OpenFiles.HoldersOf([_path]).Holders is { Count: > 0 } holders)
                throw OpenDatabase.InUse(_path, holders, s_engine);
            _database.Execute("COMMIT");
            if (LeaveLog() is not "delete")
                throw Held(_path, null);
            _database.Execute("BEGIN EXCLUSIVE");
        }
        catch (BackupException failure) when (failure.Code == ErrorCodes.SourceLocked)
        {
            throw Held(_path, failure);
        }
    }

    private string? LeaveLog()
    {
        const string Leave = "PRAGMA journal_mode=DELETE";
        try
        {
            return _database.Text(Leave);
        }
        catch (BackupException failure) when (SqliteFailures.IsOfNewerSchema(failure))
        {
            // What the schema says does not matter here.
            _database.IgnoreSchema();
            return _database.Text(Leave);
        }
    }

    public void Dispose() => _database.Dispose();

    private static BackupFailure Held(string path, Exception? inner)
    {
        IReadOnlyList<FileHolder> holders = OpenFiles.HoldersOf(SqliteFile.Sidecars(path).Prepend(path).Where(Presence.IsFile)).Holders;
        return holders.Count > 0 ? OpenDatabase.InUse(path, holders, s_engine) : OpenDatabase.InUse(path, s_engine, inner);
    }
}
