using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Restores;

/// <summary>
/// Finishes or undoes what killed restores left. Where nothing was swapped yet, what they staged is deleted. Where the swap had begun, it
/// is finished; unless databases of a server belong to it that were not swapped: then the rest is undone.
/// </summary>
internal static class RestoreRecovery
{
    private static readonly TimeSpan RollBackTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Puts right what killed restores left where these paths lie.</summary>
    /// <param name="paths">Files and folders.</param>
    /// <param name="observer">Receives what was put right.</param>
    /// <param name="cancellationToken">Stops the question to a server.</param>
    /// <returns>True if there was anything to put right.</returns>
    /// <exception cref="BackupException">A server does not answer whose databases were part of a killed restore.</exception>
    public static Task<bool> RunAsync(IEnumerable<string> paths, IOperationObserver observer, CancellationToken cancellationToken) =>
        RunAsync(paths, new PostgreSqlConnectionRequest(), observer, cancellationToken);

    /// <summary>The same with an address and password that complete what a journal says of a server.</summary>
    internal static async Task<bool> RunAsync(IEnumerable<string> paths, PostgreSqlConnectionRequest connection, IOperationObserver observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(paths);
        bool any = false;
        // A link is restored where it leads to: the journal lies there.
        IEnumerable<string> places = paths.SelectMany(path =>
            Presence.IsFile(path) && File.ResolveLinkTarget(path, returnFinalTarget: true) is { } real ? [path, real.FullName] : (string[])[path]);
        foreach (string folder in places.Select(Path.GetDirectoryName).OfType<string>().Distinct(StringComparer.Ordinal))
        {
            foreach (RestoreJournal.Abandoned journal in RestoreJournal.FindAbandoned(folder, path => WarnOfForeign(path, observer)))
            {
                await PutRightAsync(folder, journal, connection, observer, cancellationToken).ConfigureAwait(false);
                any = true;
            }
        }

        return any;
    }

    private static void WarnOfForeign(string path, IOperationObserver observer) => observer.Warning(
        $"'{path}' is named like the journal of a restore, and is not this user's own: it was left alone. If a restore of another user was killed there, let them run New-DbBackup or Restore-DbBackup once more; otherwise delete it.");

    private static async Task PutRightAsync(
        string folder, RestoreJournal.Abandoned journal, PostgreSqlConnectionRequest connection, IOperationObserver observer, CancellationToken cancellationToken)
    {
        bool begun = journal.Renames.Any(swap => swap.HasBegun) || journal.Writes.Any(swap => swap.IsDone);
        bool finish = journal.Progress == RestoreJournal.Progress.Done
            || (journal.Progress == RestoreJournal.Progress.Swapping
                && (journal.Commit is null ? begun : await IsCommittedAsync(folder, journal.Commit, connection, cancellationToken).ConfigureAwait(false)));
        bool undo = !finish && journal.Progress >= RestoreJournal.Progress.Swapping && begun;
        // Of the restore's own writes (it left WAL mode, or wrote into an open database) a hot journal may be left. A connection
        // that only reads would be refused until one that writes has rolled it back.
        foreach (StagedSwap swap in finish || undo ? journal.Writes : journal.Renames.Concat(journal.Writes))
            RollBack(swap, observer);
        foreach (StagedSwap swap in journal.Renames)
        {
            if (finish)
                swap.Swap();
            else if (undo)
                swap.Undo();
            else
                swap.Discard();
        }

        foreach (StagedSwap swap in journal.Writes)
        {
            if (undo && Presence.IsFile(swap.Old))
                DatabaseEngines.FileNamed(swap.Engine!).WriteInto(swap.Old, swap.Target, RollBackTimeout, (_, _) => { }, cancellationToken);
            swap.Discard();
        }

        if (finish && journal.Record is { } pending)
            await TryRecordAsync(pending, observer, cancellationToken).ConfigureAwait(false);
        foreach (StagedSwap swap in journal.Renames.Concat(journal.Writes))
            swap.Complete();
        journal.Remove();
        string what = string.Join(", ", journal.Renames.Concat(journal.Writes).Select(swap => swap.Target));
        observer.Warning(finish ? $"A restore that was killed in the middle of its swap in '{folder}' has been completed: {what}."
            : undo ? $"A restore that was killed in the middle of its swap in '{folder}' has been undone, because its other databases had not been swapped: {what}."
            : $"A restore that was killed before its swap in '{folder}' has been cleaned up; nothing had been changed by it.");
    }

    private static async Task<bool> IsCommittedAsync(string folder, CommitPoint commit, PostgreSqlConnectionRequest connection, CancellationToken cancellationToken)
    {
        if (commit.ObjectId is null)
            return false;
        try
        {
            return await ServerRestores.Of(commit.Engine).IsCommittedAsync(commit, connection, cancellationToken).ConfigureAwait(false);
        }
        catch (BackupException failure)
        {
            throw new BackupFailure(
                failure.Code,
                failure.Category,
                $"A restore was killed in the middle of its swap in '{folder}', and the server of '{commit.Location}', which tells how far it came, does not answer: {failure.Message}",
                $"Nothing was changed. {failure.Hint} Then run the same command again, with the server's connection (PGPASSWORD, or the connection parameters of Restore-DbBackup).",
                failure)
            { Target = commit.Location, CanRetry = true };
        }
    }

    private static async Task TryRecordAsync(PendingRecord pending, IOperationObserver observer, CancellationToken cancellationToken)
    {
        try
        {
            await new RestoreRecords(Repository.BackupRepository.At(pending.Repository)).AddAsync(pending.Record, cancellationToken).ConfigureAwait(false);
        }
        catch (BackupException failure)
        {
            observer.Warning($"The killed restore is complete, but it cannot be undone with Undo-DbRestore: {failure.Message} Its safety backup is in the repository.");
        }
    }

    private static void RollBack(StagedSwap swap, IOperationObserver observer)
    {
        if (swap.Engine is null)
            return;
        try
        {
            DatabaseEngines.FileNamed(swap.Engine).RollBack(swap.Target, RollBackTimeout);
        }
        catch (BackupException failure)
        {
            observer.Warning($"The killed restore's last transaction on '{swap.Target}' could not be rolled back: {failure.Message}");
        }
    }
}
