using System.Diagnostics;

namespace DbBackup.Engine.Plans.Runs;

/// <summary>
/// Runs a plan: back up, test, remove what retention removes, copy, tell. A failed step never starts a removal, and the steps that do good
/// all the same are still done: other backups, copies, the command after.
/// </summary>
public sealed class PlanRunner(BackupPlan plan, RunStore store, IPlanShell shell, TimeProvider clock)
{
    // Parameters with which a backup was made that its test needs too.
    private static readonly string[] s_testParameters = ["TestServer", "Credential", "Jobs", "StagingPath"];

    // A nightly run does not start at the same second; a test that is due every day would come every second day.
    private static readonly TimeSpan s_mostSlack = TimeSpan.FromHours(1);

    private readonly List<PlanFailure> _failures = [];
    private readonly List<(Backup Backup, PlanParameterDictionary Entry)> _made = [];
    private readonly HashSet<string> _unproved = new(StringComparer.Ordinal);
    private RunJournal _journal = null!;

    /// <summary>Runs it to its end.</summary>
    /// <param name="trigger">What began it.</param>
    /// <returns>The run as it is recorded, failed or not.</returns>
    /// <exception cref="BackupException">Another run is at work, or the record cannot be written.</exception>
    public BackupRun Run(string trigger)
    {
        using RunJournal journal = _journal = store.Begin(plan, trigger, clock);
        DateTimeOffset? lastTest = LastDone(Steps.Test);
        DateTimeOffset? lastRestoreTest = LastDone(Steps.RestoreTest);
        var watch = Stopwatch.StartNew();
        journal.Log($"Run {journal.Run.Id} of the plan '{plan.Name}' begins ({trigger}).");
        try
        {
            Tell(PlanEvents.Start);
            if (plan.BeforeCommand is null || Step(Steps.Before, () => Hook(plan.BeforeCommand)))
                BackUp();
            if (plan.AfterCommand is not null)
                Step(Steps.After, () => Hook(plan.AfterCommand));
            Test(Steps.Test, plan.TestEvery, lastTest, "Structure");
            Test(Steps.RestoreTest, plan.RestoreTestEvery, lastRestoreTest, "Restore");
            Retain();
            Copy();
            Finish(watch.Elapsed);
        }
        catch (Exception exception)
        {
            // Ctrl+C, or a failure that nobody foresaw: the record must not say that it is still running.
            bool isStop = exception is OperationCanceledException || exception.GetType().Name == "PipelineStoppedException";
            string why = isStop ? "It was stopped." : exception.Message;
            Close(watch.Elapsed, isStop ? BackupRunState.Stopped : BackupRunState.Failed, new PlanFailure(why, null));
            throw;
        }

        return journal.Run;
    }

    private void BackUp()
    {
        foreach (PlanParameterDictionary entry in plan.Backup)
        {
            Step(Steps.Backup, () =>
            {
                var parameters = new Dictionary<string, object?>(entry, StringComparer.OrdinalIgnoreCase);
                parameters.TryAdd("Reason", BackupReason.Scheduled);
                parameters.TryAdd("Method", "Auto");
                parameters["Confirm"] = false;
                AddRepository(parameters);
                PlanCommandResult result = Invoke("New-DbBackup", parameters);
                Backup[] backups = [.. result.Output.OfType<Backup>()];
                _made.AddRange(backups.Select(backup => (backup, entry)));
                _journal.Update(run => run with
                {
                    Repository = backups.FirstOrDefault()?.Repository ?? run.Repository,
                    Backups = [.. run.Backups, .. backups.Select(backup => new BackupRunBackup { Source = backup.Source, Name = backup.Name, Size = backup.Size })],
                });
                if (result.Failures.Count > 0)
                    return Failed(result.Failures, $"{backups.Length} made; ");
                return backups.Length == 0
                    ? Failed([new PlanFailure($"New-DbBackup {entry} found nothing to back up.", "Correct the plan with Set-DbBackupPlan, or its source.")])
                    : Done(string.Join(", ", backups.Select(backup => $"{backup} ({ByteSize.Format(backup.Size)})")));
            });
        }
    }

