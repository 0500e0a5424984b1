using System.ComponentModel;
using System.Management.Automation;
using DbBackup.Engine.Plans.Definitions;
using DbBackup.Engine.Plans.Runs;
using DbBackup.Engine.Plans.Schedules;
using DbBackup.PowerShell.Parameters;

namespace DbBackup.PowerShell.Plans;

/// <summary>A command that writes a plan.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class PlanEditingCommandBase : PlanCommandBase
{
    private PlanRunspace? _runspace;

    private protected PlanEditingCommandBase()
    {
    }

    /// <summary>Saves the plan though a source cannot be reached now.</summary>
    [Parameter]
    public SwitchParameter SkipCheck { get; set; }

    /// <inheritdoc/>
    protected override void StopProcessing()
    {
        _runspace?.Stop();
        base.StopProcessing();
    }

    private protected PlanDraft Draft() => new(
        MyInvocation.BoundParameters.Keys.ToHashSet(StringComparer.OrdinalIgnoreCase),
        InvokeCommand.GetCommand("DbBackup\\New-DbBackup", CommandTypes.Cmdlet) ?? throw new InvalidOperationException("New-DbBackup is not loaded."),
        ResolvePath,
        ResolveProject);

    /// <summary>The plan with a schedule that was said in words.</summary>
    private protected BackupPlan Scheduled(BackupPlan plan, ScheduleParameters said)
    {
        if (said.ToExpressions() is not { } expressions)
            return plan;
        if (MyInvocation.BoundParameters.ContainsKey(nameof(PlanParameters.Schedule)))
            throw new BackupFailure(ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, "-Schedule and a schedule in words cannot be used together.", "Leave -Daily, -Weekly and their kin out, or -Schedule.");
        return plan with { Schedule = expressions };
    }

    /// <summary>Checks the plan, saves it, and emits it.</summary>
    private protected void Save(PlanStore store, BackupPlan plan, bool replace, string verb)
    {
        _ = PlanSchedule.Of(plan);
        _ = RetentionArgument.ToText(plan.Retention);
        if (!SkipCheck)
            Check(plan);
        string what = $"{verb} the {(plan.Scope == PlanScope.Machine ? "machine's " : string.Empty)}plan '{plan.Name}': {string.Join("; ", plan.Backup)}";
        if (!ShouldProcess(what, what + "?", verb))
            return;
        IReadOnlyList<ISystemScheduler> enabled = SystemSchedulers.FindEnabled(PlanIdentity.Of(plan.Name, store.Folders));
        BackupPlan written = store.Write(plan, replace);
        // What the scheduler has was made of the schedule that was there before.
        if (enabled is [var scheduler, ..])
            Carry(written.Schedule.Count > 0 ? PlanSchedulers.Enable(written, ModulePath, scheduler.Name) : SystemSchedulers.Disable(written.Name, store.Folders));
        WriteObject(Filled(written));
    }

    // Each entry is bound and planned as its run will be, without a change.
    private void Check(BackupPlan plan)
    {
        using PlanRunspace runspace = _runspace = new PlanRunspace(ModulePath);
        foreach (PlanParameterDictionary entry in plan.Backup)
        {
            var parameters = new Dictionary<string, object?>(entry, StringComparer.OrdinalIgnoreCase) { ["WhatIf"] = true };
            if (plan.Repository is not null)
                parameters["Repository"] = plan.Repository;
            PlanCommandResult result = runspace.Run("New-DbBackup", parameters, WriteVerbose, WriteWarning, WriteProgress);
            if (result.Failures is not [var failure, ..])
                continue;
            throw new BackupFailure(
                ErrorCodes.PlanInvalid,
                FailureCategory.InvalidData,
                $"The plan '{plan.Name}' was not saved, because New-DbBackup {entry} would fail: {failure.Message}",
                $"{failure.Hint} Or save it as it is, with -SkipCheck.".Trim())
            { Target = plan.Name };
        }
    }
}
