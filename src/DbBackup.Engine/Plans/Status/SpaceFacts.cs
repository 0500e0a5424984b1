namespace DbBackup.Engine.Plans.Status;

/// <summary>The room in a repository.</summary>
/// <param name="Free">Free bytes; null where the place does not say.</param>
/// <param name="Round">The bytes of one backup of each source that is still backed up.</param>
/// <param name="PerDay">The bytes that were written a day lately.</param>
internal sealed record SpaceFacts(long? Free, long Round, double PerDay)
{
    /// <summary>Of a place that does not say.</summary>
    public static readonly SpaceFacts Unknown = new(null, 0, 0);

    // Long enough for monthly backups to count.
    private static readonly TimeSpan s_recent = TimeSpan.FromDays(35);

    /// <summary>The room for more of the same.</summary>
    public static SpaceFacts Of(IReadOnlyList<Backup> all, long? free, DateTimeOffset now)
    {
        Backup[] recent = [.. all.Where(backup => backup.Manifest is { Kept: null } manifest && manifest.ImportedFrom is null && manifest.Created <= now && now - manifest.Created <= s_recent)];
        if (recent.Length == 0)
            return new SpaceFacts(free, 0, 0);
        long round = recent.Where(backup => backup.Scope == BackupScope.Whole).GroupBy(backup => backup.Source, StringComparer.Ordinal).Sum(source => source.First().Size);
        // A source that began three days ago has its rate of three days.
        double days = Math.Max((now - recent[^1].Manifest!.Created).TotalDays, 1);
        return new SpaceFacts(free, round, recent.Sum(backup => (double)backup.Size) / days);
    }
}
