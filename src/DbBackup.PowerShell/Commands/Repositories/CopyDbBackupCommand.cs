using System.Management.Automation;
using DbBackup.Engine.Repository;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Copies backups to another repository.</summary>
[Cmdlet(VerbsCommon.Copy, "DbBackup", SupportsShouldProcess = true, DefaultParameterSetName = NameSet)]
[OutputType(typeof(Backup))]
public sealed class CopyDbBackupCommand : BackupCommandBase
{
    /// <summary>Names or wildcards.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = NameSet)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(BackupNameCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>The repository to which they are copied.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    [ArgumentCompleter(typeof(RepositoryCompleter))]
    [ValidateNotNullOrEmpty]
    public string Destination { get; set; } = string.Empty;

    /// <summary>Accepts a new or another repository where a known one was before.</summary>
    [Parameter]
    public SwitchParameter AllowNewRepository { get; set; }

    /// <summary>Bytes in a second at most.</summary>
    [Parameter]
    [ValidateRange(1024, long.MaxValue)]
    public long? Throttle { get; set; }

    /// <summary>Emits the copies.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(InputObject ?? (object)Name, () =>
    {
        BackupRepository destination = OpenRepository(Destination);
        foreach (Backup backup in SelectBackups(Name, latest: false))
        {
            TryEach(backup, () =>
            {
                var copy = new BackupCopy(OpenRepository(backup.Repository), destination, Throttle);
                if (IsWhatIf())
                {
                    Run(async (_, token) =>
                    {
                        await copy.CheckAsync(backup, AllowNewRepository, token).ConfigureAwait(false);
                        return true;
                    });
                }

                if (!ShouldProcess($"'{backup}' ({ByteSize.Format(backup.Size)}) to '{destination.Location}'", "Copy"))
                    return;
                Backup copied = Run((observer, token) => copy.RunAsync(backup, AllowNewRepository, observer, token));
                if (PassThru)
                    WriteObject(copied);
            });
        }
    });
}
