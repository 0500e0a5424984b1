using System.Management.Automation;
using DbBackup.Engine.Plans.Definitions;
using DbBackup.Engine.Plans.Schedules;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Plans;

namespace DbBackup.PowerShell.Commands;

/// <summary>Removes a backup plan; its backups and the records of its runs stay.</summary>
[Cmdlet(VerbsLifecycle.Unregister, "DbBackupPlan", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
public sealed class UnregisterDbBackupPlanCommand : PlanCommandBase
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
        foreach (BackupPlan plan in Select(Name, Scope))
        {
            TryEach(plan.Name, () =>
            {
                string what = $"Remove the plan '{plan.Name}' ({plan.Path}); its backups stay";
                if (!Confirmed(what, what + "?", "Unregister", force: false))
                    return;
                var store = new PlanStore(PlanFolders.Of(plan.Scope));
                Carry(SystemSchedulers.Disable(plan.Name, store.Folders));
                store.Remove(plan.Path!);
            });
        }
    });
}