    private void Test(string step, TimeSpan? every, DateTimeOffset? last, string level)
    {
        if (every is not { } interval || _made.Count == 0)
            return;
        TimeSpan slack = interval / 10 < s_mostSlack ? interval / 10 : s_mostSlack;
        if (last is { } done && _journal.Run.Started - done < interval - slack)
        {
            _journal.Log($"{step} is due {(done + interval).ToLocalTime():g}.");
            return;
        }

        Step(step, () =>
        {
            var failures = new List<PlanFailure>();
            foreach ((Backup backup, PlanParameterDictionary entry) in _made)
            {
                var parameters = new Dictionary<string, object?> { ["InputObject"] = backup, ["Level"] = level };
                foreach (string shared in s_testParameters)
                {
                    if (entry.TryGetValue(shared, out object? value))
                        parameters[shared] = value;
                }

                PlanCommandResult result = Invoke("Test-DbBackup", parameters);
                if (result.Failures.Count > 0)
                    _unproved.Add(backup.ToString());
                failures.AddRange(result.Failures);
            }

            return failures.Count > 0 ? Failed(failures) : Done($"{_made.Count} passed");
        });
    }

    private void Retain()
    {
        if (plan.Retention is not null && MayRetain())
            Retain(plan.Repository, plan.Retention, null);
    }

    private bool MayRetain()
    {
        if (_failures.Count == 0 && _made.Count > 0)
            return true;
        Add(Steps.Retention, BackupRunStepState.Skipped, "nothing is removed by a run in which a step failed");
        return false;
    }

    // Only of the sources of this run: what a plan does not back up any more, it does not remove.
    private void Retain(string? repository, string policy, string? copies)
    {
        Step(Steps.Retention, () =>
        {
            var failures = new List<PlanFailure>();
            var removed = new List<string>();
            int kept = 0;
            foreach (string source in _made.Select(made => made.Backup.Source).Distinct(StringComparer.Ordinal))
            {
                var parameters = new Dictionary<string, object?> { ["Source"] = source, ["Retention"] = policy, ["Confirm"] = false };
                if (plan.TimeZone is not null)
                    parameters["TimeZone"] = plan.TimeZone;
                if (repository is not null)
                    parameters["Repository"] = repository;
                PlanCommandResult result = Invoke("Invoke-DbBackupRetention", parameters);
                failures.AddRange(result.Failures);
                removed.AddRange(result.Output.OfType<RetentionDecision>().Where(decision => decision.Removed).Select(decision => decision.Backup.ToString()));
                kept += result.Output.OfType<RetentionDecision>().Count(decision => !decision.Removed);
            }

            string where = copies is null ? string.Empty : $" at {copies}";
            // A copy that goes leaves the backup where it was made.
            if (copies is null)
                _journal.Update(run => run with { Removed = removed });
            foreach (string backup in removed)
                _journal.Log($"Removed {backup}{where}.");
            return failures.Count > 0 ? Failed(failures) : Done($"{removed.Count} removed, {kept} kept{where}");
        });
    }

    private void Copy()
    {
        Backup[] good = [.. _made.Select(made => made.Backup).Where(backup => !_unproved.Contains(backup.ToString()))];
        foreach (PlanCopy copy in good.Length == 0 ? [] : plan.CopyTo)
        {
            Step(Steps.Copy, () =>
            {
                PlanFailure[] failures =
                [
                    .. good.SelectMany(backup => Invoke("Copy-DbBackup", new Dictionary<string, object?> { ["InputObject"] = backup, ["Destination"] = copy.Repository, ["Confirm"] = false }).Failures),
                ];
                return failures.Length > 0 ? Failed(failures) : Done($"{good.Length} to {copy.Repository}");
            });
        }

        // After all copies: one that failed starts no removal at any place.
        foreach (PlanCopy copy in plan.CopyTo.Where(copy => copy.Retention is not null))
        {
            if (MayRetain())
                Retain(copy.Repository, copy.Retention!, copy.Repository);
        }
    }

    private void Finish(TimeSpan duration)
    {
        bool failed = _failures.Count > 0;
        if (failed && plan.FailureCommand is not null)
            Step(Steps.OnFailure, () => Hook(plan.FailureCommand));
        Close(duration, failed ? BackupRunState.Failed : BackupRunState.Succeeded, failed ? _failures[0] : null);
        try
        {
            shell.WriteHealth();
        }
        catch (BackupException failure)
        {
            Add(Steps.Notify, BackupRunStepState.Failed, failure.Message);
            shell.Report(failure.Message, isWarning: true);
        }

        Tell(failed ? PlanEvents.Failure : PlanEvents.Success);
    }

