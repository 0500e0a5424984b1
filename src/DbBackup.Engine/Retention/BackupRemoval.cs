using System.Runtime.CompilerServices;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Retention;

/// <summary>What is decided of one backup that is to be removed.</summary>
/// <param name="Backup">The backup.</param>
/// <param name="Refusal">Why it stays; null where it may go.</param>
public sealed record RemovalDecision(Backup Backup, BackupException? Refusal);

/// <summary>The only door out of a repository: removes backups, and keeps the last good one of each source.</summary>
public sealed partial class BackupRemoval
{
    private readonly BackupRepository _repository;

    /// <summary>Creates the removal for a repository.</summary>
    public BackupRemoval(BackupRepository repository) => _repository = repository;

    /// <summary>
    /// Decides which of the chosen backups may go. Where all good backups of a source were chosen, the newest of them stays, and so do those that
    /// are locked, and full backups from which one that stays differs.
    /// </summary>
    /// <param name="chosen">What is to be removed, all of it at once.</param>
    /// <param name="force">
    /// True if the last good one may go too, those that are locked, and, with a full backup, those that differ from it: each of them has a decision of its own.
    /// </param>
    /// <param name="cancellationToken">Stops the decision.</param>
    public async Task<IReadOnlyList<RemovalDecision>> DecideAsync(IReadOnlyList<Backup> chosen, bool force, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(chosen);
        var refused = new Dictionary<string, BackupException>(StringComparer.Ordinal);
        var asWell = new List<Backup>();
        foreach (string source in chosen.Select(backup => backup.Source).Distinct(StringComparer.Ordinal))
        {
            IReadOnlyList<Backup> all = await _repository.ListAsync(source, cancellationToken).ConfigureAwait(false);
            HashSet<string> goes = [.. chosen.Where(backup => backup.Source == source).Select(backup => backup.Name)];
            if (!force && LastGood.Of(all, backup => goes.Contains(backup.Name)) is { } last)
                refused[last.ToString()] = Refuse(last);
            foreach (Backup backup in chosen.Where(backup => backup.Source == source))
            {
                if (!force && backup.Hold is { } hold)
                    refused[backup.ToString()] = Held(backup, hold);
            }

            // What stays needs what it is restored with.
            Func<Backup, IEnumerable<Backup>> needs = NeedsIn(all);
            foreach (Backup child in all.Where(each => !goes.Contains(each.Name) || refused.ContainsKey(each.ToString())))
            {
                foreach (Backup parent in needs(child).Where(parent => goes.Contains(parent.Name)))
                {
                    // A lock is taken off by its own name alone.
                    if (force && child.Hold is null)
                        asWell.Add(child);
                    else
                        refused.TryAdd(parent.ToString(), Needed(parent, child.Name));
                }
            }
        }

        return [.. ChildrenFirst([.. asWell.Where(child => !chosen.Any(backup => backup.Location == child.Location)), .. chosen]).Select(backup => new RemovalDecision(backup, refused.GetValueOrDefault(backup.ToString())))];
    }

    // At no moment a backup lies there without the one that it needs.
    private static IEnumerable<Backup> ChildrenFirst(IReadOnlyList<Backup> backups) => backups.OrderBy(backup => backup.Manifest?.Parent is null);

    /// <summary>Removes one backup; of a database that is kept on its server, also that database.</summary>
    /// <param name="backup">The backup.</param>
    /// <param name="force">True if the last good one may go too, one that is locked, and an entry whose database cannot be reached.</param>
    /// <param name="connection">Who connects to a server, where the backup lies on one.</param>
    /// <param name="observer">Receives progress.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="BackupException">It is the last good one by now, it is locked, it is in use, or it is gone.</exception>
    public Task<bool> RemoveAsync(
        Backup backup, bool force, PostgreSqlConnectionRequest connection, IOperationObserver observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(backup);
        ArgumentNullException.ThrowIfNull(observer);
        return DiskFailures.GuardAsync(_repository.Location, $"removing '{backup}'", () => RemoveListedAsync(backup, force, connection, observer, cancellationToken));
    }

