using DbBackup.Engine.Plans.Definitions;
using DbBackup.Engine.Plans.Runs;
using DbBackup.Engine.Platform;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Plans;

public sealed class PlanRunnerTests : IDisposable
{
    private static readonly string[] s_good = ["before", "New-DbBackup", "New-DbBackup", "after", "Test-DbBackup", "Test-DbBackup", "Invoke-DbBackupRetention app", "Invoke-DbBackupRetention crm", "Copy-DbBackup", "Copy-DbBackup"];

    private readonly TempFolder _folder = new();
    private readonly FixedClock _clock = new(new DateTimeOffset(2026, 11, 21, 2, 0, 0, TimeSpan.Zero));
    private readonly FakeShell _shell = new();

    private readonly BackupPlan _plan = new()
    {
        Name = "nightly",
        Backup = [new([new("Path", "app")]), new([new("Path", "crm")])],
        BeforeCommand = "before",
        AfterCommand = "after",
        FailureCommand = "on failure",
        TestEvery = TimeSpan.FromDays(1),
        Retention = "7d",
        CopyTo = [new PlanCopy { Repository = "/copy" }],
    };

    public void Dispose() => _folder.Dispose();

    private RunStore Store => new(PlanFolders.At(_folder.Path));

    private BackupRun Run(BackupPlan? plan = null) => new PlanRunner(plan ?? _plan, Store, _shell, _clock).Run("Manual");

    [Fact]
    public void Steps_run_in_their_order_and_are_recorded()
    {
        BackupRun run = Run();

        Assert.Equal(s_good, _shell.Calls);
        Assert.Equal(BackupRunState.Succeeded, run.State);
        Assert.Equal(["Before", "Backup", "Backup", "After", "Test", "Retention", "Copy"], run.Steps.Select(step => step.Name));
        Assert.All(run.Steps, step => Assert.Equal(BackupRunStepState.Done, step.State));
        Assert.Equal(["app/new", "crm/new"], run.Backups.Select(backup => backup.ToString()));
        Assert.Equal(["app/old", "crm/old"], run.Removed);
        Assert.Equal([PlanEvents.Start, PlanEvents.Success], _shell.Told);
        Assert.Equivalent(run, Assert.Single(Store.List("nightly")));
        Assert.Equal(run.Id, Store.Last("nightly")!.Id);
        Assert.Contains("Removed app/old.", File.ReadAllText(run.Log!), StringComparison.Ordinal);
    }

    [Fact]
    public void A_failed_backup_starts_no_removal_and_stops_no_other()
    {
        _shell.Fails["New-DbBackup app"] = "the disk is full";

        BackupRun run = Run();

        Assert.Equal(["before", "New-DbBackup", "New-DbBackup", "after", "Test-DbBackup", "Copy-DbBackup", "on failure"], _shell.Calls);
        Assert.Equal(BackupRunState.Failed, run.State);
        Assert.Equal("the disk is full", run.Failure);
        Assert.Equal("make room", run.Recommendation);
        Assert.Empty(run.Removed);
        Assert.Equal(BackupRunStepState.Skipped, run.Steps.Single(step => step.Name == "Retention").State);
        Assert.Equal([PlanEvents.Start, PlanEvents.Failure], _shell.Told);
    }

    [Fact]
    public void A_backup_that_fails_its_test_is_not_copied_and_nothing_is_removed()
    {
        _shell.Fails["Test-DbBackup app"] = "it is damaged";

        BackupRun run = Run();

        Assert.Equal(["crm/new"], _shell.Copied);
        Assert.DoesNotContain(_shell.Calls, call => call.StartsWith("Invoke-DbBackupRetention", StringComparison.Ordinal));
        Assert.Equal(BackupRunState.Failed, run.State);
    }

    [Fact]
    public void Where_the_command_before_fails_nothing_is_backed_up_and_the_one_after_runs()
    {
        _shell.Fails["before"] = "no";

        BackupRun run = Run();

        Assert.Equal(["before", "after", "on failure"], _shell.Calls);
        Assert.Equal(BackupRunState.Failed, run.State);
        Assert.Empty(run.Backups);
    }

