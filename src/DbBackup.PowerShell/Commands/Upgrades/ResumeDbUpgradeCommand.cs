using System.Management.Automation;
using DbBackup.Engine.Encryption;
using DbBackup.Upgrades;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Resumes an interrupted or failed upgrade.</summary>
[Cmdlet(VerbsLifecycle.Resume, "DbUpgrade", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(UpgradeResult))]
public sealed class ResumeDbUpgradeCommand : BegunUpgradeCommandBase
{
    private protected override string Caption => "Resume";

    private protected override string Verb => "Resume";

    private protected override Task<UpgradeResult> ActAsync(UpgradeService service, string? password, KeyRing keys, IOperationObserver observer, CancellationToken cancellationToken) =>
        service.ResumeAsync(Id, password, keys, observer, cancellationToken);
}
