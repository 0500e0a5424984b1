namespace DbBackup.Engine.Plans.Status;

/// <summary>Whether the tests that a plan asks for were done.</summary>
internal static class TestFindings
{
    /// <summary>Finds tests that are overdue.</summary>
    public static IEnumerable<StatusReason> Of(StatusFacts facts, Backup? latest, DateTimeOffset now)
    {
        if (facts.Plan is not { } plan || latest is null || (plan.Schedule is not null && !plan.IsActive))
            yield break;
        if (plan.Plan.TestEvery is { } every && Overdue(facts, plan, every, BackupTestLevel.Checksum, now) is { } late)
        {
            yield return new StatusReason
            {
                Severity = BackupHealth.Warning,
                Code = StatusCodes.TestOverdue,
                Text = $"No backup has passed a test {late}, and the plan '{plan.Plan.Name}' wants one every {new BackupAge(every)}.",
                NextStep = $"Test the newest one: {StatusText.Selected(latest)} | Test-DbBackup.",
            };
        }

        if (plan.Plan.RestoreTestEvery is { } restoreEvery && Overdue(facts, plan, restoreEvery, BackupTestLevel.Restore, now) is { } lateRestore)
        {
            yield return new StatusReason
            {
                Severity = BackupHealth.Warning,
                Code = StatusCodes.RestoreTestOverdue,
                Text = $"No backup has passed a restore test {lateRestore}, and the plan '{plan.Plan.Name}' wants one every {new BackupAge(restoreEvery)}.",
                NextStep = $"Test the newest one: {StatusText.Selected(latest)} | Test-DbBackup -Level Restore.",
            };
        }
    }

    // A test comes with a run: it may be late by the time between two runs, and by how late those may be.
    private static string? Overdue(StatusFacts facts, PlanFacts plan, TimeSpan every, BackupTestLevel level, DateTimeOffset now)
    {
        // The backup that was tested may be gone by now; the record of its run is not.
        string step = level == BackupTestLevel.Restore ? "RestoreTest" : "Test";
        DateTimeOffset? last = facts.Backups.SelectMany(backup => backup.Tests).Where(test => test.Passed && test.Level >= level).Select(test => test.Tested)
            .Concat(plan.Runs.Where(run => run.Backups.Any(backup => backup.Source == facts.Source))
                .SelectMany(run => run.Steps).Where(each => each.State == BackupRunStepState.Done && (each.Name == step || each.Name == "RestoreTest")).Select(each => each.Started))
            .Max(moment => (DateTimeOffset?)moment);
        DateTimeOffset? since = last;
        if (since is null)
        {
            // Never: from the plan's first run, and from when it began to want one, which its file's time may be.
            since = plan.Runs.Count > 0 ? plan.Runs[^1].Started : null;
            if (plan.Changed is { } changed && (since is null || changed > since))
                since = changed;
        }

        if (since is not { } from)
            return null;
        TimeSpan allowed = every + (plan.Interval ?? TimeSpan.FromDays(1)) + ScheduleTimes.Grace(plan.Interval);
        return now - from <= allowed ? null
            : last is null ? "yet"
            : $"since {StatusText.Time(from)}";
    }
}
