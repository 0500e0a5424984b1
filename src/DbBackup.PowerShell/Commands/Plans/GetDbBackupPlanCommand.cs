using System.Management.Automation;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Plans;

namespace DbBackup.PowerShell.Commands;

/// <summary>Lists the backup plans of the user and of the machine.</summary>
[Cmdlet(VerbsCommon.Get, "DbBackupPlan")]
[OutputType(typeof(BackupPlan))]
public sealed class GetDbBackupPlanCommand : PlanCommandBase
{
    /// <summary>Names or wildcards.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(PlanCompleter))]
    public string[]? Name { get; set; }

    /// <summary>Only the user's, or only the machine's.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public PlanScope? Scope { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(Name, () =>
    {
        foreach (BackupPlan plan in Select(Name, Scope))
            WriteObject(Filled(plan));
    });
}
