using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.Sqlite;

/// <summary>
/// The present state of a database whose writers stand still, kept with as little work as possible until they go on: in WAL mode an
/// open read transaction, from which the pages are copied later; otherwise the copy itself.
/// </summary>
internal sealed class SqliteHold : IDisposable
{
    /// <summary>The endings of what a raw copy needs beside it.</summary>
    public static IReadOnlyList<string> Beside { get; } = ["-wal", "-journal"];

    private readonly string _shownAs;
    private readonly string _copy;
    private readonly bool _isRaw;
    private SqliteDatabase? _source;

    private SqliteHold(string shownAs, string copy, SqliteDatabase? source, bool isRaw)
    {
        _shownAs = shownAs;
        _copy = copy;
        _source = source;
        _isRaw = isRaw;
    }

    /// <summary>Takes hold of the state. The writers must stand still.</summary>
    /// <param name="path">The database.</param>
    /// <param name="shownAs">What it is called in failures.</param>
    /// <param name="copy">The copy to be; it must not exist.</param>
    /// <param name="clock">The clock by which snapshots are dated.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static SqliteHold Take(string path, string shownAs, string copy, TimeProvider clock, CancellationToken cancellationToken)
    {
        SqliteSnapshot.RequireItsLog(path);
        SqliteDatabase? source = null;
        try
        {
            // Past the driver, whose commands wait a second for a lock that nobody will let go of.
            source = SqliteDatabase.OpenLive(path, TimeSpan.Zero, cancellationToken);
            source.ExecuteRaw("BEGIN; SELECT count(*) FROM sqlite_master");
            if (SqliteSnapshot.ReadersNeverBlock(source))
                return new SqliteHold(shownAs, copy, source, isRaw: false);
            // Without WAL the open transaction would hold the writers off when they go on.
            SqliteSnapshot.CopyHeld(source, copy, clock, (_, _) => { }, cancellationToken);
            source.Dispose();
            return new SqliteHold(shownAs, copy, null, isRaw: false);
        }
        catch (BackupException failure) when (failure.Code is ErrorCodes.SourceLocked or ErrorCodes.SourceUnreadable)
        {
            // A writer was stopped while it held its lock, and will not let go of it: nobody writes, so the files as they are, with the
            // journal, are what a crash at this moment would leave, and SQLite recovers from that.
            source?.Dispose();
            CopyRaw(path, copy);
            return new SqliteHold(shownAs, copy, null, isRaw: true);
        }
        catch
        {
            source?.Dispose();
            throw;
        }
    }

    /// <summary>Makes the copy whole. The writers may have gone on.</summary>
    public void Finish(TimeProvider clock, Action<long, long> progress, CancellationToken cancellationToken)
    {
        if (_source is { } source)
            SqliteSnapshot.CopyHeld(source, _copy, clock, progress, cancellationToken);
        else if (_isRaw)
            Recover(_copy, _shownAs, cancellationToken);
        Dispose();
    }

    /// <summary>Has SQLite finish or roll back what the journal beside a raw copy says, so that the one file holds everything.</summary>
    /// <param name="copy">The copy, with its <c>-wal</c> or <c>-journal</c> beside it.</param>
    /// <param name="shownAs">What it is a copy of, for failures.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="BackupException">It is damaged, or no database.</exception>
    public static void Recover(string copy, string shownAs, CancellationToken cancellationToken)
    {
        using (SqliteDatabase database = SqliteDatabase.OpenCopy(copy, shownAs, cancellationToken))
        {
            database.Execute("PRAGMA synchronous=OFF");
            // The first read rolls back or recovers; the checkpoint brings the log's pages into the file. The mode in its header stays.
            database.Number("SELECT count(*) FROM sqlite_master");
            if (SqliteSnapshot.ReadersNeverBlock(database))
                database.Number("PRAGMA wal_checkpoint(TRUNCATE)");
        }

        foreach (string file in SqliteFile.Sidecars(copy))
            File.Delete(file);
    }

    /// <summary>Lets go of the database.</summary>
    public void Dispose()
    {
        _source?.Dispose();
        _source = null;
    }

    /// <summary>Copies a database and its logs as they are.</summary>
    public static void CopyRaw(string path, string copy)
    {
        string real = SqliteFile.RealPath(path);
        foreach (string file in SqliteFile.Sidecars(copy))
            File.Delete(file);
        CopyOne(real, copy);
        foreach (string suffix in Beside)
        {
            if (Presence.IsFile(real + suffix))
                CopyOne(real + suffix, copy + suffix);
        }
    }

    // Not File.Copy: it asks for a lock of its own kind, which the application may hold.
    private static void CopyOne(string from, string to)
    {
        using FileStream source = RegularFile.Open(from);
        using FileStream target = new(to, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 1);
        source.CopyTo(target, 1 << 20);
    }
}
