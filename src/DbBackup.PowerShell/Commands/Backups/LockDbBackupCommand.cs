using System.Management.Automation;
using DbBackup.Engine.Retention;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Keeps backups from being removed.</summary>
[Cmdlet(VerbsCommon.Lock, "DbBackup", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Low, DefaultParameterSetName = NameSet)]
[OutputType(typeof(Backup))]
public sealed partial class LockDbBackupCommand : BackupCommandBase
{
    /// <summary>Names or wildcards.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = NameSet)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(BackupNameCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>Why they are kept.</summary>
    [Parameter]
    public string? Reason { get; set; }

    /// <summary>When the hold ends.</summary>
    [Parameter]
    [EndTransformation]
    public DateTimeOffset? Until { get; set; }

    /// <summary>Emits what was locked.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        if (Until <= DateTimeOffset.UtcNow)
        {
            ThrowTerminatingError(ErrorRecords.From(new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"The hold would end at once: -Until {Until:yyyy-MM-dd HH:mm} is past.", "Give a later date, or omit -Until.")));
        }
    }

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(InputObject ?? (object)Name, () =>
    {
        foreach (Backup backup in SelectBackups(Name, latest: false))
        {
            TryEach(backup, () =>
            {
                var hold = new BackupHold { Reason = string.IsNullOrWhiteSpace(Reason) ? null : Reason, Since = DateTimeOffset.UtcNow, Until = Until?.ToUniversalTime() };
                if (!ShouldProcess($"backup '{backup}'", $"Lock ({hold})"))
                    return;
                Backup locked = Run((_, token) => new BackupHolds(OpenRepository(backup.Repository)).LockAsync(backup, hold, token));
                if (PassThru)
                    WriteObject(locked);
            });
        }
    });
}
