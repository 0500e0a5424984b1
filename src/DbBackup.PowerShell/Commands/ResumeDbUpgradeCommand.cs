using System.Management.Automation;
using DbBackup.Engine.Upgrades;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Goes on with an upgrade that was cut off or failed.</summary>
[Cmdlet(VerbsLifecycle.Resume, "DbUpgrade", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(UpgradeResult))]
public sealed class ResumeDbUpgradeCommand : RepositoryCommandBase
{
    /// <summary>Its name, as Get-DbUpgrade shows it.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(UpgradeCompleter))]
    [ValidateNotNullOrEmpty]
    public string Id { get; set; } = string.Empty;

    /// <summary>Skips the question.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(Id, () =>
    {
        string description = $"Go on with the upgrade '{Id}'";
        if (Confirmed(description, description + "?", "Resume", Force, "-Force"))
            UpgradeReport.Write(this, Run((observer, token) => new UpgradeService().ResumeAsync(Id, observer, token)));
    });
}
