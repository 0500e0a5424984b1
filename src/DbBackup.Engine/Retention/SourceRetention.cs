using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Signatures;

namespace DbBackup.Engine.Retention;

/// <summary>Decides which backups of one source a policy keeps.</summary>
/// <param name="backups">All backups of the source, newest first.</param>
/// <param name="policy">The policy.</param>
/// <param name="now">The moment.</param>
/// <param name="needs">Returns the backups without which one cannot be restored.</param>
internal sealed class SourceRetention(IReadOnlyList<Backup> backups, RetentionPolicy policy, DateTimeOffset now, Func<Backup, IEnumerable<Backup>> needs)
{
    private readonly Dictionary<Backup, List<string>> _kept = [];
    private readonly Dictionary<Backup, string> _outdated = [];
    private readonly HashSet<Backup> _collapsed = CollapsedBackups.Of(backups, policy.CollapseBelow);
    private readonly TimeZoneInfo _zone = policy.GetTimeZone();

    /// <summary>Why nothing is removed; null if what is outdated may go.</summary>
    public RetentionStop? Stop { get; private set; }

    /// <summary>Decides of each backup.</summary>
    public IEnumerable<RetentionDecision> Decide()
    {
        Stop = FindStop();
        KeepUncounted();
        Backup? newestGood = backups.FirstOrDefault(backup => IsWholeOrdinary(backup) && backup.IsGood && !_collapsed.Contains(backup));
        if (newestGood is not null)
            Keep(newestGood, "newest good backup");
        // One that was only written does not stand for one that was tested.
        if (newestGood?.Status < BackupStatus.Checked && backups.FirstOrDefault(backup => IsWholeOrdinary(backup) && backup.IsGood && backup.Status >= BackupStatus.Checked && !_collapsed.Contains(backup)) is { } tested)
            Keep(tested, "newest tested backup");
        // From the newest good one: while backups fail, nothing grows older. A clock that was wrong makes nothing older than it is.
        DateTimeOffset? asOf = newestGood is null ? null : Earlier(newestGood.Manifest!.Created, now);
        Backup[] counted = [.. backups.Where(backup => WhyUncounted(backup) is null)];
        foreach (Backup backup in counted)
            ApplyReason(backup, asOf);
        // What is not whole, or holds far less than what was there, takes no place of one that holds all.
        foreach (IGrouping<(bool, bool), Backup> group in counted.Where(backup => !HasRuleOfItsReason(backup)).GroupBy(backup => (backup.Scope == BackupScope.Whole, _collapsed.Contains(backup))))
            Count([.. group.OrderByDescending(backup => backup.Manifest!.Created)], asOf);
        if (LastGood.Of(backups, backup => !_kept.ContainsKey(backup)) is { } last)
            Keep(last, "last good backup");
        if (Stop is { } stop)
        {
            foreach (Backup backup in backups.Where(backup => !_kept.ContainsKey(backup)))
                Keep(backup, $"nothing is removed, for '{stop.Newest.Name}' {stop.Reason}");
        }

        KeepNeeded();
        return backups.Select(backup => _kept.TryGetValue(backup, out List<string>? reasons)
            ? new RetentionDecision { Backup = backup, Action = RetentionAction.Keep, Reasons = reasons }
            : new RetentionDecision { Backup = backup, Action = RetentionAction.Remove, Reasons = [_outdated[backup]] });
    }

    private RetentionStop? FindStop()
    {
        if (backups.FirstOrDefault(IsWholeOrdinary) is not { } newest)
            return null;
        string? reason = !newest.IsGood ? SignatureGate.WhyNotGood(newest)
            : _collapsed.Contains(newest) ? "holds far less than the one before it"
            : newest.Status < policy.RequiredStatus ? $"is {newest.Status}, and the policy requires {policy.RequiredStatus}"
            : null;
        if (reason is null)
            return null;
        string hint = !newest.IsGood ? "Make a new one (New-DbBackup)."
            : _collapsed.Contains(newest) ? "If that is right, make a new one with New-DbBackup -AllowCollapse; if not, see whether everything is mounted and the right database is named."
            : $"Test it: Get-DbBackup '{newest}' | Test-DbBackup -Level {(policy.RequiredStatus == BackupStatus.Checked ? BackupTestLevel.Structure : BackupTestLevel.Restore)}";
        return new RetentionStop(newest.Source, newest, reason, hint);
    }

    private void KeepUncounted()
    {
        foreach (Backup backup in backups)
        {
            if (backup.GetHold(now) is { } hold)
                Keep(backup, $"hold: {hold}");
            if (WhyUncounted(backup) is { } why)
                Keep(backup, why);
        }
    }

    // What a policy does not judge: a user decides, or another command does.
    private static string? WhyUncounted(Backup backup) =>
        backup.Manifest?.Kept is not null ? "database kept on its server: remove it with Remove-DbBackup"
        : LastGood.IsTemporary(backup) ? "rehearsal: its upgrade removes it"
        : backup.IsGood ? null
        : $"{backup.Status}: remove it with Remove-DbBackup";

    private static bool IsWholeOrdinary(Backup backup) =>
        backup.Manifest is { Kept: null } && backup.Scope == BackupScope.Whole && BackupSelection.IsOrdinary(backup);

    private bool HasRuleOfItsReason(Backup backup) => policy.ByReason.ContainsKey(backup.Reason!);

    private void ApplyReason(Backup backup, DateTimeOffset? asOf)
    {
        if (!policy.ByReason.TryGetValue(backup.Reason!, out TimeSpan age))
            return;
        if (asOf is null || asOf - backup.Manifest!.Created <= age)
            Keep(backup, $"{backup.Reason} within {RetentionPolicy.AgeText(age)}");
        else
            _outdated[backup] = $"{backup.Reason}, older than {RetentionPolicy.AgeText(age)}";
    }

    private void Count(IReadOnlyList<Backup> newestFirst, DateTimeOffset? asOf)
    {
        for (int index = 0; index < newestFirst.Count; index++)
        {
            Backup backup = newestFirst[index];
            _outdated[backup] = $"no rule of {policy} keeps it";
            if (index < policy.Last)
                Keep(backup, $"last {index + 1} of {policy.Last}");
            if (policy.Within is { } within && (asOf is null || asOf - backup.Manifest!.Created <= within))
                Keep(backup, $"within {RetentionPolicy.AgeText(within)}");
        }

        foreach (RetentionBuckets buckets in RetentionBuckets.Of(policy))
        {
            var taken = new HashSet<string>(StringComparer.Ordinal);
            foreach (Backup backup in newestFirst)
            {
                if (taken.Count == buckets.Count)
                    break;
                string key = buckets.Key(TimeZoneInfo.ConvertTime(backup.Manifest!.Created, _zone));
                if (taken.Add(key))
                    Keep(backup, $"{buckets.Name} {key}");
                else if (ReferenceEquals(backup, newestFirst[^1]))
                    Keep(backup, $"oldest, for there are fewer than {buckets.Count} {buckets.Name}");
            }
        }
    }

    private void KeepNeeded()
    {
        var open = new Stack<Backup>(_kept.Keys);
        while (open.TryPop(out Backup? child))
        {
            foreach (Backup parent in needs(child))
            {
                if (!_kept.ContainsKey(parent))
                    open.Push(parent);
                Keep(parent, $"needed by {child.Name}");
            }
        }
    }

    private void Keep(Backup backup, string reason)
    {
        if (_kept.TryGetValue(backup, out List<string>? reasons))
            reasons.Add(reason);
        else
            _kept[backup] = [reason];
    }

    private static DateTimeOffset Earlier(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;
}
