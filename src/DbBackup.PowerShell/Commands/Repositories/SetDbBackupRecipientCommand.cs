using System.Management.Automation;
using System.Security;
using DbBackup.Engine.Encryption;
using DbBackup.Engine.Repository;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Parameters;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Changes who can open encrypted backups, without rewriting their payloads.</summary>
[Cmdlet(VerbsCommon.Set, "DbBackupRecipient", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium, DefaultParameterSetName = NameSet)]
[OutputType(typeof(Backup))]
[ParameterGroup<KeyParameters>]
public sealed partial class SetDbBackupRecipientCommand : BackupCommandBase
{
    /// <summary>Names or wildcards.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = NameSet)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(BackupNameCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>Public keys of age, or files of them.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[]? Recipient { get; set; }

    /// <summary>The passphrase that opens the backup from now on.</summary>
    [Parameter]
    [ValidateNotNull]
    public SecureString? NewPassphrase { get; set; }

    /// <summary>Emits what was changed.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(InputObject ?? (object)Name, () =>
    {
        BackupSealing sealing = SealingParameters.Of(Recipient, NewPassphrase, "-NewPassphrase", ResolvePath) ?? throw new BackupFailure(
            ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, "It was not said who is to open the backup.", "Name the public keys with -Recipient (all of them: others are removed), or give -NewPassphrase.");
        foreach (Backup backup in SelectBackups(Name, latest: false))
        {
            TryEach(backup, () =>
            {
                string names = string.Join(", ", sealing.Names);
                if (!ShouldProcess($"backup '{backup}'", $"Encrypt its key to {names}"))
                    return;
                BackupRepository repository = OpenRepository(backup.Repository);
                RequireKeys(backup, repository, GetKeyParameters());
                Run(async (_, token) =>
                {
                    await new EncryptedBackups(repository).ChangeRecipientsAsync(backup, sealing, token).ConfigureAwait(false);
                    return true;
                });
                if (PassThru)
                    WriteObject(Refresh(backup, repository));
            });
        }
    });
}
