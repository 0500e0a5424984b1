using System.Management.Automation;
using DbBackup.Engine.Retention;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Ends what Lock-DbBackup has begun.</summary>
[Cmdlet(VerbsCommon.Unlock, "DbBackup", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium, DefaultParameterSetName = NameSet)]
[OutputType(typeof(Backup))]
public sealed partial class UnlockDbBackupCommand : BackupCommandBase
{
    /// <summary>Names or wildcards.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = NameSet)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(BackupNameCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>Emits what was unlocked.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(InputObject ?? (object)Name, () =>
    {
        foreach (Backup backup in SelectBackups(Name, latest: false))
        {
            TryEach(backup, () =>
            {
                string what = backup.Hold is { } hold ? $"Unlock ({hold})" : "Unlock";
                if (!ShouldProcess($"backup '{backup}'", what))
                    return;
                Backup unlocked = Run((_, token) => new BackupHolds(OpenRepository(backup.Repository)).UnlockAsync(backup, token));
                if (PassThru)
                    WriteObject(unlocked);
            });
        }
    });
}
