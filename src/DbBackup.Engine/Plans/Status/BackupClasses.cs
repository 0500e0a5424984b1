using DbBackup.Engine.Retention;

namespace DbBackup.Engine.Plans.Status;

/// <summary>Counts backups by the rule for which a retention policy keeps them the longest.</summary>
internal static class BackupClasses
{
    /// <summary>The policy of sources that no plan gives one: days for a month, weeks for a quarter, months for a year.</summary>
    public const string DefaultPolicy = "30d,12w,12m";

    private const string Other = nameof(Other), Held = nameof(Held);

    // From the longest-lived one on; what is left of these is a reason (PreMigration) or a state (Damaged).
    private static readonly string[] s_rules = ["Yearly", "Monthly", "Weekly", "Daily", "Hourly", "Within", "Last"];

    /// <summary>Returns the classes that have backups, the most frequent rule first.</summary>
    public static IReadOnlyList<BackupClass> Of(IReadOnlyList<Backup> backups, BackupPlan? plan, DateTimeOffset now)
    {
        if (backups.Count == 0)
            return [];
        return
        [
            .. RetentionRules.Decide(backups, PolicyOf(plan), now).Decisions
                .GroupBy(decision => ClassOf(decision, now))
                .Select(group => new BackupClass { Name = group.Key, Count = group.Count(), Size = group.Sum(decision => decision.Size) })
                .OrderBy(each => OrderOf(each.Name)),
        ];
    }

    /// <summary>The policy of a plan, in its time zone; one that cannot be read is an error of the plan's run, not of this view.</summary>
    public static RetentionPolicy PolicyOf(BackupPlan? plan)
    {
        try
        {
            RetentionPolicy policy = RetentionPolicy.Parse(plan?.Retention ?? DefaultPolicy);
            return policy.TimeZone is null && plan?.TimeZone is { } zone ? policy with { TimeZone = zone } : policy;
        }
        catch (FormatException)
        {
            return RetentionPolicy.Parse(DefaultPolicy);
        }
    }

    /// <summary>The place of a class among the others: from the most frequent rule on, then what no rule keeps.</summary>
    public static (int, string) OrderOf(string name) => (Array.IndexOf(s_rules, name) is >= 0 and var index ? -index : 1, name);

    /// <summary>The class of one backup.</summary>
    public static string ClassOf(RetentionDecision decision, DateTimeOffset now)
    {
        if (!decision.Backup.IsGood)
            return decision.Backup.Status.ToString();
        string? rule = s_rules.FirstOrDefault(name => decision.Reasons.Any(reason => reason.StartsWith(name + " ", StringComparison.OrdinalIgnoreCase)));
        return rule
            // "oldest, for there are fewer than 12 monthly"
            ?? s_rules.FirstOrDefault(name => decision.Reasons.Any(reason => reason.StartsWith("oldest", StringComparison.Ordinal) && reason.EndsWith(name, StringComparison.OrdinalIgnoreCase)))
            ?? (decision.Backup.Reason is BackupReason.PreMigration or BackupReason.Safety or BackupReason.Rehearsal ? decision.Backup.Reason
                : decision.Backup.GetHold(now) is not null ? Held : Other);
    }
}
