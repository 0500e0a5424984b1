using System.Management.Automation;
using DbBackup.Engine.Plans.Schedules;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Plans;

namespace DbBackup.PowerShell.Commands;

/// <summary>Puts the schedules of plans into the machine's scheduler.</summary>
[Cmdlet(VerbsLifecycle.Enable, "DbBackupPlan", SupportsShouldProcess = true)]
[OutputType(typeof(BackupPlan))]
public sealed class EnableDbBackupPlanCommand : PlanCommandBase
{
    /// <summary>Names or wildcards.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(PlanCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>The user's plan, or the machine's.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public PlanScope? Scope { get; set; }

    /// <summary>The scheduler; the one that the machine has without it.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(SchedulerCompleter))]
    public string? Scheduler { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(Name, () =>
    {
        foreach (BackupPlan plan in Select(Name, Scope))
            TryEach(plan.Name, () => Enable(plan));
    });

    private void Enable(BackupPlan plan)
    {
        IReadOnlyList<SchedulerChange> changes = PlanSchedulers.Enable(plan, ModulePath, Scheduler);
        string what = $"Enable the plan '{plan.Name}' in {changes[^1].Scheduler}";
        if (!ShouldProcess($"{what}:\n{string.Join('\n', changes.Select(change => change.Text))}", what + "?", "Enable"))
            return;
        Carry(changes);
        WriteObject(Filled(plan));
    }
}
