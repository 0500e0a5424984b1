namespace DbBackup.Engine.Plans.Status;

/// <summary>How the backups of a source have grown.</summary>
internal static class Growth
{
    private const int FewestBackups = 3;
    private static readonly TimeSpan s_shortest = TimeSpan.FromDays(6);
    private static readonly TimeSpan s_longest = TimeSpan.FromDays(92);

    /// <summary>Bytes a week by the straight line that lies nearest to the backups of the last quarter; null where too few tell.</summary>
    /// <param name="wholeNewestFirst">Whole good backups.</param>
    public static long? PerWeek(IReadOnlyList<Backup> wholeNewestFirst)
    {
        if (wholeNewestFirst.Count == 0)
            return null;
        DateTimeOffset newest = wholeNewestFirst[0].Manifest!.Created;
        (double Week, double Size)[] points = [.. wholeNewestFirst
            .Select(backup => ((newest - backup.Manifest!.Created).TotalDays / -7, (double)backup.Size))
            .Where(point => point.Item1 >= s_longest.TotalDays / -7 && point.Item1 <= 0)];
        if (points.Length < FewestBackups || points.Min(point => point.Week) > s_shortest.TotalDays / -7)
            return null;
        double weekMean = points.Average(point => point.Week), sizeMean = points.Average(point => point.Size);
        double spread = points.Sum(point => (point.Week - weekMean) * (point.Week - weekMean));
        return (long)Math.Round(points.Sum(point => (point.Week - weekMean) * (point.Size - sizeMean)) / spread);
    }

    /// <summary>How much larger the newest is than the one before.</summary>
    public static double? Change(IReadOnlyList<Backup> wholeNewestFirst) =>
        wholeNewestFirst is [var newest, { Size: > 0 } before, ..] ? Math.Round(((double)newest.Size / before.Size) - 1, 4) : null;
}
