using DbBackup.Engine.Engines.Instructions;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.Sqlite;

/// <summary>SQLite, as the rest of the house sees it.</summary>
internal sealed class SqliteEngine : IFileEngine
{
    public string Name => SqliteSource.EngineName;

    public IReadOnlyCollection<string> Formats { get; } = [nameof(PayloadFormat.SqliteFile), nameof(PayloadFormat.SqliteSql)];

    public string StockTools => "sqlite3";

    public string ForeignFiles => "a SQLite file or its SQL dump, a PATS folder with backup_metadata.json";

    public ForeignDump? Recognize(ForeignFile file) => SqliteImport.Recognize(file);

    public Task<DatabaseTestOutcome> TestAsync(DatabaseTestRun run, CancellationToken cancellationToken) => SqliteTest.RunAsync(run, cancellationToken);

    public string ExportName(Payload payload, string name, ExportFormat format) => SqliteExport.NameOf(payload, name, format);

    public Task ExportAsync(BackupContent content, Payload payload, string path, ExportFormat format, CancellationToken cancellationToken) =>
        SqliteExport.WriteAsync(content, payload, path, format, cancellationToken);

    public bool IsDatabase(string path) => Presence.IsFile(path) && SqliteFile.HoldsDatabase(SqliteFile.RealPath(path), SqliteFile.Length(path));

    public string? ReadSchemaRevision(string path, TimeSpan lockTimeout, CancellationToken cancellationToken)
    {
        using SqliteDatabase database = SqliteDatabase.OpenLive(path, lockTimeout, cancellationToken);
        return SqliteFingerprint.SchemaRevision(database);
    }

    public Task RestoreAsync(BackupContent content, Payload payload, string file, IProgress<long>? progress, CancellationToken cancellationToken) =>
        SqliteRestore.RestoreAsync(content, payload, file, progress, cancellationToken);

    public void RequireEqual(Payload payload, string file, CancellationToken cancellationToken)
    {
        // What was damaged when it was captured has nothing to be compared with but its hash.
        if (payload is not { Damage: not null, Fingerprint: null })
            SqliteRestore.RequireEqual(payload, file, cancellationToken);
    }

    public string RestoreCommand(Payload payload, string target) =>
        payload.Format == PayloadFormat.SqliteSql ? $"{ShellText.Read(payload)} | sqlite3 -bail {target}" : $"{ShellText.Read(payload)} > {target}";

    public void WriteCheck(InstructionText text, IReadOnlyList<Payload> payloads)
    {
        text.Step(payloads.Count == 1 ? "Check the database; it must say ok:" : "Check the databases; each must say ok:");
        foreach (Payload payload in payloads)
        {
            text.Command($"sqlite3 {ShellText.Quote(ShellText.RestoredPath(payload))} 'PRAGMA integrity_check'");
            if (payload.SchemaRevision is { } revision)
                text.Remark($"Its Alembic revision is {revision}.");
        }

        text.Line();
    }

    public IReadOnlyList<string> Companions => SqliteFile.SidecarSuffixes;

    public IBackupSource PresentState(string path, TimeSpan lockTimeout) => new SqliteSource(path, SqliteFormat.Native, lockTimeout, allowEmpty: true);

    public IHeldFile? TryHold(string path, TimeSpan lockTimeout, CancellationToken cancellationToken) => SqliteWriterLock.TryTake(path, lockTimeout, cancellationToken);

    public bool IsDamaged(string path, TimeSpan lockTimeout)
    {
        try
        {
            using SqliteDatabase present = SqliteDatabase.OpenLive(path, lockTimeout, CancellationToken.None);
            return SqliteCheck.FindDamage(present, thorough: false) is not null;
        }
        catch (BackupException failure)
        {
            return !SqliteFailures.IsOfHotJournal(failure);
        }
    }

    public SchemaDefinitions? ReadDefinitions(string file, CancellationToken cancellationToken) => SqliteFingerprint.Definitions(file, cancellationToken);

    public async Task<SchemaDefinitions?> ReadDefinitionsAsync(BackupContent content, Payload payload, Func<long, Task<string>> openScratch, CancellationToken cancellationToken)
    {
        string file = Path.Combine(await openScratch(2 * payload.RestoredSize).ConfigureAwait(false), $"{Guid.NewGuid():N}.db");
        await RestoreAsync(content, payload, file, null, cancellationToken).ConfigureAwait(false);
        SchemaDefinitions? definitions = ReadDefinitions(file, cancellationToken);
        File.Delete(file);
        return definitions;
    }

    public bool CanWriteInto => true;

    public void WriteInto(string restored, string live, TimeSpan lockTimeout, Action<long, long> progress, CancellationToken cancellationToken) =>
        SqliteSnapshot.WriteInto(restored, live, lockTimeout, progress, cancellationToken);

    public void Copy(string live, string copy, TimeSpan lockTimeout, CancellationToken cancellationToken) =>
        SqliteSnapshot.Take(live, copy, lockTimeout, TimeProvider.System, (_, _) => { }, cancellationToken);

    public void RollBack(string path, TimeSpan lockTimeout)
    {
        if (!Presence.IsFile(path) || !Presence.IsFile(path + "-journal"))
            return;
        // SQLite rolls back when a connection that may write first reads.
        using SqliteDatabase opened = SqliteDatabase.OpenForWriting(path, lockTimeout, CancellationToken.None, mustExist: true);
        opened.Number("PRAGMA schema_version");
    }

    public void WritePlacing(InstructionText text)
    {
        text.Step("Put it in place. The old database's -wal, -shm and -journal files MUST go with the old database:");
        text.Remark("left beside the new one they damage it or undo the restore.");
    }
}
