using System.Management.Automation;
using DbBackup.Engine.Plans.Definitions;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Parameters;
using DbBackup.PowerShell.Plans;

namespace DbBackup.PowerShell.Commands;

/// <summary>Changes a backup plan.</summary>
[Cmdlet(VerbsCommon.Set, "DbBackupPlan", SupportsShouldProcess = true)]
[OutputType(typeof(BackupPlan))]
[ParameterGroup<PlanParameters>]
[ParameterGroup<ScheduleParameters>]
public sealed partial class SetDbBackupPlanCommand : PlanEditingCommandBase
{
    /// <summary>Names or wildcards.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(PlanCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>The user's plan, or the machine's.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public PlanScope? Scope { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(Name, () =>
    {
        PlanDraft draft = Draft();
        foreach (BackupPlan plan in Select(Name, Scope))
            TryEach(plan.Name, () => Save(new PlanStore(PlanFolders.Of(plan.Scope)), Scheduled(GetPlanParameters().ApplyTo(plan, draft), GetScheduleParameters()), replace: true, "Change"));
    });
}