    private void Close(TimeSpan duration, BackupRunState state, PlanFailure? failure)
    {
        _journal.Update(run => run with { State = state, Duration = duration, Failure = failure?.Message, Recommendation = failure?.Hint });
        _journal.Log($"Run {_journal.Run.Id} ended: {state}{(failure is null ? string.Empty : $". {failure.Message}")}");
    }

    private (BackupRunStepState, string?) Hook(string line)
    {
        try
        {
            shell.RunHook(line, Environment(), _journal.Log);
            return Done(null);
        }
        catch (BackupException failure)
        {
            return Failed([PlanFailure.Of(failure)]);
        }
    }

    private Dictionary<string, string?> Environment() => new()
    {
        ["DBBACKUP_PLAN"] = plan.Name,
        ["DBBACKUP_RUN"] = _journal.Run.Id,
        ["DBBACKUP_RUN_LOG"] = _journal.Run.Log,
        ["DBBACKUP_RUN_STATE"] = _failures.Count > 0 ? nameof(BackupRunState.Failed) : nameof(BackupRunState.Succeeded),
        ["DBBACKUP_RUN_FAILURE"] = _failures.FirstOrDefault()?.Message,
        ["DBBACKUP_RUN_BACKUPS"] = string.Join('\n', _journal.Run.Backups),
    };

    // A monitor that cannot be reached is no reason to call the backups bad: the step says it, and a warning.
    private void Tell(PlanEvents what)
    {
        foreach (PlanFailure failure in shell.Notify(_journal.Run, what))
        {
            Add(Steps.Notify, BackupRunStepState.Failed, failure.Message);
            shell.Report(failure.Message, isWarning: true);
        }
    }

    private PlanCommandResult Invoke(string command, IReadOnlyDictionary<string, object?> parameters)
    {
        PlanCommandResult result = shell.Run(command, parameters);
        foreach (string warning in result.Warnings)
            _journal.Log($"{command}: warning: {warning}");
        return result;
    }

    private void AddRepository(Dictionary<string, object?> parameters)
    {
        if (plan.Repository is not null)
            parameters["Repository"] = plan.Repository;
    }

    private bool Step(string name, Func<(BackupRunStepState State, string? Detail)> work)
    {
        var watch = Stopwatch.StartNew();
        Add(name, BackupRunStepState.Running, null);
        shell.Report($"{plan.Name}: {name}", isWarning: false);
        (BackupRunStepState state, string? detail) = work();
        _journal.Update(run => run with
        {
            Steps = [.. run.Steps.SkipLast(1), run.Steps[^1] with { State = state, Detail = detail, Duration = watch.Elapsed }],
        });
        _journal.Log(_journal.Run.Steps[^1].ToString());
        return state == BackupRunStepState.Done;
    }

    private void Add(string name, BackupRunStepState state, string? detail)
    {
        _journal.Update(run => run with
        {
            Steps = [.. run.Steps, new BackupRunStep { Name = name, State = state, Started = clock.GetUtcNow(), Detail = detail, Duration = state == BackupRunStepState.Running ? null : TimeSpan.Zero }],
        });
        if (state != BackupRunStepState.Running)
            _journal.Log(_journal.Run.Steps[^1].ToString());
    }

    private (BackupRunStepState, string?) Failed(IReadOnlyList<PlanFailure> failures, string? before = null)
    {
        _failures.AddRange(failures);
        return (BackupRunStepState.Failed, before + string.Join(" ", failures.Select(failure => failure.Message)));
    }

    private static (BackupRunStepState, string?) Done(string? detail) => (BackupRunStepState.Done, detail);

    private DateTimeOffset? LastDone(string step) => store.List(plan.Name)
        .SelectMany(run => run.Steps)
        .Where(each => each.Name == step && each.State == BackupRunStepState.Done)
        .Max(each => (DateTimeOffset?)each.Started);

    private static class Steps
    {
        public const string Before = nameof(Before);
        public const string Backup = nameof(Backup);
        public const string After = nameof(After);
        public const string Test = nameof(Test);
        public const string RestoreTest = nameof(RestoreTest);
        public const string Retention = nameof(Retention);
        public const string Copy = nameof(Copy);
        public const string OnFailure = nameof(OnFailure);
        public const string Notify = nameof(Notify);
    }
}
