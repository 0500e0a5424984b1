using DbBackup.Engine.Payloads;

namespace DbBackup.Engine.Engines.Sqlite;

/// <summary>An existing SQL dump of a SQLite database, which is imported as it is once it has been loaded for a trial.</summary>
/// <param name="path">The dump's absolute path.</param>
/// <param name="compression">How it is compressed.</param>
internal sealed class SqlDumpSource(string path, string compression) : IBackupSource
{
    // SQL text shrinks to between a fifth and a tenth; the loaded database is about as large as the text.
    private const int GuessedRatio = 8;

    public string Engine => SqliteSource.EngineName;

    public string DefaultName
    {
        get
        {
            string name = Path.GetFileNameWithoutExtension(path);
            return compression == PayloadCompression.None ? name : Path.GetFileNameWithoutExtension(name);
        }
    }

    public string Location => path;

    public Task<SourcePreview> InspectAsync(CancellationToken cancellationToken)
    {
        long size = new FileInfo(path).Length * (compression == PayloadCompression.None ? 1 : GuessedRatio);
        return Task.FromResult(new SourcePreview(size, 2 * size));
    }

    public async Task<Capture> CaptureAsync(CaptureContext context, CancellationToken cancellationToken)
    {
        string text = Path.Combine(context.StagingFolder, "imported.sql");
        string database = Path.Combine(context.StagingFolder, "imported.db");
        context.Observer.Progress(new OperationProgress(context.Activity, $"loading {Path.GetFileName(path)} for a trial"));
        try
        {
            using Stream stored = DecompressionStreams.Open(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1), compression);
            using var target = new FileStream(text, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1);
            await stored.CopyToAsync(target, 1 << 20, cancellationToken).ConfigureAwait(false);
        }
        catch (InvalidDataException exception)
        {
            throw new BackupFailure(
                ErrorCodes.DumpIncomplete,
                FailureCategory.InvalidData,
                $"'{path}' cannot be decompressed to its end: {exception.Message}",
                "The file is damaged or was cut off; use another one.",
                exception)
            { Target = path };
        }

        FileStream Open() => new(text, FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.SequentialScan);
        CaptureFacts facts = await Task.Run(
            () =>
            {
                using (FileStream sql = Open())
                    SqlScript.Load(sql, database, cancellationToken);
                return new CaptureFacts(
                    SqliteFingerprint.Take(database, context.Fingerprint, cancellationToken), SqliteFingerprint.SchemaRevision(database, cancellationToken));
            },
            cancellationToken).ConfigureAwait(false);
        if (facts.Fingerprint is { Tables.Count: 0 })
        {
            throw new BackupFailure(
                ErrorCodes.DumpIncomplete,
                FailureCategory.InvalidData,
                $"'{path}' loads without an error and gives no tables: it is the dump of a damaged or empty database.",
                "Use another dump.")
            { Target = path };
        }

        File.Delete(database);
        return new Capture
        {
            Taken = new DateTimeOffset(File.GetLastWriteTimeUtc(path)),
            EngineVersion = SqliteLibrary.Version,
            Payloads =
            [
                new CapturedPayload
                {
                    FileName = DefaultName + ".sql",
                    Kind = PayloadKind.Database,
                    Format = PayloadFormat.SqliteSql,
                    RestoreName = DefaultName + ".db",
                    Length = new FileInfo(text).Length,
                    OpenRead = Open,
                    CollectFacts = _ => Task.FromResult(facts),
                },
            ],
            Tools = new Dictionary<string, string> { ["SQLite"] = SqliteLibrary.Version },
        };
    }
}
