using System.Management.Automation;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Portability;
using DbBackup.Engine.Repository;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Adopts an existing file or folder as a backup.</summary>
[Cmdlet(VerbsData.Import, "DbBackup", SupportsShouldProcess = true, DefaultParameterSetName = PathSet)]
[OutputType(typeof(Backup))]
public sealed class ImportDbBackupCommand : BackupCreationCommandBase
{
    /// <summary>The server on which a dump of PostgreSQL is proved.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? DrillServer { get; set; }

    /// <summary>Who connects to it.</summary>
    [Parameter]
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (PathItem item in ResolveItems())
        {
            TryEach(item.Given, () =>
            {
                string path = item.Resolved ?? throw item.Failure!;
                BackupRepository repository = OpenRepository(Repository);
                BackupRequest request = Describe([]) with { DrillServer = DescribeDrillServer() };
                if (ShouldProcess($"'{path}' into '{repository.Location}'", "Adopt"))
                    WriteObject(Run((observer, token) => new BackupImporter(repository).ImportAsync(path, request, observer, token)));
            });
        }
    }

    private PostgreSqlConnectionRequest? DescribeDrillServer()
    {
        if (DrillServer is null && Credential is null)
            return null;
        if (!Verify)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, "-DrillServer and -Credential name the server of a drill, and this import makes none.", "Add -Verify.");
        }

        return ConnectionArguments.ToRequest(DrillServer, credential: Credential);
    }
}
