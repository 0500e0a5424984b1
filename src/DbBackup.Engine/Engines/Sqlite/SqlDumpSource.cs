namespace DbBackup.Engine.Engines.Sqlite;

/// <summary>An existing SQL dump of a SQLite database, which is imported as it is once it has been loaded for a trial.</summary>
/// <param name="file">The dump.</param>
internal sealed class SqlDumpSource(ForeignFile file) : IBackupSource
{
    // SQL text shrinks to between a fifth and a tenth; the loaded database is about as large as the text.
    private const int GuessedRatio = 8;

    public string Engine => SqliteSource.EngineName;

    public string DefaultName
    {
        get
        {
            string name = Path.GetFileNameWithoutExtension(file.Path);
            return file.Compression == PayloadCompression.None ? name : Path.GetFileNameWithoutExtension(name);
        }
    }

    public string Location => file.Path;

    public Task<SourcePreview> InspectAsync(CancellationToken cancellationToken)
    {
        long size = new FileInfo(file.Path).Length * (file.Compression == PayloadCompression.None ? 1 : GuessedRatio);
        return Task.FromResult(new SourcePreview(size, 2 * size));
    }

    public async Task<Capture> CaptureAsync(CaptureContext context, CancellationToken cancellationToken)
    {
        string text = Path.Combine(context.StagingFolder, "imported.sql");
        string database = Path.Combine(context.StagingFolder, "imported.db");
        context.Observer.Progress(new OperationProgress(context.Activity, $"loading {Path.GetFileName(file.Path)} for a trial"));
        await file.DecompressAsync(text, cancellationToken).ConfigureAwait(false);

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
                $"'{file.Path}' loads without an error and gives no tables: it is the dump of a damaged or empty database.",
                "Use another dump.")
            { Target = file.Path };
        }

        File.Delete(database);
        return new Capture
        {
            Taken = new DateTimeOffset(File.GetLastWriteTimeUtc(file.Path)),
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
