using System.Globalization;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Restores;

/// <summary>Keeps what a restore is about to replace.</summary>
internal sealed class PresentState(BackupRepository repository, TimeProvider clock)
{
    private static readonly string[] DamageCodes = [ErrorCodes.SourceCorrupt, ErrorCodes.SourceNotSqlite, ErrorCodes.SourceEmpty];

    /// <summary>Takes the safety backup.</summary>
    /// <returns>Null where the present database is too damaged to be backed up, or where there is nothing else to back up.</returns>
    public async Task<Backup?> TryBackUpAsync(
        RestorePlan plan, bool withDatabase, TimeSpan lockTimeout, IOperationObserver observer, CancellationToken cancellationToken)
    {
        var sources = new List<IBackupSource>();
        foreach (RestoreTarget target in plan.Targets.Where(target => target.Action != RestoreAction.Create))
        {
            if (target.Payload.Kind == PayloadKind.Files)
                sources.Add(new FolderSource(target.Path));
            else if (withDatabase)
                sources.Insert(0, new SqliteSource(target.Path, SqliteFormat.Native, lockTimeout, allowEmpty: true));
        }

        if (sources.Count == 0)
            return null;
        var request = new BackupRequest { Sources = sources, SourceName = plan.Backup.Source, Type = BackupType.Safety };
        try
        {
            Backup safety = await new BackupService(repository, clock).CreateAsync(request, observer, cancellationToken).ConfigureAwait(false);
            observer.Verbose($"The present state is kept as '{safety}'.");
            return safety;
        }
        catch (BackupException failure) when (withDatabase && DamageCodes.Contains(failure.Code))
        {
            return null;
        }
        catch (BackupException failure)
        {
            throw new BackupFailure(
                failure.Code,
                failure.Category,
                $"The safety backup of the present state failed, so nothing was restored: {failure.Message}",
                $"{failure.Hint} To restore without one, pass -NoSafetyBackup.",
                failure)
            { Target = failure.Target };
        }
    }

    /// <summary>
    /// Copies a damaged database, which cannot be backed up through SQLite, as it is: perhaps something can still be saved from it.
    /// </summary>
    /// <returns>The copies; beside the database, or beside the folder that is replaced together with it.</returns>
    public List<string> SetAside(RestorePlan plan, RestoreTarget database)
    {
        RestoreTarget? around = plan.Targets.FirstOrDefault(target => RestorePlanner.PathWithin(target.Payload, database.Payload) is not null);
        string folder = Path.GetDirectoryName(around?.Path ?? database.Path)!;
        string stem = Path.Combine(folder, $"{Path.GetFileName(database.Path)}.before-restore-{clock.GetUtcNow().ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture)}");
        var copies = new List<string>();
        foreach (string file in SqliteFile.Sidecars(database.Path).Prepend(database.Path).Where(File.Exists))
        {
            string copy = stem + file[database.Path.Length..];
            File.Copy(file, copy, overwrite: false);
            DurableFiles.FlushFile(copy);
            copies.Add(copy);
        }

        return copies;
    }
}
