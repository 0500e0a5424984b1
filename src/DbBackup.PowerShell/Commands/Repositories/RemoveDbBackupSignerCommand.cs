using System.Management.Automation;
using DbBackup.Engine.Repository.Signatures;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>No longer trusts signers of a repository's backups.</summary>
[Cmdlet(VerbsCommon.Remove, "DbBackupSigner", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[OutputType(typeof(BackupSigner))]
public sealed class RemoveDbBackupSignerCommand : SignerCommandBase
{
    private protected override string Verb => "Stop trusting";

    private protected override Task<BackupSigner> ChangeAsync(BackupSigners signers, BackupSigner signer, CancellationToken cancellationToken) => signers.RemoveAsync(signer, cancellationToken);
}
