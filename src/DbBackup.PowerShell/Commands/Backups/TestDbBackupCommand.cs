using System.Management.Automation;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Verification;
using DbBackup.PowerShell.Arguments;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Parameters;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Tests backups: reads them back, or restores them into a scratch place and compares.</summary>
[Cmdlet(VerbsDiagnostic.Test, "DbBackup", DefaultParameterSetName = NameSet)]
[OutputType(typeof(BackupTestResult))]
[ParameterGroup<TestServerParameters>]
[ParameterGroup<ServerParameters>(Members = [nameof(Credential)])]
[ParameterGroup<JobsParameters>]
[ParameterGroup<StagingParameters>]
[ParameterGroup<KeyParameters>]
public sealed partial class TestDbBackupCommand : BackupCommandBase
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

    /// <summary>Questions in SQL that must be answered with true.</summary>
    [Parameter]
    public string[] Assert { get; set; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(InputObject ?? (object?)Name, () =>
    {
        if (Assert.Length > 0 && Level != BackupTestLevel.Restore)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, "-Assert queries a restored database, and this test restores none.", "Add -Level Restore.");
        }

        var options = new BackupTestOptions
        {
            Level = Level,
            StagingPath = GetStagingParameters().ToPath(ResolvePath),
            TestServer = ConnectionArguments.ToRequest(TestServer, credential: Credential),
            Assertions = Assert,
            Jobs = Jobs,
        };
        foreach (Backup backup in SelectBackups(Name, Latest))
        {
            TryEach(backup, () =>
            {
                BackupRepository repository = OpenRepository(backup.Repository);
                // Hashes of what is stored are compared without a key.
                Backup tested = Level == BackupTestLevel.Checksum ? backup : Opened(backup, GetKeyParameters());
                BackupTestResult result = Run((observer, token) => new BackupVerifier(repository).TestAsync(tested, options, observer, token));
                // First the result: -ErrorAction Stop ends the pipeline with the error.
                WriteObject(result);
                if (!result.Passed)
                    WriteError(ErrorRecords.From(FailureOf(result), result));
            });
        }
    });

    private static BackupFailure FailureOf(BackupTestResult result) => result.Status == BackupStatus.Mismatched
        ? new BackupFailure(
            ErrorCodes.TestFailed,
            FailureCategory.InvalidData,
            $"Backup '{result.Source}/{result.Name}' is whole, but did not pass its restore test: {result.Failure}",
            $"Correct what it names in the database, and make a new backup. This one can still be restored, and what differs is listed: Restore-DbBackup {CommandText.Quote(result.Name)} -Source {CommandText.Quote(result.Source)} -AllowMismatch.")
        : result.Status == BackupStatus.Damaged
        ? new BackupFailure(
            ErrorCodes.TestFailed,
            FailureCategory.InvalidData,
            $"Backup '{result.Source}/{result.Name}' did not pass its test: {result.Failure}",
            $"Use another backup of this source: Get-DbBackup -Source {CommandText.Quote(result.Source)} lists them, and make a new one.")
        : new BackupFailure(
            ErrorCodes.AssertionNotRun,
            FailureCategory.InvalidArgument,
            $"The backup '{result.Source}/{result.Name}' is sound, but {result.Failure}",
            "Correct the SQL of -Assert: it must run in the restored database.");
}
