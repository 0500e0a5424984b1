using System.Management.Automation;
using DbBackup.Engine.Encryption;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Makes a key for encrypted backups.</summary>
[Cmdlet(VerbsCommon.New, "DbBackupKey", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Low)]
[OutputType(typeof(BackupKeyFile))]
public sealed class NewDbBackupKeyCommand : EngineCommandBase
{
    /// <summary>The new file of the secret key.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = string.Empty;

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(Path, () =>
    {
        string path = ResolvePath(Path);
        if (ShouldProcess($"'{path}'", "Make a key"))
            WriteObject(new BackupKeyFile(IdentityFile.Create(path), path));
    });
}