    [Fact]
    public void An_entry_that_finds_nothing_is_a_failure()
    {
        _shell.Empty.Add("app");

        Assert.Contains("nothing to back up", Run().Failure, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("after")]
    [InlineData("Copy-DbBackup app")]
    [InlineData("Invoke-DbBackupRetention app")]
    public void Any_failed_step_fails_the_run(string step)
    {
        _shell.Fails[step] = "no";

        Assert.Equal(BackupRunState.Failed, Run().State);
    }

    [Fact]
    public void A_receiver_that_cannot_be_reached_does_not_make_good_backups_bad()
    {
        _shell.TellFails = true;

        BackupRun run = Run();

        Assert.Equal(BackupRunState.Succeeded, run.State);
        Assert.Contains(_shell.Warnings, text => text.Contains("not reached", StringComparison.Ordinal));
        Assert.Contains(Store.Last("nightly")!.Steps, step => step is { Name: "Notify", State: BackupRunStepState.Failed });
    }

    [Theory]
    [InlineData(20, false)]
    [InlineData(23.5, true)]
    [InlineData(24, true)]
    public void Tests_run_when_they_are_due(double hours, bool isDue)
    {
        Run();
        _shell.Calls.Clear();
        _clock.Now += TimeSpan.FromHours(hours);

        Run();

        Assert.Equal(isDue, _shell.Calls.Contains("Test-DbBackup"));
    }

    [Fact]
    public void A_failed_test_is_due_again_at_the_next_run()
    {
        _shell.Fails["Test-DbBackup app"] = "it is damaged";
        Run();
        _shell.Fails.Clear();
        _shell.Calls.Clear();
        _clock.Now += TimeSpan.FromHours(1);

        Run();

        Assert.Contains("Test-DbBackup", _shell.Calls);
    }

    [Fact]
    public void A_second_run_at_the_same_time_is_refused()
    {
        BackupException? refused = null;
        _shell.During = () => refused ??= Assert.ThrowsAny<BackupException>(() => Run());

        Assert.Equal(BackupRunState.Succeeded, Run().State);
        Assert.Equal(ErrorCodes.PlanRunning, refused!.Code);
        ErrorAssert.Sound(refused);
        Assert.Single(Store.List());
    }

    [Fact]
    public void A_run_that_breaks_off_says_so_in_its_record()
    {
        _shell.During = () => throw new OperationCanceledException();

        Assert.Throws<OperationCanceledException>(() => Run());
        Assert.Equal(BackupRunState.Stopped, Store.Last("nightly")!.State);
        _shell.During = null;
        _clock.Now += TimeSpan.FromMinutes(1);
        Assert.Equal(BackupRunState.Succeeded, Run().State);
    }

    [Fact]
    public void A_run_whose_process_died_is_interrupted()
    {
        BackupRun run = Run();
        string record = Directory.GetFiles(Path.GetDirectoryName(run.Log)!, "*.json").Single();
        string json = File.ReadAllText(record).Replace($"\"State\":{(int)BackupRunState.Succeeded}", $"\"State\":{(int)BackupRunState.Running}", StringComparison.Ordinal);
        // A process that cannot be: this one's number with another start.
        ProcessIdentity self = ProcessIdentity.Current;
        Assert.Contains($"\"StartTicks\":{self.StartTicks}", json, StringComparison.Ordinal);
        File.WriteAllText(record, json.Replace($"\"StartTicks\":{self.StartTicks}", "\"StartTicks\":1", StringComparison.Ordinal));

        Assert.Equal(OperatingSystem.IsLinux() ? BackupRunState.Interrupted : BackupRunState.Running, Store.Last("nightly")!.State);
    }

    [Fact]
    public void Retention_knows_only_the_sources_of_the_run()
    {
        Run(_plan with { Backup = [new([new("Path", "crm")])] });

        Assert.DoesNotContain("Invoke-DbBackupRetention app", _shell.Calls);
        Assert.Contains("Invoke-DbBackupRetention crm", _shell.Calls);
    }

    [Fact]
    public void Each_place_of_copies_has_a_retention_of_its_own_after_all_copies()
    {
        BackupRun run = Run(_plan with { CopyTo = [new PlanCopy { Repository = "/copy", Retention = "30d" }, new PlanCopy { Repository = "s3://b/x" }, new PlanCopy { Repository = "s3://b/y", Retention = "12m" }] });

        Assert.Equal(BackupRunState.Succeeded, run.State);
        Assert.Equal(["app 7d", "crm 7d", "app 30d /copy", "crm 30d /copy", "app 12m s3://b/y", "crm 12m s3://b/y"], _shell.Retained);
        Assert.Equal(["Retention", "Copy", "Copy", "Copy", "Retention", "Retention"], run.Steps.Select(step => step.Name).SkipWhile(name => name != "Retention"));
        // A copy that goes is no backup that went.
        Assert.Equal(["app/old", "crm/old"], run.Removed);
        Assert.Contains("Removed app/old at s3://b/y.", File.ReadAllText(run.Log!), StringComparison.Ordinal);
    }

    [Fact]
    public void A_copy_that_fails_starts_no_removal_at_any_place()
    {
        _shell.Fails["Copy-DbBackup app"] = "the line is cut";

        BackupRun run = Run(_plan with { CopyTo = [new PlanCopy { Repository = "/copy", Retention = "30d" }, new PlanCopy { Repository = "/other", Retention = "30d" }] });

        Assert.Equal(["app 7d", "crm 7d"], _shell.Retained);
        Assert.Equal(2, run.Steps.Count(step => step is { Name: "Retention", State: BackupRunStepState.Skipped }));
    }

    private sealed class FakeShell : IPlanShell
    {
        public List<string> Calls { get; } = [];

        public List<string> Copied { get; } = [];

        public List<string> Retained { get; } = [];

        public List<PlanEvents> Told { get; } = [];

        public List<string> Warnings { get; } = [];

        public Dictionary<string, string> Fails { get; } = [];

        public HashSet<string> Empty { get; } = [];

        public bool TellFails { get; set; }

        public Action? During { get; set; }

        public PlanCommandResult Run(string command, IReadOnlyDictionary<string, object?> parameters)
        {
            During?.Invoke();
            string source = parameters.TryGetValue("InputObject", out object? input) ? ((Backup)input!).Source : (string)(parameters.GetValueOrDefault("Path") ?? parameters["Source"])!;
            Calls.Add(command == "Invoke-DbBackupRetention" ? $"{command} {source}" : command);
            if (Fails.TryGetValue($"{command} {source}", out string? why))
                return new PlanCommandResult([], [new PlanFailure(why, "make room")], []);
            if (command == "Copy-DbBackup")
                Copied.Add(input!.ToString()!);
            if (command == "Invoke-DbBackupRetention")
                Retained.Add($"{source} {parameters["Retention"]} {parameters.GetValueOrDefault("Repository")}".Trim());
            object[] output = command switch
            {
                "New-DbBackup" when !Empty.Contains(source) => [Make(source, "new")],
                "Invoke-DbBackupRetention" =>
                [
                    new RetentionDecision { Backup = Make(source, "new"), Action = RetentionAction.Keep, Reasons = ["last"] },
                    new RetentionDecision { Backup = Make(source, "old"), Action = RetentionAction.Remove, Reasons = ["no rule keeps it"], Removed = true },
                ],
                _ => [],
            };
            return new PlanCommandResult(output, [], []);
        }

        public void RunHook(string line, IReadOnlyDictionary<string, string?> environment, Action<string> log)
        {
            Calls.Add(line);
            Assert.Equal("nightly", environment["DBBACKUP_PLAN"]);
            if (Fails.TryGetValue(line, out string? why))
                throw new BackupFailure(ErrorCodes.ToolFailed, FailureCategory.InvalidData, why, "make room");
        }

        public IReadOnlyList<PlanFailure> Notify(BackupRun run, PlanEvents what)
        {
            Told.Add(what);
            return TellFails ? [new PlanFailure("not reached", null)] : [];
        }

        public void WriteHealth()
        {
        }

        public void Report(string text, bool isWarning)
        {
            if (isWarning)
                Warnings.Add(text);
        }

        private static Backup Make(string source, string name) => new(null, source, name, "/repository", $"/repository/{source}/{name}", []);
    }
}
