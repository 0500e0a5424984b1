using System.Management.Automation;
using DbBackup.Engine.Repository.Signatures;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Trusts signers of a repository's backups.</summary>
[Cmdlet(VerbsLifecycle.Approve, "DbBackupSigner", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[OutputType(typeof(BackupSigner))]
public sealed class ApproveDbBackupSignerCommand : SignerCommandBase
{
    private protected override string Verb => "Approve";

    private protected override Task<BackupSigner> ChangeAsync(BackupSigners signers, BackupSigner signer, CancellationToken cancellationToken) => signers.ApproveAsync(signer, cancellationToken);
}
