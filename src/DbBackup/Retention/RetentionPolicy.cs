using System.Text.Json.Serialization;

namespace DbBackup;

/// <summary>
/// Which backups of a source are kept: so many of the newest, the newest of so many hours, days, weeks, months and years, all of a last
/// period, and for some reasons all up to an age. A backup that none of its rules keeps may be removed.
/// </summary>
/// <remarks>
/// As text it is <c>7d,4w,12m</c>: the counts with their units (h, d, w, m, y), and named values, as in
/// <c>7d,last=3,within=30d,PreMigration=90d,weeklyOn=Saturday,timeZone=Europe/Berlin,status=Checked,collapseBelow=0.5</c>.
/// </remarks>
public sealed partial record RetentionPolicy
{
    /// <summary>How long backups are kept that were made before a migration, and safety backups, where a policy does not say otherwise.</summary>
    public static IReadOnlyDictionary<string, TimeSpan> DefaultByReason { get; } = new SortedDictionary<string, TimeSpan>(StringComparer.OrdinalIgnoreCase)
    {
        [BackupReason.PreMigration] = TimeSpan.FromDays(90),
        [BackupReason.Safety] = TimeSpan.FromDays(14),
    };

    /// <summary>How many of the newest are kept.</summary>
    public int Last { get; init => field = Count(value, nameof(Last)); }

    /// <summary>For how many hours with backups the newest is kept.</summary>
    public int Hourly { get; init => field = Count(value, nameof(Hourly)); }

    /// <summary>For how many days with backups the newest is kept.</summary>
    public int Daily { get; init => field = Count(value, nameof(Daily)); }

    /// <summary>For how many weeks with backups the newest is kept.</summary>
    public int Weekly { get; init => field = Count(value, nameof(Weekly)); }

    /// <summary>For how many months with backups the newest is kept.</summary>
    public int Monthly { get; init => field = Count(value, nameof(Monthly)); }

    /// <summary>For how many years with backups the newest is kept.</summary>
    public int Yearly { get; init => field = Count(value, nameof(Yearly)); }

    /// <summary>All are kept that are at most so old; null for no such rule.</summary>
    public TimeSpan? Within { get; init => field = value is null ? null : Age(value.Value, nameof(Within)); }

    /// <summary>How long the backups of a reason are kept. They count in no other rule.</summary>
    public IReadOnlyDictionary<string, TimeSpan> ByReason { get; init => field = Ages(value); } = DefaultByReason;

    /// <summary>The day with which a week ends: the weekly backup is the newest up to and including this day.</summary>
    [JsonConverter(typeof(JsonStringEnumConverter<DayOfWeek>))]
    public DayOfWeek WeeklyOn { get; init => field = Enum.IsDefined(value) ? value : throw new FormatException($"{value} is no day of the week."); } = DayOfWeek.Sunday;

    /// <summary>The time zone whose hours, days and months count, such as <c>Europe/Berlin</c>; null for the zone of the machine on which the policy is carried out.</summary>
    public string? TimeZone { get; init => field = value is null ? null : Zone(value).Id; }

    /// <summary>How far a source's newest backup must have proved itself before older ones are removed.</summary>
    [JsonConverter(typeof(JsonStringEnumConverter<BackupStatus>))]
    public BackupStatus RequiredStatus
    {
        get;
        init => field = Enum.IsDefined(value) && value >= BackupStatus.Written ? value : throw new FormatException("The required status is Written, Checked, Restored or Matched.");
    }

    /// <summary>
    /// The part of the previous backup's rows, files or bytes of which a backup must have at least so much to count, between 0.25 and 1; null for
    /// what New-DbBackup has recorded, which is a quarter.
    /// </summary>
    public double? CollapseBelow
    {
        get;
        init => field = value is null or (>= 0.25 and <= 1) ? value : throw new FormatException("The part that a backup must have of the previous one lies between 0.25 and 1.");
    }

    /// <summary>True if no rule keeps an ordinary backup. Such a policy is not carried out.</summary>
    [JsonIgnore]
    public bool KeepsNothing => Last + (long)Hourly + Daily + Weekly + Monthly + Yearly == 0 && (Within ?? TimeSpan.Zero) == TimeSpan.Zero;

    /// <summary>Returns the time zone whose hours, days and months count.</summary>
    public TimeZoneInfo GetTimeZone() => TimeZone is null ? TimeZoneInfo.Local : Zone(TimeZone);

    /// <summary>True if both keep the same backups.</summary>
    public bool Equals(RetentionPolicy? other) => other is not null && ToString() == other.ToString();

    /// <inheritdoc/>
    public override int GetHashCode() => ToString().GetHashCode(StringComparison.Ordinal);

    private static int Count(int value, string name) => value >= 0 ? value : throw new FormatException($"{name} counts backups: {value} is less than none.");

    private static TimeSpan Age(TimeSpan value, string name) => value >= TimeSpan.Zero ? value : throw new FormatException($"The age of {name} is negative.");

    private static SortedDictionary<string, TimeSpan> Ages(IReadOnlyDictionary<string, TimeSpan>? ages)
    {
        var copy = new SortedDictionary<string, TimeSpan>(StringComparer.OrdinalIgnoreCase);
        foreach ((string reason, TimeSpan age) in ages ?? DefaultByReason)
            copy[Reason(reason)] = Age(age, reason);
        return copy;
    }

    private static TimeZoneInfo Zone(string id)
    {
        try
        {
            return TimeZoneInfo.FindSystemTimeZoneById(id);
        }
        catch (Exception exception) when (exception is TimeZoneNotFoundException or InvalidTimeZoneException or System.Security.SecurityException or ArgumentException)
        {
            throw new FormatException($"This machine knows no time zone '{id}'. Write one as in Europe/Berlin, or UTC.", exception);
        }
    }
}
