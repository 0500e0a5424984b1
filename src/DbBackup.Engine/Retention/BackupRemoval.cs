using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Load;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Retention;

/// <summary>What is decided of one backup that somebody wants to remove.</summary>
/// <param name="Backup">The backup.</param>
/// <param name="Refusal">Why it stays; null where it may go.</param>
public sealed record RemovalDecision(Backup Backup, BackupException? Refusal);

/// <summary>Removes backups, and keeps the last good one of each source.</summary>
public sealed class BackupRemoval
{
    private readonly BackupRepository _repository;

    /// <summary>Creates the removal for a repository.</summary>
    public BackupRemoval(BackupRepository repository) => _repository = repository;

    /// <summary>
    /// Decides which of the chosen backups may go. Where all good backups of a source were chosen, the newest of them stays.
    /// </summary>
    /// <param name="chosen">What somebody wants to remove, all of it at once.</param>
    /// <param name="force">Whether the last good one may go too.</param>
    /// <param name="cancellationToken">Stops the decision.</param>
    public async Task<IReadOnlyList<RemovalDecision>> DecideAsync(IReadOnlyList<Backup> chosen, bool force, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(chosen);
        var kept = new HashSet<string>(StringComparer.Ordinal);
        if (!force)
        {
            foreach (string source in chosen.Select(backup => backup.Source).Distinct(StringComparer.Ordinal))
            {
                IReadOnlyList<Backup> all = await _repository.ListAsync(source, cancellationToken).ConfigureAwait(false);
                HashSet<string> goes = [.. chosen.Where(backup => backup.Source == source).Select(backup => backup.Name)];
                if (LastGoodOf(all, backup => goes.Contains(backup.Name)) is { } last)
                    kept.Add(last.ToString());
            }
        }

        return [.. chosen.Select(backup => new RemovalDecision(backup, kept.Contains(backup.ToString()) ? Refuse(backup) : null))];
    }

    /// <summary>Removes one backup; of a database that is kept on its server, also that database.</summary>
    /// <param name="backup">The backup.</param>
    /// <param name="force">Whether the last good one may go too, and an entry whose database cannot be reached.</param>
    /// <param name="connection">Who connects to a server, where the backup lies on one.</param>
    /// <param name="observer">Hears of the progress.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="BackupException">It is the last good one by now, it is in use, or it is gone.</exception>
    public async Task<bool> RemoveAsync(
        Backup backup, bool force, PostgreSqlConnectionRequest connection, IOperationObserver observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(backup);
        ArgumentNullException.ThrowIfNull(observer);
        IBackupStorage storage = _repository.Storage;
        storage.PrepareForWriting();
        // Two removals at once could each see the other's backup as the good one that stays.
        using IDisposable alone = storage.LockForRemoval(cancellationToken);
        if (!force)
        {
            IReadOnlyList<Backup> all = await _repository.ListAsync(backup.Source, cancellationToken).ConfigureAwait(false);
            if (LastGoodOf(all, other => other.Name == backup.Name) is not null)
                throw Refuse(backup);
        }

        if (backup.Manifest?.Kept is { } kept)
            await DropAsync(kept, connection, force, observer, cancellationToken).ConfigureAwait(false);
        storage.Remove(new BackupKey(backup.Source, backup.Name));
        observer.Verbose($"Removed '{backup}', {ByteSize.Format(backup.Size)}.");
        return true;
    }

    private static async Task DropAsync(KeptDatabase kept, PostgreSqlConnectionRequest connection, bool force, IOperationObserver observer, CancellationToken cancellationToken)
    {
        try
        {
            PostgreSqlConnectionSettings server = await PostgreSqlTarget.ResolveAsync(connection, kept.Location, kept.Username, cancellationToken).ConfigureAwait(false);
            using PostgreSqlSession maintenance = await PostgreSqlSession.OpenMaintenanceAsync(server, null, cancellationToken).ConfigureAwait(false);
            string name = await PostgreSqlTarget.RequireKeptAsync(maintenance, kept, cancellationToken).ConfigureAwait(false);
            await WorkDatabase.DropAsync(maintenance, name, cancellationToken).ConfigureAwait(false);
            observer.Verbose($"Dropped the kept database '{name}'.");
        }
        catch (BackupException failure) when (force)
        {
            observer.Warning($"Only the entry is removed, not the database '{kept.Location}': {failure.Message}");
        }
    }

    // The newest good backup among those that go, where none would stay. Safety backups hold what somebody wanted to get rid of:
    // they do not count as good ones that stay, unless nothing else was ever there.
    private static Backup? LastGoodOf(IReadOnlyList<Backup> all, Func<Backup, bool> goes)
    {
        List<Backup> good = [.. all.Where(backup => backup.IsGood && backup.Manifest?.Kept is null)];
        List<Backup> wanted = [.. good.Where(backup => backup.Type != BackupType.Safety)];
        List<Backup> counted = wanted.Count > 0 ? wanted : good;
        return counted.TrueForAll(backup => goes(backup)) ? counted.FirstOrDefault() : null;
    }

    private static BackupFailure Refuse(Backup backup) => new(
        ErrorCodes.LastGoodBackup,
        FailureCategory.Refused,
        $"'{backup}' is the last good backup of '{backup.Source}', so it was kept.",
        "Make a new one first (New-DbBackup), or remove it all the same with -Force.")
    { Target = backup.ToString() };
}
