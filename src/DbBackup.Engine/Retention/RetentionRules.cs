namespace DbBackup.Engine.Retention;

/// <summary>Decides which backups a policy keeps: a pure function of a listing, a policy and a moment.</summary>
internal static class RetentionRules
{
    /// <summary>Decides of each backup; each source by itself.</summary>
    /// <param name="backups">A listing, newest first, with all backups of its sources.</param>
    /// <param name="policy">The policy.</param>
    /// <param name="now">The moment.</param>
    /// <param name="needs">Returns the backups without which one cannot be restored; null where none needs another.</param>
    public static RetentionPlan Decide(IReadOnlyList<Backup> backups, RetentionPolicy policy, DateTimeOffset now, Func<Backup, IEnumerable<Backup>>? needs = null)
    {
        var decided = new Dictionary<Backup, RetentionDecision>(backups.Count);
        var stops = new List<RetentionStop>();
        foreach (IGrouping<string, Backup> source in backups.GroupBy(backup => backup.Source, StringComparer.Ordinal))
        {
            var retention = new SourceRetention([.. source], policy, now, needs ?? (_ => []));
            foreach (RetentionDecision decision in retention.Decide())
                decided[decision.Backup] = decision;
            if (retention.Stop is { } stop)
                stops.Add(stop);
        }

        return new RetentionPlan([.. backups.Select(backup => decided[backup])], stops);
    }
}
