using System.Collections;
using System.Management.Automation;
using System.Runtime.InteropServices;
using DbBackup.Engine.Plans.Definitions;
using DbBackup.Engine.Plans.Runs;
using DbBackup.Engine.Plans.Schedules;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Pipeline;
using DbBackup.PowerShell.Plans;

namespace DbBackup.PowerShell.Commands;

/// <summary>Runs backup plans: back up, test, remove what retention removes, copy, tell.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "DbBackupPlan", SupportsShouldProcess = true, DefaultParameterSetName = NameSet)]
[OutputType(typeof(BackupRun))]
public sealed class InvokeDbBackupPlanCommand : PlanCommandBase
{
    private const string NameSet = "Name";
    private const string PathSet = "Path";

    // In the session itself, whose host and transcript show it, but without its default values, which the run does not have either.
    private const string ShowBackup = "param($plan) $PSDefaultParameterValues = @{}; DbBackup\\New-DbBackup @plan -WhatIf -ErrorAction Stop";

    private PlanShell? _shell;

    /// <summary>Names or wildcards.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = NameSet)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(PlanCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>The user's plan, or the machine's.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = NameSet)]
    public PlanScope? Scope { get; set; }

    /// <summary>Files of plans that were not registered.</summary>
    [Parameter(Mandatory = true, ParameterSetName = PathSet)]
    [ValidateNotNullOrEmpty]
    public string[] Path { get; set; } = [];

    /// <summary>What begins the run; schedulers say so.</summary>
    [Parameter]
    [ValidateSet("Manual", "Schedule", "Service")]
    public string Trigger { get; set; } = "Manual";

    /// <summary>Runs a plan only if its schedule had a time since its last run.</summary>
    [Parameter(ParameterSetName = NameSet)]
    public SwitchParameter IfDue { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(ParameterSetName == PathSet ? Path : Name, () =>
    {
        IReadOnlyList<BackupPlan> plans = ParameterSetName == PathSet
            ? [.. Path.Select(path => new PlanStore(PlanFolders.Of(PlanScope.User)).Read(ResolvePath(path), explicitly: true))]
            : Select(Name, Scope);
        RefuseTwins(plans);
        foreach (BackupPlan plan in plans)
            TryEach(plan.Name, () => RunIfDue(plan));
    });

    /// <inheritdoc/>
    protected override void StopProcessing()
    {
        _shell?.Stop();
        base.StopProcessing();
    }

    // Several alarms may ring for one time, and one of them while another's run is at work.
    private void RunIfDue(BackupPlan plan)
    {
        if (IfDue && DueTime.Of(plan, new RunStore(PlanFolders.Of(plan.Scope)), TimeProvider.System.GetUtcNow()) is null)
        {
            WriteVerbose($"The plan '{plan.Name}' is not due.");
            return;
        }

        // systemd, a service or a container engine ends a run with this signal, which would end the shell at once, without its cleanup.
        using PosixSignalRegistration? signal = OperatingSystem.IsWindows() ? null : PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            StopProcessing();
        });
        try
        {
            RunPlan(plan);
        }
        catch (BackupException failure) when (IfDue && failure.Code == ErrorCodes.PlanRunning)
        {
            WriteVerbose(failure.Message);
        }
    }

    private void RunPlan(BackupPlan plan)
    {
        if (IsWhatIf())
        {
            Show(plan);
            return;
        }

        if (!ShouldProcess($"plan '{plan.Name}'", "Run"))
            return;
        using var shell = new PlanShell(plan, ModulePath, this, work => Run(async (_, token) =>
        {
            await work(token).ConfigureAwait(false);
            return true;
        }));
        _shell = shell;
        BackupRun run = new PlanRunner(plan, new RunStore(PlanFolders.Of(plan.Scope)), shell, TimeProvider.System).Run(Trigger);
        // First the run: -ErrorAction Stop ends the pipeline with the error.
        WriteObject(run);
        if (run.State != BackupRunState.Succeeded)
        {
            WriteError(ErrorRecords.From(
                new BackupFailure(
                    ErrorCodes.PlanFailed,
                    FailureCategory.InvalidData,
                    $"The run of the plan '{plan.Name}' failed: {run.Failure}",
                    $"{run.Recommendation} The log is '{run.Log}'.".Trim()),
                run));
        }
    }

    // The commands themselves say what they would do, with all their checks.
    private void Show(BackupPlan plan)
    {
        using var secrets = new PlanRunspace(ModulePath);
        foreach (PlanParameterDictionary entry in plan.Backup)
        {
            var parameters = new Hashtable(StringComparer.OrdinalIgnoreCase);
            foreach ((string name, object? value) in entry)
                parameters[name] = PlanValues.ForCommand(name, value, secrets.FromShell);
            if (plan.Repository is not null)
                parameters["Repository"] = plan.Repository;
            try
            {
                InvokeCommand.InvokeScript(useLocalScope: true, ScriptBlock.Create(ShowBackup), null, parameters);
            }
            catch (RuntimeException exception) when (exception is not PipelineStoppedException)
            {
                ErrorRecord record = exception.ErrorRecord;
                WriteError(ErrorRecords.From(
                    new BackupFailure(
                        ErrorCodes.PlanFailed,
                        FailureCategory.InvalidData,
                        $"The plan '{plan.Name}' would fail: {record.ErrorDetails?.Message ?? exception.Message}",
                        record.ErrorDetails?.RecommendedAction ?? "Correct the plan with Set-DbBackupPlan."),
                    plan.Name));
            }
        }

        foreach ((string what, bool has) in (ReadOnlySpan<(string, bool)>)
            [
                ($"Test the new backups every {plan.TestEvery?.TotalDays:0.##} d", plan.TestEvery is not null),
                ($"Restore the new backups and compare them every {plan.RestoreTestEvery?.TotalDays:0.##} d", plan.RestoreTestEvery is not null),
                ($"Remove what {plan.Retention} does not keep; Invoke-DbBackupRetention -Retention {plan.Retention} -WhatIf shows it", plan.Retention is not null),
                ($"Copy the new backups to {string.Join(", ", plan.CopyTo)}", plan.CopyTo.Count > 0),
                ($"Tell {string.Join(", ", plan.Notify)}", plan.Notify.Count > 0),
            ])
        {
            if (has)
                ShouldProcess($"{what}.", string.Empty, "Run");
        }
    }

    private static void RefuseTwins(IReadOnlyList<BackupPlan> plans)
    {
        if (plans.GroupBy(plan => plan.Name, StringComparer.OrdinalIgnoreCase).FirstOrDefault(group => group.Count() > 1) is { } twins)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"Both the user and the machine have a plan '{twins.Key}'. Nothing was run.", "Say which with -Scope User or -Scope Machine.")
            { Target = twins.Key };
        }
    }
}