    private async Task<bool> RemoveListedAsync(
        Backup backup, bool force, PostgreSqlConnectionRequest connection, IOperationObserver observer, CancellationToken cancellationToken)
    {
        var deletion = new BackupDeletion(_repository);
        await _repository.PrepareAsync(allowNew: false, cancellationToken).ConfigureAwait(false);
        // Two removals at once could each see the other's backup as the good one that stays.
        await using ConfiguredAsyncDisposable alone = (await deletion.BeAloneAsync(cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        IReadOnlyList<Backup> all = await _repository.ListAsync(backup.Source, cancellationToken).ConfigureAwait(false);
        deletion.Know(all);
        Func<Backup, IEnumerable<Backup>> needs = NeedsIn(all);
        Backup[] children = [.. all.Where(each => needs(each).Any(parent => parent.Name == backup.Name))];
        if (!force)
        {
            if (LastGood.Of(all, other => other.Name == backup.Name) is not null)
                throw Refuse(backup);
            // Before the database of an entry is dropped.
            if (all.FirstOrDefault(other => other.Name == backup.Name)?.Hold is { } hold)
                throw Held(backup, hold);
        }

        if (children.Length > 0)
            throw Needed(backup, children[0].Name);

        if (backup is { Manifest.Kept: { } lost, Problem: { } problem })
            observer.Warning($"Only the entry is removed, not the database '{lost.Location}' that it names: {problem}.");
        else if (backup.Manifest is { Kept: { } kept } manifest)
            await DropAsync(manifest, kept, connection, force, observer, cancellationToken).ConfigureAwait(false);
        await deletion.RunAsync(backup, observer, despiteHold: force).ConfigureAwait(false);
        observer.Verbose($"Removed '{backup}', {ByteSize.Format(backup.Size)}.");
        return true;
    }

    /// <summary>Removes a backup that was made for a rehearsal only.</summary>
    /// <exception cref="BackupException">It was made for something else, or is in use.</exception>
    public async Task RemoveTemporaryAsync(Backup backup, IOperationObserver observer)
    {
        ArgumentNullException.ThrowIfNull(backup);
        ArgumentNullException.ThrowIfNull(observer);
        if (!LastGood.IsTemporary(backup))
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.Refused, $"'{backup}' was not made for a rehearsal, so it was kept.", "Remove it with Remove-DbBackup.")
            { Target = backup.ToString() };
        }

        await new BackupDeletion(_repository).RunAsync(backup, observer).ConfigureAwait(false);
        observer.Verbose($"Removed '{backup}', which was made for a rehearsal.");
    }

    /// <summary>Removes the entry of a kept database that was not renamed after all, or has its old name again. Nothing is lost by that.</summary>
    internal Task WithdrawKeptAsync(Backup entry) => entry.Manifest?.Kept is null
        ? throw new ArgumentException($"'{entry}' is no kept database.", nameof(entry))
        : new BackupDeletion(_repository).RunAsync(entry, SilentObserver.Instance, despiteHold: true);

    private static async Task DropAsync(Manifest manifest, KeptDatabase kept, PostgreSqlConnectionRequest connection, bool force, IOperationObserver observer, CancellationToken cancellationToken)
    {
        try
        {
            string name = await DatabaseEngines.OfKept(manifest).DropKeptAsync(manifest, connection, cancellationToken).ConfigureAwait(false);
            observer.Verbose($"Dropped the kept database '{name}'.");
        }
        catch (BackupException failure) when (force)
        {
            observer.Warning($"Only the entry is removed, not the database '{kept.Location}': {failure.Message}");
        }
    }

    /// <summary>Returns the failure for a backup that is locked.</summary>
    internal static BackupFailure Held(Backup backup, BackupHold hold) => new(
        ErrorCodes.BackupHeld,
        FailureCategory.Refused,
        $"'{backup}' is locked ({hold}), so it was kept.",
        $"Unlock it first (Unlock-DbBackup '{backup}'), or remove it anyway with -Force.")
    { Target = backup.ToString() };

    /// <summary>Returns the failure for a full backup from which others differ.</summary>
    internal static BackupFailure Needed(Backup backup, string child) => new(
        ErrorCodes.ParentNeeded,
        FailureCategory.Refused,
        $"'{backup}' is the full backup from which '{child}' differs, so it was kept.",
        $"Remove its incremental backups first (Get-DbBackup -Source '{backup.Source}' | Where Parent -eq '{backup.Name}' | Remove-DbBackup), or choose all of them together. With -Force they are removed with it, unless one is locked.")
    { Target = backup.ToString() };

    private static BackupFailure Refuse(Backup backup) => new(
        ErrorCodes.LastGoodBackup,
        FailureCategory.Refused,
        $"'{backup}' is the last good backup of '{backup.Source}', so it was kept.",
        "Make a new one first (New-DbBackup), or remove it anyway with -Force.")
    { Target = backup.ToString() };
}
