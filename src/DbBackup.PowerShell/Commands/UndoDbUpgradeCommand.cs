using System.Management.Automation;
using DbBackup.Engine.Upgrades;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Gives a database back the state that it had before an upgrade.</summary>
[Cmdlet(VerbsCommon.Undo, "DbUpgrade", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(UpgradeResult))]
public sealed class UndoDbUpgradeCommand : RepositoryCommandBase
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
        string description = $"Take back the upgrade '{Id}'";
        if (Confirmed(description, description + "?", "Undo", Force, "-Force"))
            UpgradeReport.Write(this, Run((observer, token) => new UpgradeService().UndoAsync(Id, observer, token)));
    });
}
