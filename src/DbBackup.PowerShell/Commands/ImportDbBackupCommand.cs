using System.Management.Automation;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Portability;
using DbBackup.Engine.Repository;
using DbBackup.PowerShell.Arguments;
using DbBackup.PowerShell.Parameters;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Imports an existing file or folder as a backup.</summary>
[Cmdlet(VerbsData.Import, "DbBackup", SupportsShouldProcess = true, DefaultParameterSetName = PathSet)]
[OutputType(typeof(Backup))]
[ParameterGroup<TestServerParameters>]
[ParameterGroup<ServerParameters>(Members = [nameof(Credential)])]
public sealed partial class ImportDbBackupCommand : BackupCreationCommandBase
{
    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (PathItem item in ResolveItems())
        {
            TryEach(item.Given, () =>
            {
                string path = item.Resolved ?? throw item.Failure!;
                BackupRepository repository = OpenRepository(Repository);
                BackupRequest request = Describe([]) with { TestServer = DescribeTestServer() };
                if (IsWhatIf())
                    Check(token => new BackupImporter(repository).CheckAsync(path, request, token));
                if (ShouldProcess($"'{path}' into '{repository.Location}'", "Import"))
                    WriteObject(Run((observer, token) => new BackupImporter(repository).ImportAsync(path, request, observer, token)));
            });
        }
    }

    private PostgreSqlConnectionRequest? DescribeTestServer()
    {
        if (TestServer is null && Credential is null)
            return null;
        if (!Verify)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, "-TestServer and -Credential apply to a restore test, and this import runs none.", "Add -Verify.");
        }

        return ConnectionArguments.ToRequest(TestServer, credential: Credential);
    }
}
