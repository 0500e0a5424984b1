using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.Sqlite;

/// <summary>How a SQLite database is stored.</summary>
public enum SqliteFormat
{
    /// <summary>The database file itself.</summary>
    Native,

    /// <summary>SQL text, reloaded and compared before it counts.</summary>
    Sql,
}

/// <summary>A SQLite database file, with whatever its application does to it meanwhile.</summary>
/// <param name="path">The absolute path of the file.</param>
/// <param name="format">How it is stored.</param>
/// <param name="lockTimeout">How long to wait for a lock.</param>
/// <param name="allowEmpty">True if a database without any table is accepted.</param>
public sealed class SqliteSource(string path, SqliteFormat format, TimeSpan lockTimeout, bool allowEmpty = false) : IBackupSource
{
    /// <summary>The engine's name in manifests.</summary>
    public const string EngineName = "Sqlite";

    /// <inheritdoc/>
    public string Engine => EngineName;

    /// <inheritdoc/>
    public string DefaultName => System.IO.Path.GetFileNameWithoutExtension(path) is { Length: > 0 } stem ? stem : System.IO.Path.GetFileName(path);

    /// <inheritdoc/>
    public string Location => path;

    /// <inheritdoc/>
    public Task<SourcePreview> InspectAsync(CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            RequireDatabaseFile(path);
            // SQLite itself says whether the file is a database: see SqliteSnapshot for why nobody else may open it here.
            long size = SqliteSnapshot.Measure(path, lockTimeout, cancellationToken);
            if (format == SqliteFormat.Sql)
                SqlDump.RequireTool();
            // A text dump lies in the staging folder together with the copy and the reloaded database.
            return new SourcePreview(size, format == SqliteFormat.Sql ? 4 * size : size);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Capture> CaptureAsync(CaptureContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        return Task.Run(() => Capture(context, cancellationToken), cancellationToken);
    }

    /// <summary>Fails with the reason where a path does not lead to a file with anything in it.</summary>
    internal static void RequireDatabaseFile(string path)
    {
        if (Presence.IsFolder(path))
        {
            throw new BackupFailure(
                ErrorCodes.SourceNotSqlite,
                FailureCategory.InvalidArgument,
                $"'{path}' is a folder.",
                "Name the SQLite database file; folders beside it are added with -AdditionalPath.")
            { Target = path };
        }

        if (!Presence.IsFile(path))
        {
            throw new BackupFailure(
                ErrorCodes.SourceNotFound,
                FailureCategory.NotFound,
                $"There is no file '{path}'.",
                "Check the path; nothing was created.")
            { Target = path };
        }

        // SQLite itself takes so short a file for an empty database.
        if (SqliteFile.Length(path) is > 0 and < SqliteFile.SmallestSize)
        {
            throw new BackupFailure(
                ErrorCodes.SourceNotSqlite,
                FailureCategory.InvalidData,
                $"'{path}' is not a SQLite database.",
                "Name a SQLite database file.")
            { Target = path };
        }

        // A database that was just created in WAL mode may still be in its log alone.
        if (SqliteFile.Length(path) == 0 && new FileInfo(SqliteFile.RealPath(path) + "-wal") is not { Exists: true, Length: > 0 })
        {
            throw new BackupFailure(
                ErrorCodes.SourceEmpty,
                FailureCategory.InvalidData,
                $"'{path}' is empty (0 bytes), so there is nothing to back up.",
                "Check that this is the application's real database: SQLite tools leave an empty file behind when a path is wrong.")
            { Target = path };
        }
    }

    private Capture Capture(CaptureContext context, CancellationToken cancellationToken)
    {
        string fileName = System.IO.Path.GetFileName(path);
        string copy = System.IO.Path.Combine(context.StagingFolder, "copy.db");
        SqliteSnapshot.Result snapshot = SqliteSnapshot.Take(
            path,
            copy,
            lockTimeout,
            context.Clock,
            (done, total) => context.Observer.Progress(new OperationProgress(context.Activity, $"copying {fileName}", done, total)),
            cancellationToken);
        context.Observer.Verbose($"Copied {fileName} with SQLite {SqliteLibrary.Version}, {ByteSize.Format(new FileInfo(copy).Length)}.");

        var notes = new List<string>();
        if (snapshot.WritersHeld > TimeSpan.Zero)
        {
            notes.Add(
                $"Writers of {fileName} changed it {snapshot.Restarts} times while it was copied, so they were blocked for {snapshot.WritersHeld.TotalMilliseconds:0} ms. In WAL mode (PRAGMA journal_mode=WAL) writers do not wait.");
        }

        var made = new SqliteCopy(copy, path, fileName) { OriginalPath = path, AllowEmpty = allowEmpty };
        made.TakeOwnerAndMode(path);
        CapturedPayload payload = made.ToPayload(context);
        var tools = new Dictionary<string, string> { ["SQLite"] = SqliteLibrary.Version };
        if (format == SqliteFormat.Sql)
        {
            // A dump of a damaged copy ends without an error and gives an empty database: the check comes first.
            CaptureFacts facts = made.CollectFacts(context with { Fingerprint = FingerprintLevel.Content }, cancellationToken);
            string dump = System.IO.Path.Combine(context.StagingFolder, "dump.sql");
            context.Observer.Progress(new OperationProgress(context.Activity, $"dumping {fileName} as SQL"));
            Fingerprint expected = facts.Fingerprint!;
            tools["sqlite3"] = SqlDump.Write(copy, dump, expected, cancellationToken);
            context.Observer.Progress(new OperationProgress(context.Activity, "reloading and comparing the dump"));
            SqlDump.Prove(dump, path, System.IO.Path.Combine(context.StagingFolder, "reloaded.db"), expected, cancellationToken);
            payload = payload with
            {
                FileName = System.IO.Path.GetFileNameWithoutExtension(fileName) + ".sql",
                Format = PayloadFormat.SqliteSql,
                Length = new FileInfo(dump).Length,
                OpenRead = () => OpenSequential(dump),
                CollectFacts = _ => Task.FromResult<CaptureFacts>(context.Fingerprint == FingerprintLevel.None ? facts with { Fingerprint = null } : facts),
            };
        }

        return new Capture
        {
            Taken = snapshot.Taken,
            EngineVersion = SqliteLibrary.Version,
            Payloads = [payload],
            Tools = tools,
            Notes = notes,
        };
    }

    private static FileStream OpenSequential(string file) =>
        new(file, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1, FileOptions.SequentialScan);
}
