using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Plans.Status;

/// <summary>Whether the newest good backup is young enough.</summary>
internal static class AgeFindings
{
    // Clocks of two machines differ by so much without anything being wrong.
    private static readonly TimeSpan s_clockTolerance = TimeSpan.FromMinutes(5);

    /// <summary>Finds what is wrong with the newest backup's age.</summary>
    public static IEnumerable<StatusReason> Of(StatusFacts facts, Backup? latest, TimeSpan? rpo, DateTimeOffset now)
    {
        if (facts.Backups.FirstOrDefault(backup => backup.Manifest?.Created > now + s_clockTolerance) is { } future)
        {
            yield return new StatusReason
            {
                Severity = BackupHealth.Warning,
                Code = StatusCodes.ClockAhead,
                Text = $"Backup '{future}' is from the future ({StatusText.Time(future.Manifest!.Created)}); ages cannot be trusted.",
                NextStep = $"Correct the clock of this host, or of {future.Manifest.Host ?? "the host that made it"}.",
            };
        }

        if (latest is not null)
        {
            if (rpo is { } limit && now - latest.Manifest!.Created > limit)
            {
                yield return new StatusReason
                {
                    Severity = BackupHealth.Critical,
                    Code = StatusCodes.BackupTooOld,
                    Text = $"The newest good backup, '{latest.Name}', is {new BackupAge(now - latest.Manifest.Created)} old, and at most {new BackupAge(limit)} are allowed.",
                    NextStep = Again(facts),
                };
            }

            yield break;
        }

        if (facts.Backups.Count > 0)
        {
            // Backups of a part, or of what a restore replaced, are all that was ever wanted of some sources.
            if (facts.Plan is { IsFirstRunPending: false } || rpo is not null || facts.Backups.Any(backup => !backup.IsGood || (backup.Scope == BackupScope.Whole && BackupSelection.IsOrdinary(backup))))
            {
                yield return new StatusReason
                {
                    Severity = BackupHealth.Critical,
                    Code = StatusCodes.NoGoodBackup,
                    Text = $"None of its {facts.Backups.Count} backups is a whole good one.",
                    NextStep = Again(facts),
                };
            }
        }
        else if (facts.Plan is { IsFirstRunPending: true })
        {
            yield return new StatusReason
            {
                Severity = BackupHealth.OK,
                Code = StatusCodes.FirstRunPending,
                Text = "There is no backup yet; the plan's first run is to come.",
                NextStep = $"Run it now with Invoke-DbBackupPlan {facts.Plan.Quoted} if it should not wait.",
            };
        }
        else if (facts.Plan is not { Schedule: not null, IsActive: false } || rpo is not null)
        {
            // What nothing runs, and of which nothing was promised, is said by the plan's own finding.
            yield return new StatusReason
            {
                Severity = BackupHealth.Critical,
                Code = StatusCodes.NoBackup,
                Text = $"There is no backup of '{facts.Source}'{(facts.Plan is { } plan ? $", which the plan '{plan.Plan.Name}' names" : string.Empty)}.",
                NextStep = Again(facts),
            };
        }
    }

    private static string Again(StatusFacts facts) => facts.Plan is { } plan
        ? $"Run the plan and see what it says: Invoke-DbBackupPlan {plan.Quoted}. If the source is gone for good, remove its backups or take it off the plan."
        : "Make a new one with New-DbBackup, and find out why the job that should do it does not.";
}
