using System.Management.Automation;
using DbBackup.Engine.Encryption;
using DbBackup.Upgrades;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Rolls back an upgrade.</summary>
[Cmdlet(VerbsCommon.Undo, "DbUpgrade", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(UpgradeResult))]
public sealed class UndoDbUpgradeCommand : BegunUpgradeCommandBase
{
    private protected override string Caption => "Undo";

    private protected override string Verb => "Roll back";

    private protected override Task<UpgradeResult> ActAsync(UpgradeService service, string? password, KeyRing keys, IOperationObserver observer, CancellationToken cancellationToken) =>
        service.UndoAsync(Id, password, keys, observer, cancellationToken);
}
