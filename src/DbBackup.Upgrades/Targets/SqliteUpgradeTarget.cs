using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Restores;

namespace DbBackup.Upgrades.Targets;

/// <summary>A SQLite database file.</summary>
/// <param name="file">The file, and what belongs to its state.</param>
/// <param name="request">The upgrade.</param>
/// <param name="scratch">The scratch folder of a copy; null for the real database.</param>
internal sealed class SqliteUpgradeTarget(UpgradeSubject.SqliteFile file, UpgradeRequest request, LocalWorkspace? scratch = null) : IUpgradeTarget
{
    public IReadOnlyDictionary<string, string?> Environment =>
        request.DatabaseVariable is { } variable ? new Dictionary<string, string?> { [variable] = "sqlite:///" + file.Path } : [];

    public IReadOnlyDictionary<string, string> Mounts => new Dictionary<string, string>();

    public string? WhyNoCopy => request.DatabaseVariable is null ? "the migration cannot be pointed at a copy; set -DatabaseVariable" : null;

    public BackupIntent Intent => new BackupIntent.OfSqlite(file.Path) { LockTimeout = request.LockTimeout, AdditionalPaths = file.AdditionalPaths };

    // SQLite locks last for a transaction; backup and migration wait for them.
    public Task<string?> FindHolderAsync(CancellationToken cancellationToken) => Task.FromResult<string?>(null);

    public Task<SchemaRevision> RevisionAsync(CancellationToken cancellationToken) =>
        Task.Run(() => SchemaRevisions.OfFile(file.Path, request.LockTimeout, cancellationToken), cancellationToken);

    public Task<string?> FindDamageAsync(CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            using SqliteDatabase database = SqliteDatabase.OpenLive(file.Path, request.LockTimeout, cancellationToken);
            return SqliteCheck.FindDamage(database, thorough: true);
        },
        cancellationToken);

    public Task<IReadOnlySet<string>?> FilledTablesAsync(Payload payload, CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            if (payload.Kind != PayloadKind.Database)
                return null;
            using SqliteDatabase database = SqliteDatabase.OpenLive(file.Path, request.LockTimeout, cancellationToken);
            string[] tables = [.. database.Rows("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'", row => row.GetString(0))];
            return (IReadOnlySet<string>?)tables.Where(table => HasRows(database, table)).ToHashSet(StringComparer.Ordinal);
        },
        cancellationToken);

    // A table of an extension that is not here cannot be read, and is not called empty.
    private static bool HasRows(SqliteDatabase database, string table)
    {
        try
        {
            return database.Number($"SELECT EXISTS (SELECT 1 FROM {SqliteDatabase.Quote(table)})") == 1;
        }
        catch (BackupException)
        {
            return true;
        }
    }

    public Task<object?> QueryScalarAsync(string sql, CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            using SqliteDatabase database = SqliteDatabase.OpenLive(file.Path, request.LockTimeout, cancellationToken);
            return database.Rows(sql, row => row.GetValue(0)).FirstOrDefault();
        },
        cancellationToken);

    public async Task<IUpgradeTarget> CopyAsync(Backup backup, BackupRepository repository, IOperationObserver observer, CancellationToken cancellationToken)
    {
        // In the repository, which has room and whose next run removes leftovers of a killed one.
        LocalWorkspace folder = await repository.OpenScratchAsync(null, BackupRepository.RequireManifest(backup).Payloads.Sum(payload => payload.OriginalSize), cancellationToken).ConfigureAwait(false);
        try
        {
            string copy = Path.Combine(Directory.CreateDirectory(Path.Combine(folder.Path, "rehearsal")).FullName, Path.GetFileName(file.Path));
            PreparedRestore restore = await PreparedRestore.PrepareAsync(
                repository, new RestoreRequest { Backup = backup, Destination = copy, Content = ContentKind.Database, NoSafetyBackup = true }, changeNothing: false, observer, cancellationToken).ConfigureAwait(false);
            await restore.RunAsync(observer, cancellationToken).ConfigureAwait(false);
            return new SqliteUpgradeTarget(new UpgradeSubject.SqliteFile(copy), request, folder);
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    // SQLite deletes the journal of a commit without flushing the folder: if a power loss brought it back, it would roll the migration back.
    public Task FlushAsync(CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            foreach (string part in new[] { file.Path, file.Path + "-wal" }.Where(Presence.IsFile))
                DurableFiles.FlushTree(part, cancellationToken);
            DurableFiles.FlushDirectory(Path.GetDirectoryName(file.Path)!);
        },
        cancellationToken);

    public RestoreRequest RestoreOf(Backup backup, bool keepsPresent) => new() { Backup = backup, NoSafetyBackup = !keepsPresent, LockTimeout = request.LockTimeout };

    public ValueTask DisposeAsync()
    {
        scratch?.Dispose();
        return ValueTask.CompletedTask;
    }
}
