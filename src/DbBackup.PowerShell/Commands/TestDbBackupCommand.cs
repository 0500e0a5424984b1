using System.Management.Automation;
using DbBackup.Engine.Repositories;
using DbBackup.Engine.Verification;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Tests backups: reads them back, or restores them into a scratch place and compares.</summary>
[Cmdlet(VerbsDiagnostic.Test, "DbBackup", DefaultParameterSetName = NameSet)]
[OutputType(typeof(BackupTestResult))]
public sealed class TestDbBackupCommand : BackupCommandBase
{
    /// <summary>Names or wildcards.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = NameSet)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(BackupNameCompleter))]
    public string[]? Name { get; set; }

    /// <summary>Only the newest good one of each source.</summary>
    [Parameter(ParameterSetName = NameSet)]
    public SwitchParameter Latest { get; set; }

    /// <summary>How deep.</summary>
    [Parameter]
    public BackupTestLevel Level { get; set; } = BackupTestLevel.Structure;

    /// <summary>Where the backup is restored for the test.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? StagingPath { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(InputObject ?? (object?)Name, () =>
    {
        BackupRepository repository = CurrentRepository();
        string? staging = StagingPath is null ? null : ResolvePath(StagingPath);
        foreach (Backup backup in SelectBackups(Name, Latest))
        {
            TryEach(backup, () => WriteObject(
                Run((observer, token) => new BackupVerifier(repository).TestAsync(backup, Level, staging, observer, token))));
        }
    });
}
