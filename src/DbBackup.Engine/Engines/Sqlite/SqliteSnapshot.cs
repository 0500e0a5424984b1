using System.Diagnostics;
using DbBackup.Engine.Platform;
using SQLitePCL;

namespace DbBackup.Engine.Engines.Sqlite;

/// <summary>Copies a database with SQLite's online backup API (sqlite.org/c3ref/backup_finish.html) while others write it.</summary>
internal static class SqliteSnapshot
{
    // 4 MiB at the usual page size: short enough for a prompt Ctrl+C and for writers, long enough to cost nothing.
    private const int PagesPerStep = 1024;
    private const string ReadSchema = "SELECT count(*) FROM sqlite_master";

    // A writer of a database without WAL makes the copy begin again. After so many beginnings the copy holds writers off.
    private const int RestartsBeforeHolding = 2;

    // A tool that overwrites a database without asking SQLite makes the copy begin again as often as this, and then fail.
    private const int OverwritesBeforeFailing = 3;

    /// <summary>How a snapshot was taken.</summary>
    /// <param name="Taken">Its moment.</param>
    /// <param name="Restarts">How often a writer made it begin again.</param>
    /// <param name="WritersHeld">For how long writers had to wait; zero where they did not.</param>
    public sealed record Result(DateTimeOffset Taken, int Restarts, TimeSpan WritersHeld);

