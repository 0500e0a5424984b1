using System.Collections;
using System.Management.Automation;
using DbBackup.PowerShell.Completion;

namespace DbBackup.PowerShell.Parameters;

/// <summary>What is kept of each source's backups.</summary>
internal sealed class RetentionParameters
{
    /// <summary>The policy: how many hours, days, weeks, months and years are kept, as in 7d,4w,12m.</summary>
    [RetentionPolicyTransformation]
    [ArgumentCompleter(typeof(RetentionCompleter))]
    public RetentionPolicy? Retention { get; set; }

    /// <summary>How many of the newest are kept.</summary>
    [ValidateRange(0, int.MaxValue)]
    public int? KeepLast { get; set; }

    /// <summary>For how many hours the newest is kept.</summary>
    [ValidateRange(0, int.MaxValue)]
    public int? KeepHourly { get; set; }

    /// <summary>For how many days the newest is kept.</summary>
    [ValidateRange(0, int.MaxValue)]
    public int? KeepDaily { get; set; }

    /// <summary>For how many weeks the newest is kept.</summary>
    [ValidateRange(0, int.MaxValue)]
    public int? KeepWeekly { get; set; }

    /// <summary>For how many months the newest is kept.</summary>
    [ValidateRange(0, int.MaxValue)]
    public int? KeepMonthly { get; set; }

    /// <summary>For how many years the newest is kept.</summary>
    [ValidateRange(0, int.MaxValue)]
    public int? KeepYearly { get; set; }

    /// <summary>All are kept that are at most so old.</summary>
    [AgeTransformation]
    public TimeSpan? KeepWithin { get; set; }

    /// <summary>How long backups of a reason are kept, as in @{ PreMigration = '90d' }.</summary>
    [ValidateNotNull]
    public IDictionary? KeepReason { get; set; }

    /// <summary>The day with which a week ends.</summary>
    public DayOfWeek? WeeklyOn { get; set; }

    /// <summary>The time zone whose hours and days count.</summary>
    [ArgumentCompleter(typeof(TimeZoneCompleter))]
    public string? TimeZone { get; set; }

    /// <summary>How far the newest backup must have proved itself before older ones are removed.</summary>
    [ValidateSet(nameof(BackupStatus.Written), nameof(BackupStatus.Checked), nameof(BackupStatus.Restored), nameof(BackupStatus.Matched))]
    public BackupStatus? RequiredStatus { get; set; }

    /// <summary>The part of the previous backup that a backup must have to count.</summary>
    [ValidateRange(0.25, 1.0)]
    public double? CollapseBelow { get; set; }

    /// <summary>Returns the policy; null if no parameter says what is kept.</summary>
    /// <exception cref="BackupFailure">The parameters contradict each other.</exception>
    public RetentionPolicy? ToPolicy()
    {
        if (Retention is null && KeepWithin is null && KeepReason is null && Counts().All(count => count.Given is null))
            return null;
        try
        {
            RetentionPolicy policy = Retention ?? new RetentionPolicy();
            foreach ((string name, int? given, int already, Func<RetentionPolicy, int, RetentionPolicy> set) in Counts())
                policy = given is null ? policy : already == 0 ? set(policy, given.Value) : throw Twice(name);
            if (KeepWithin is not null && policy.Within is not null)
                throw Twice(nameof(KeepWithin));
            return policy with
            {
                Within = KeepWithin ?? policy.Within,
                ByReason = KeepReason is null ? policy.ByReason : WithReasons(policy.ByReason, KeepReason),
                WeeklyOn = WeeklyOn ?? policy.WeeklyOn,
                TimeZone = TimeZone ?? policy.TimeZone,
                RequiredStatus = RequiredStatus ?? policy.RequiredStatus,
                CollapseBelow = CollapseBelow ?? policy.CollapseBelow,
            };
        }
        catch (FormatException exception)
        {
            throw new BackupFailure(ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, exception.Message, "See the help: Get-Help Invoke-DbBackupRetention -Full.", exception);
        }
    }

    private (string Name, int? Given, int Already, Func<RetentionPolicy, int, RetentionPolicy> Set)[] Counts() =>
    [
        (nameof(KeepLast), KeepLast, Retention?.Last ?? 0, (policy, count) => policy with { Last = count }),
        (nameof(KeepHourly), KeepHourly, Retention?.Hourly ?? 0, (policy, count) => policy with { Hourly = count }),
        (nameof(KeepDaily), KeepDaily, Retention?.Daily ?? 0, (policy, count) => policy with { Daily = count }),
        (nameof(KeepWeekly), KeepWeekly, Retention?.Weekly ?? 0, (policy, count) => policy with { Weekly = count }),
        (nameof(KeepMonthly), KeepMonthly, Retention?.Monthly ?? 0, (policy, count) => policy with { Monthly = count }),
        (nameof(KeepYearly), KeepYearly, Retention?.Yearly ?? 0, (policy, count) => policy with { Yearly = count }),
    ];

    private BackupFailure Twice(string name) => new(
        ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"-{name} and -Retention {Retention} both say the same rule.", "Omit one of them.");

    private static Dictionary<string, TimeSpan> WithReasons(IReadOnlyDictionary<string, TimeSpan> usual, IDictionary given)
    {
        var ages = new Dictionary<string, TimeSpan>(usual, StringComparer.OrdinalIgnoreCase);
        foreach (DictionaryEntry each in given)
        {
            string reason = each.Key.ToString()!;
            object? value = each.Value is PSObject wrapped ? wrapped.BaseObject : each.Value;
            // No rule of its own: it counts among the others.
            if (value is null or "none")
                ages.Remove(reason);
            else
                ages[reason] = AgeTransformationAttribute.Parse(value);
        }

        return ages;
    }
}
