using System.Runtime.CompilerServices;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Retention;

/// <content>Removes what a policy does not keep.</content>
public sealed partial class BackupRemoval
{
    /// <summary>Returns, for a listing, what says without which of its backups one cannot be restored.</summary>
    internal Func<IReadOnlyList<Backup>, Func<Backup, IEnumerable<Backup>>> NeedsIn { get; init; } = ParentBackups.NeedsIn;

    /// <summary>Decides what a policy keeps, and changes nothing.</summary>
    /// <param name="source">The source's exact name; null for all.</param>
    /// <param name="policy">The policy.</param>
    /// <param name="now">The moment.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="BackupException">The policy keeps nothing, or the repository cannot be read.</exception>
    public async Task<RetentionPlan> PlanAsync(string? source, RetentionPolicy policy, DateTimeOffset now, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(policy);
        if (policy.KeepsNothing)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument,
                FailureCategory.InvalidArgument,
                $"The retention policy '{policy}' keeps no backup.",
                "Say what is kept, as in -Retention 7d,4w,12m or -KeepWithin 30d.")
            { Target = policy.ToString() };
        }

        IReadOnlyList<Backup> backups = await _repository.ListAsync(source, cancellationToken).ConfigureAwait(false);
        return RetentionRules.Decide(backups, policy, now, NeedsIn(backups));
    }

    /// <summary>Removes what a plan decided and the user confirmed, as far as the policy still decides so.</summary>
    /// <param name="confirmed">The decisions to carry out.</param>
    /// <param name="policy">The policy of the plan.</param>
    /// <param name="now">The moment of the plan.</param>
    /// <param name="observer">Receives progress.</param>
    /// <param name="cancellationToken">Stops between two removals.</param>
    /// <returns>What became of each, as soon as it is known.</returns>
    /// <exception cref="BackupException">Another process is removing, or the repository cannot be written.</exception>
    public async IAsyncEnumerable<RetentionOutcome> RetainAsync(
        IReadOnlyList<RetentionDecision> confirmed, RetentionPolicy policy, DateTimeOffset now, IOperationObserver observer, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(confirmed);
        ArgumentNullException.ThrowIfNull(observer);
        var deletion = new BackupDeletion(_repository);
        await _repository.PrepareAsync(allowNew: false, cancellationToken).ConfigureAwait(false);
        await using ConfiguredAsyncDisposable alone = (await deletion.BeAloneAsync(cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        // Once for all of them. What was made, locked or tested since the plan counts.
        string[] sources = [.. confirmed.Select(each => each.Source).Distinct(StringComparer.Ordinal).Take(2)];
        RetentionPlan plan = await PlanAsync(sources is [var only] ? only : null, policy, now, cancellationToken).ConfigureAwait(false);
        deletion.Know(plan.Decisions.Select(each => each.Backup));
        Dictionary<string, RetentionDecision> decisions = plan.Decisions.ToDictionary(each => each.Backup.Location, StringComparer.Ordinal);
        Func<Backup, IEnumerable<Backup>> needs = NeedsIn([.. plan.Decisions.Select(each => each.Backup)]);
        var needed = new Dictionary<Backup, Backup>();
        // A backup before those that it needs, which are older.
        foreach (RetentionDecision shown in confirmed)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!decisions.TryGetValue(shown.Backup.Location, out RetentionDecision? decision))
            {
                yield return new RetentionOutcome(shown, BackupSelection.NotFound(shown.Backup.ToString(), _repository.Location));
                continue;
            }

            if (decision.Action == RetentionAction.Remove && needed.TryGetValue(decision.Backup, out Backup? child))
                decision = decision with { Action = RetentionAction.Keep, Reasons = [$"needed by {child.Name}, which could not be removed"] };
            if (decision.Action == RetentionAction.Keep || decision.Backup.Id != shown.Backup.Id)
            {
                yield return new RetentionOutcome(decision, null);
                continue;
            }

            BackupException? failure = await TryDeleteAsync(deletion, decision.Backup, observer).ConfigureAwait(false);
            if (failure is not null)
                Require(decision.Backup, needs, needed);
            yield return new RetentionOutcome(decision with { Removed = failure is null }, failure);
        }
    }

    private async Task<BackupException?> TryDeleteAsync(BackupDeletion deletion, Backup backup, IOperationObserver observer)
    {
        try
        {
            await DiskFailures.GuardAsync(_repository.Location, $"removing '{backup}'", async () =>
            {
                await deletion.RunAsync(backup, observer).ConfigureAwait(false);
                return true;
            }).ConfigureAwait(false);
            observer.Verbose($"Removed '{backup}', {ByteSize.Format(backup.Size)}.");
            return null;
        }
        catch (BackupException failure)
        {
            return failure;
        }
    }

    // What stays needs what it is restored with.
    private static void Require(Backup child, Func<Backup, IEnumerable<Backup>> needs, Dictionary<Backup, Backup> needed)
    {
        foreach (Backup parent in needs(child))
        {
            if (needed.TryAdd(parent, child))
                Require(parent, needs, needed);
        }
    }
}

/// <summary>What became of a removal that a policy decided.</summary>
/// <param name="Decision">The decision as it is now, with what was removed.</param>
/// <param name="Failure">Why it was not removed; null if it was, or if it is kept after all.</param>
public sealed record RetentionOutcome(RetentionDecision Decision, BackupException? Failure);