    /// <summary>Copies a live database into a new file. Reads only, and takes one moment's state.</summary>
    /// <param name="path">The database.</param>
    /// <param name="copy">The new file; it must not exist.</param>
    /// <param name="lockTimeout">How long to wait for a lock.</param>
    /// <param name="clock">The clock by which the snapshot is dated.</param>
    /// <param name="progress">Receives the bytes done and in all.</param>
    /// <param name="cancellationToken">Stops the copy between two steps.</param>
    /// <exception cref="BackupException">The database is locked, damaged or unreadable.</exception>
    public static Result Take(
        string path, string copy, TimeSpan lockTimeout, TimeProvider clock, Action<long, long> progress, CancellationToken cancellationToken)
    {
        if (HasUnreadLog(path))
            return TakeRaw(path, copy, clock, cancellationToken);
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                return TakeThroughLibrary(path, copy, lockTimeout, clock, progress, cancellationToken);
            }
            catch (BackupException failure) when (attempt < OverwritesBeforeFailing && SqliteFailures.IsOfHotJournal(failure))
            {
                // Its files with the journal are what the crash left, and the copy is rolled back instead of the database, which is only read.
                // An application that starts meanwhile does it itself, and the library then reads what it has made.
                if (TryTakeRaw(path, copy, clock, cancellationToken) is { } result)
                    return result;
            }
        }
    }

    private static Result TakeThroughLibrary(
        string path, string copy, TimeSpan lockTimeout, TimeProvider clock, Action<long, long> progress, CancellationToken cancellationToken)
    {
        using SqliteDatabase source = OpenSource(path, lockTimeout, cancellationToken);
        using SqliteDatabase target = OpenTarget(copy, cancellationToken);
        bool readersNeverBlock = ReadersNeverBlock(source);
        bool holding = false;
        if (readersNeverBlock)
            holding = BeginRead(source);

        for (int overwrites = 0; ; overwrites++)
        {
            Result result = Copy(source, target, readersNeverBlock, ref holding, lockTimeout, clock, progress, out FileStamp stamp, cancellationToken);
            // With WAL the database changes under its readers: checkpoints write what they have seen already.
            if (readersNeverBlock || stamp == FileStamp.Of(path))
                return result;
            if (overwrites == OverwritesBeforeFailing)
            {
                throw Overwritten(path);
            }

            // Perhaps a writer that asks SQLite came in right after the last page: held off from now on, it is told from one that does not.
            if (!holding)
                holding = BeginRead(source);
        }
    }

    /// <summary>Measures what a snapshot takes: the pages that the database has, not the log, which may be many times as large.</summary>
    /// <exception cref="BackupException">The database is locked, damaged or unreadable.</exception>
    public static long Measure(string path, TimeSpan lockTimeout, CancellationToken cancellationToken)
    {
        if (HasUnreadLog(path))
            return SqliteFile.TotalSize(path);
        try
        {
            using SqliteDatabase source = OpenSource(path, lockTimeout, cancellationToken);
            return source.Number("PRAGMA page_count") * source.Number("PRAGMA page_size");
        }
        catch (BackupException failure) when (failure.Code == ErrorCodes.SourceCorrupt || SqliteFailures.IsOfHotJournal(failure))
        {
            // Perhaps one that is kept as it is among other files, or is rolled back in its copy; the snapshot says what is wrong with it.
            return SqliteFile.TotalSize(path);
        }
    }

    // A log that nobody has read yet, on a read-only medium: SQLite reads it only with an index file beside it, which nobody can make there.
    private static bool HasUnreadLog(string path)
    {
        string real = SqliteFile.RealPath(path);
        return new FileInfo(real + "-wal") is { Exists: true, Length: > 0 } && !Presence.IsFile(real + "-shm") && !CanWriteBeside(real);
    }

    private static Result TakeRaw(string path, string copy, TimeProvider clock, CancellationToken cancellationToken)
    {
        for (int attempt = 0; ; attempt++)
        {
            if (TryTakeRaw(path, copy, clock, cancellationToken) is { } result)
                return result;
            if (attempt == OverwritesBeforeFailing)
                throw Overwritten(path);
        }
    }

    // Null if it was written meanwhile.
    private static Result? TryTakeRaw(string path, string copy, TimeProvider clock, CancellationToken cancellationToken)
    {
        DateTimeOffset taken = clock.GetUtcNow();
        FileStamp[] before = Stamps(path);
        SqliteHold.CopyRaw(path, copy);
        if (!before.SequenceEqual(Stamps(path)))
        {
            foreach (string file in SqliteFile.Sidecars(copy).Append(copy))
                File.Delete(file);
            return null;
        }

        SqliteHold.Recover(copy, path, cancellationToken);
        return new Result(taken, 0, TimeSpan.Zero);
    }

    private static FileStamp[] Stamps(string path)
    {
        string real = SqliteFile.RealPath(path);
        return [FileStamp.OfFile(real), .. SqliteHold.Beside.Select(suffix => FileStamp.OfFile(real + suffix))];
    }

    private static BackupFailure Overwritten(string path) => new(
        ErrorCodes.SourceUnreadable,
        FailureCategory.Busy,
        $"'{path}' is being overwritten by a program that does not use SQLite (a copy, a synchronisation), so no moment of it can be kept.",
        "Wait until that program has ended, then try again.")
    { Target = path, CanRetry = true };

    /// <summary>Copies a database from a read transaction that is open in it already, which nobody disturbs.</summary>
    public static void CopyHeld(SqliteDatabase source, string copy, TimeProvider clock, Action<long, long> progress, CancellationToken cancellationToken)
    {
        using SqliteDatabase target = OpenTarget(copy, cancellationToken);
        bool holding = true;
        Copy(source, target, readersNeverBlock: true, ref holding, TimeSpan.Zero, clock, progress, out _, cancellationToken);
    }

    /// <summary>
    /// True if readers hold nobody off. Asked of SQLite, not read from the file: closing the file a second time in one process
    /// would end our locks on it (POSIX).
    /// </summary>
    public static bool ReadersNeverBlock(SqliteDatabase source) => source.Text("PRAGMA journal_mode") == "wal";

    private static SqliteDatabase OpenTarget(string copy, CancellationToken cancellationToken)
    {
        SqliteDatabase target = SqliteDatabase.OpenPrivate(copy, cancellationToken);
        // The copy is thrown away unless it is finished: a journal and syncs would only cost time.
        target.Execute("PRAGMA journal_mode=OFF");
        target.Execute("PRAGMA synchronous=OFF");
        return target;
    }

    private static Result Copy(
        SqliteDatabase source,
        SqliteDatabase target,
        bool readersNeverBlock,
        ref bool holding,
        TimeSpan lockTimeout,
        TimeProvider clock,
        Action<long, long> progress,
        out FileStamp stamp,
        CancellationToken cancellationToken)
    {
        string path = source.Path;
        stamp = FileStamp.Of(path);
        DateTimeOffset taken = clock.GetUtcNow();
        var held = new Stopwatch();
        if (holding && !readersNeverBlock)
            held.Start();
        int restarts = 0;
        using sqlite3_backup backup = raw.sqlite3_backup_init(target.Handle, "main", source.Handle, "main")
            ?? throw SqliteFailures.From(raw.sqlite3_errcode(target.Handle), raw.sqlite3_errmsg(target.Handle).utf8_to_string(), path);
        long pageSize = source.Number("PRAGMA page_size");
        var waiting = Stopwatch.StartNew();
        int lastRemaining = int.MaxValue;
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int result = raw.sqlite3_backup_step(backup, PagesPerStep);
            int remaining = raw.sqlite3_backup_remaining(backup);
            int total = raw.sqlite3_backup_pagecount(backup);
            if (result == raw.SQLITE_DONE)
            {
                progress(total * pageSize, total * pageSize);
                break;
            }

            if (result is raw.SQLITE_BUSY or raw.SQLITE_LOCKED)
            {
                if (waiting.Elapsed >= lockTimeout)
                    throw SqliteFailures.From(result, string.Empty, path);
                cancellationToken.WaitHandle.WaitOne(10);
                continue;
            }

            // What was full is the volume of the copy.
            if (result != raw.SQLITE_OK)
                throw SqliteFailures.From(result, raw.sqlite3_errstr(result).utf8_to_string(), (result & 0xff) == raw.SQLITE_FULL ? target.Path : path);

            waiting.Restart();
            progress((total - remaining) * pageSize, total * pageSize);
            if (!holding && remaining >= lastRemaining)
            {
                restarts++;
                taken = clock.GetUtcNow();
                if (restarts >= RestartsBeforeHolding)
                {
                    holding = BeginRead(source);
                    held.Start();
                }

                stamp = FileStamp.Of(path);
            }

            lastRemaining = remaining;
            // Without WAL, a writer gets its turn only between two steps.
            if (!holding)
                Thread.Yield();
        }

        held.Stop();
        // Without WAL the copy is of the moment when its last pages were read: any write before that made it begin again.
        return new Result(readersNeverBlock || holding ? taken : clock.GetUtcNow(), restarts, held.Elapsed);
    }

    /// <summary>Copies a finished file into a live database through SQLite, so that open connections see the new content at once.</summary>
    /// <exception cref="BackupException">The live database stayed locked, or its page size differs while it is in WAL mode.</exception>
    public static void WriteInto(string restored, string live, TimeSpan lockTimeout, Action<long, long> progress, CancellationToken cancellationToken)
    {
        using SqliteDatabase source = SqliteDatabase.OpenImmutable(restored, cancellationToken);
        using SqliteDatabase target = SqliteDatabase.OpenForWriting(live, lockTimeout, cancellationToken, mustExist: true);
        int pageSize = SqliteFile.PageSize(restored);
        using sqlite3_backup backup = raw.sqlite3_backup_init(target.Handle, "main", source.Handle, "main")
            ?? throw SqliteFailures.From(raw.sqlite3_errcode(target.Handle), raw.sqlite3_errmsg(target.Handle).utf8_to_string(), live);
        var waiting = Stopwatch.StartNew();
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int result = raw.sqlite3_backup_step(backup, PagesPerStep);
            if (result == raw.SQLITE_DONE)
                return;
            if (result is raw.SQLITE_BUSY or raw.SQLITE_LOCKED)
            {
                if (waiting.Elapsed >= lockTimeout)
                    throw SqliteFailures.From(result, string.Empty, live);
                cancellationToken.WaitHandle.WaitOne(10);
                continue;
            }

            if (result == raw.SQLITE_READONLY)
            {
                throw new BackupFailure(
                    ErrorCodes.TargetInUse,
                    FailureCategory.Busy,
                    $"'{live}' is open in WAL mode and has another page size than the backup, so it cannot be overwritten while it is open.",
                    "Stop the application that holds it, then restore again.")
                { Target = live };
            }

            if (result != raw.SQLITE_OK)
                throw SqliteFailures.From(result, raw.sqlite3_errstr(result).utf8_to_string(), live);
            int total = raw.sqlite3_backup_pagecount(backup);
            progress((long)(total - raw.sqlite3_backup_remaining(backup)) * pageSize, total * pageSize);
        }
    }

    // What every write changes, also one that goes past SQLite.
    private readonly record struct FileStamp(long Length, DateTime Modified)
    {
        public static FileStamp Of(string path) => OfFile(SqliteFile.RealPath(path));

        public static FileStamp OfFile(string path)
        {
            var file = new FileInfo(path);
            return file.Exists ? new FileStamp(file.Length, file.LastWriteTimeUtc) : default;
        }
    }

    // A read transaction that lasts for the whole copy: with WAL it holds nobody off, without WAL it holds off writers.
    private static bool BeginRead(SqliteDatabase source)
    {
        source.Execute("BEGIN");
        source.ExecuteBesideWriters(ReadSchema);
        return true;
    }

    /// <summary>Opens a live database for reading and reads its schema, which fails for whatever is no database.</summary>
    public static SqliteDatabase OpenSource(string path, TimeSpan lockTimeout, CancellationToken cancellationToken)
    {
        RequireItsLog(path);
        SqliteDatabase source = SqliteDatabase.OpenLive(path, lockTimeout, cancellationToken);
        try
        {
            source.ExecuteBesideWriters(ReadSchema);
            return source;
        }
        catch (BackupException failure) when (SqliteFailures.IsOfNewerSchema(failure))
        {
            // Its pages can be copied all the same.
            source.IgnoreSchema();
            return source;
        }
        catch (BackupException failure) when (failure.Code == ErrorCodes.SourceUnreadable && CanBeReadAsImmutable(path))
        {
            source.Dispose();
            return SqliteDatabase.OpenImmutable(path, cancellationToken);
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Fails where a process has the database open under another name, and its log there: what it committed last would be missing. It must be
    /// asked before SQLite makes a log of its own here.
    /// </summary>
    public static void RequireItsLog(string path)
    {
        if (OpenFiles.FindBeside(SqliteFile.RealPath(path), "-wal") is not { } holder)
            return;
        throw new BackupFailure(
            ErrorCodes.SourceUnreadable,
            FailureCategory.InvalidArgument,
            $"{holder.ProcessName} (process {holder.ProcessId}) has '{path}' open as '{holder.Path}', and its write-ahead log lies beside that name: a backup from here would lack the last changes.",
            $"Name the database as its application does: '{holder.Path}'; if that is in a container, with -Container and -ContainerPath '{holder.Path}'.")
        { Target = path };
    }

    // In WAL mode even a reader writes beside the database. On a read-only medium it cannot, and need not: nobody else can write.
    private static bool CanBeReadAsImmutable(string path) =>
        SqliteFile.UsesWriteAheadLog(path) && !Presence.IsFile(SqliteFile.RealPath(path) + "-wal") && !CanWriteBeside(path);

    private static bool CanWriteBeside(string path)
    {
        string probe = $"{path}.{Guid.NewGuid():N}.probe";
        try
        {
            using (new FileStream(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose))
                return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
