using System.Management.Automation;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Verification;
using DbBackup.PowerShell.Parameters;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Checks a repository as a whole.</summary>
[Cmdlet(VerbsDiagnostic.Test, "DbBackupRepository")]
[OutputType(typeof(RepositoryFinding))]
[ParameterGroup<RepositoryParameters>(Members = [nameof(Repository)], Position = 0)]
public sealed partial class TestDbBackupRepositoryCommand : RepositoryCommandBase
{
    /// <summary>Reads all payloads and compares them with their hashes.</summary>
    [Parameter]
    public SwitchParameter Deep { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(Repository, () =>
    {
        BackupRepository repository = OpenRepository(Repository);
        IReadOnlyList<RepositoryFinding> findings = Run((observer, token) => new RepositoryCheck(repository).RunAsync(Deep, observer, token));
        // First the findings: -ErrorAction Stop ends the pipeline with the error.
        WriteObject(findings, enumerateCollection: true);
        if (findings.Where(finding => finding.Severity == BackupHealth.Critical).ToArray() is { Length: > 0 } critical)
            WriteError(ErrorRecords.From(FailureOf(repository, critical), critical));
    });

    private static BackupFailure FailureOf(BackupRepository repository, RepositoryFinding[] critical) => new(
        ErrorCodes.RepositoryTestFailed,
        FailureCategory.InvalidData,
        $"The repository '{repository.Location}' did not pass its check ({critical.Length} {(critical.Length == 1 ? "finding is" : "findings are")} critical): {critical[0].Message}",
        critical[0].Hint);
}
