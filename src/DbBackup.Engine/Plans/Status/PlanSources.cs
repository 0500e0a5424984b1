using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Plans.Status;

/// <summary>The sources that a plan backs up, by their names in the repository.</summary>
internal static class PlanSources
{
    /// <summary>
    /// Returns those that its runs have made backups of, and those that it names itself. Wildcards and servers are resolved by runs alone: until
    /// one has, an entry stands for what it will find.
    /// </summary>
    public static IReadOnlyList<string> Of(BackupPlan plan, IReadOnlyList<BackupRun> runs)
    {
        string[] made = [.. runs.SelectMany(run => run.Backups).Select(backup => backup.Source).Distinct(StringComparer.Ordinal)];
        IEnumerable<string> named = made.Length > 0
            ? plan.Backup.Select(NameOf).OfType<string>()
            : plan.Backup.Select(entry => NameOf(entry) ?? FileOf(entry) ?? entry.ToString());
        return [.. made.Concat(named).Distinct(StringComparer.Ordinal)];
    }

    private static string? NameOf(PlanParameterDictionary entry) => entry.TryGetValue("Source", out object? value) && value is string { Length: > 0 } name ? name : null;

    private static string? FileOf(PlanParameterDictionary entry) =>
        (entry.TryGetValue("LiteralPath", out object? value) || entry.TryGetValue("Path", out value)) && value is string path && path.AsSpan().IndexOfAny("*?[") < 0 && !path.Contains("://", StringComparison.Ordinal)
            ? BackupName.From(Path.GetFileNameWithoutExtension(path))
            : null;
}
