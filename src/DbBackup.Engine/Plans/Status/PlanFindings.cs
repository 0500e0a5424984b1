namespace DbBackup.Engine.Plans.Status;

/// <summary>Whether a plan runs when it should, and what its last run came to.</summary>
internal static class PlanFindings
{
    /// <summary>Finds what is wrong with the runs of the source's plan.</summary>
    public static IEnumerable<StatusReason> Of(StatusFacts facts, DateTimeOffset now) => facts.Plan is { } plan
        ? [.. LastRun(plan, facts.Source, now), .. Schedule(plan)]
        : [];

    private static IEnumerable<StatusReason> LastRun(PlanFacts plan, string source, DateTimeOffset now)
    {
        if (plan.Runs is not [var run, ..])
            yield break;
        string name = plan.Quoted;
        string why = run.Failure is { } failure ? $": {failure.TrimEnd('.')}" : string.Empty;
        string when = $"The last run of the plan '{plan.Plan.Name}' ({StatusText.Time(run.Started)})";
        // A run that has backed up this source has done its part for it, whatever became of the others.
        BackupHealth severity = run.Backups.Any(backup => backup.Source == source) ? BackupHealth.Warning : BackupHealth.Critical;
        switch (run.State)
        {
            case BackupRunState.Failed:
                yield return new StatusReason
                {
                    Severity = severity,
                    Code = StatusCodes.RunFailed,
                    Text = $"{when} failed{why}.",
                    NextStep = $"{(run.Recommendation is { } hint ? hint + " " : string.Empty)}Get-DbBackupRun {name} -Latest has the log; Invoke-DbBackupPlan {name} tries again.",
                };
                break;
            case BackupRunState.Interrupted:
                yield return new StatusReason
                {
                    Severity = severity,
                    Code = StatusCodes.RunInterrupted,
                    Text = $"{when} was interrupted: its process died, or the machine did.",
                    NextStep = $"See the end of its log (Get-DbBackupRun {name} -Latest) and whether the system ended it for want of memory; Invoke-DbBackupPlan {name} tries again.",
                };
                break;
            case BackupRunState.Stopped:
                yield return new StatusReason
                {
                    Severity = BackupHealth.Warning,
                    Code = StatusCodes.RunStopped,
                    Text = $"{when} was stopped before its end.",
                    NextStep = $"Run it again with Invoke-DbBackupPlan {name}, or wait for the next one.",
                };
                break;
            case BackupRunState.Running when plan.Interval is { } interval && now - run.Started > interval + ScheduleTimes.Grace(interval):
                yield return new StatusReason
                {
                    Severity = BackupHealth.Warning,
                    Code = StatusCodes.RunTooLong,
                    Text = $"A run of the plan '{plan.Plan.Name}' has been going on for {new BackupAge(now - run.Started)}, and no other begins meanwhile.",
                    NextStep = $"See how far it is (Get-DbBackupRun {name} -Latest), and end its process if it hangs.",
                };
                break;
            default:
                break;
        }
    }

    private static IEnumerable<StatusReason> Schedule(PlanFacts plan)
    {
        if (plan.Problem is { } problem)
        {
            yield return new StatusReason
            {
                Severity = BackupHealth.Critical,
                Code = StatusCodes.PlanUnreadable,
                Text = $"The schedule of the plan '{plan.Plan.Name}' cannot be read: {problem.Message}",
                NextStep = problem.Hint,
            };
        }
        else if (plan is { Schedule: not null, IsActive: false })
        {
            // One that ran once was taken out by somebody; one that never did was forgotten.
            bool isForgotten = plan.Runs.Count == 0 && !plan.IsFirstRunPending;
            yield return new StatusReason
            {
                Severity = isForgotten ? BackupHealth.Warning : BackupHealth.OK,
                Code = StatusCodes.PlanNotEnabled,
                Text = $"The plan '{plan.Plan.Name}' has a schedule, and nothing runs it{(isForgotten ? "; it has never run" : string.Empty)}.",
                NextStep = $"Put it into this machine's scheduler with Enable-DbBackupPlan {plan.Quoted}, or run Start-DbBackupService.",
            };
        }
        else if (plan.MissedRun is { } missed)
        {
            yield return new StatusReason
            {
                Severity = BackupHealth.Critical,
                Code = StatusCodes.RunMissed,
                Text = $"The plan '{plan.Plan.Name}' should have run {StatusText.Time(missed)}, and did not{(plan.Runs.Count == 0 ? string.Empty : $": its last run was {StatusText.Time(plan.Runs[0].Started)}")}.",
                NextStep = $"Run it now with Invoke-DbBackupPlan {plan.Quoted}, and see whether the scheduler still has it: Get-DbBackupPlan {plan.Quoted}.",
            };
        }
    }
}
