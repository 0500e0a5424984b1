namespace DbBackup.Testing.Retention;

/// <summary>
/// What a policy keeps, written as it is documented and not as it is computed: each backup by itself, with no order of evaluation and no sets that
/// are filled on the way. Slow, and so a judge of what is quick.
/// </summary>
/// <param name="All">All backups of one source, newest first.</param>
/// <param name="Policy">The policy, without <see cref="RetentionPolicy.CollapseBelow"/>.</param>
/// <param name="Now">The moment.</param>
/// <param name="Parents">The backups without which one cannot be restored.</param>
internal sealed record RetentionModel(IReadOnlyList<Backup> All, RetentionPolicy Policy, DateTimeOffset Now, Func<Backup, IEnumerable<Backup>> Parents)
{
    private Dictionary<Backup, DateTimeOffset> LocalTimes { get; } = All.ToDictionary(each => each, each => ToZone(each.Manifest!.Created, Policy.GetTimeZone()));

    private List<Backup> WholeOrdinary { get; } =
        [.. All.Where(each => each.Scope == "Whole" && each.Reason is not ("Safety" or "Rehearsal") && each.KeptOnServer is null)];

    private Backup? NewestGood => WholeOrdinary.Find(each => (int)each.Status >= 0 && !each.IsCollapsed);

    /// <summary>The names of the backups that stay.</summary>
    public HashSet<string> Kept()
    {
        if (IsStopped)
            return [.. All.Select(each => each.Name)];
        HashSet<string> kept = [.. All.Where(each => IsKept(each)).Select(each => each.Name)];
        if (LastResort(kept) is { } last)
            kept.Add(last.Name);
        for (int before = -1; before != kept.Count;)
        {
            before = kept.Count;
            kept.UnionWith(All.Where(each => kept.Contains(each.Name)).SelectMany(Parents).Select(each => each.Name).ToArray());
        }

        return kept;
    }

    /// <summary>True if the newest backup does not stand for the others.</summary>
    public bool IsStopped => WholeOrdinary is [var newest, ..] && (newest.IsCollapsed || newest.Status < Policy.RequiredStatus);

    private bool IsKept(Backup backup)
    {
        bool isBad = (int)backup.Status < 0;
        if (backup.GetHold(Now) is not null || isBad || backup.KeptOnServer is not null || backup.Reason == "Rehearsal" || backup == NewestGood)
            return true;
        if (NewestGood?.Status == BackupStatus.Written && backup == WholeOrdinary.Find(each => (int)each.Status >= 1 && !each.IsCollapsed))
            return true;
        if (Policy.ByReason.TryGetValue(backup.Reason!, out TimeSpan age))
            return AgeOf(backup) <= age;
        Backup[] group = [.. All.Where(each => IsCountedWith(each, backup))];
        return (Policy.Within is { } within && AgeOf(backup) <= within)
            || (Policy.Last > 0 && group.Count(each => IsNewer(each, backup)) < Policy.Last)
            || IsOfPeriod(group, backup, Policy.Hourly, moment => (moment.Year, moment.DayOfYear, moment.Hour, moment.Offset))
            || IsOfPeriod(group, backup, Policy.Daily, moment => (moment.Year, moment.DayOfYear))
            || IsOfPeriod(group, backup, Policy.Weekly, moment => Days(moment).First(day => day.DayOfWeek == Policy.WeeklyOn))
            || IsOfPeriod(group, backup, Policy.Monthly, moment => (moment.Year, moment.Month))
            || IsOfPeriod(group, backup, Policy.Yearly, moment => moment.Year);
    }

    // The newest of its period, of which there are fewer newer ones than the policy counts; or the very oldest, where there are not as many.
    private bool IsOfPeriod<T>(Backup[] group, Backup backup, int count, Func<DateTimeOffset, T> period)
        where T : notnull
    {
        T own = period(Local(backup));
        bool isNewestOfIts = !group.Any(each => IsNewer(each, backup) && period(Local(each)).Equals(own));
        int newerPeriods = group.Where(each => IsNewer(each, backup)).Select(each => period(Local(each))).Where(each => !each.Equals(own)).Distinct().Count();
        bool isOldest = !group.Any(each => IsNewer(backup, each));
        return (isNewestOfIts && newerPeriods < count) || (isOldest && group.Select(each => period(Local(each))).Distinct().Count() < count);
    }

    private bool IsCountedWith(Backup other, Backup backup) =>
        (int)other.Status >= 0 && other.KeptOnServer is null && other.Reason != "Rehearsal" && !Policy.ByReason.ContainsKey(other.Reason!)
        && other.Scope == backup.Scope && other.IsCollapsed == backup.IsCollapsed;

    // By the clock; by their order where that is the same.
    private bool IsNewer(Backup one, Backup other) =>
        one.Manifest!.Created > other.Manifest!.Created || (one.Manifest.Created == other.Manifest.Created && IndexOf(one) < IndexOf(other));

    private int IndexOf(Backup backup)
    {
        for (int index = 0; ; index++)
        {
            if (All[index] == backup)
                return index;
        }
    }

    private TimeSpan AgeOf(Backup backup) => NewestGood is { } good ? Min(good.Manifest!.Created, Now) - backup.Manifest!.Created : TimeSpan.Zero;

    private DateTimeOffset Local(Backup backup) => LocalTimes[backup];

    private static DateTimeOffset ToZone(DateTimeOffset utc, TimeZoneInfo zone) => utc.ToOffset(zone.GetUtcOffset(utc));

    private Backup? LastResort(HashSet<string> kept)
    {
        Backup[] good = [.. All.Where(each => (int)each.Status >= 0 && each.KeptOnServer is null && each.Reason != "Rehearsal")];
        Backup[][] byWorth =
        [
            [.. good.Where(each => each.Scope == "Whole" && each.Reason != "Safety" && !each.IsCollapsed)],
            [.. All.Where(each => each.Status == BackupStatus.Mismatched && each.Scope == "Whole" && each.KeptOnServer is null && each.Reason != "Rehearsal")],
            [.. good.Where(each => each.Scope == "Whole" && each.Reason != "Safety")],
            [.. good.Where(each => each.Scope == "Whole")],
            good,
        ];
        return Array.Find(byWorth, each => each.Length > 0) is { } best && !best.Any(each => kept.Contains(each.Name)) ? best[0] : null;
    }

    private static IEnumerable<DateOnly> Days(DateTimeOffset from)
    {
        for (DateOnly day = DateOnly.FromDateTime(from.DateTime); ; day = day.AddDays(1))
            yield return day;
    }

    private static DateTimeOffset Min(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;
}
