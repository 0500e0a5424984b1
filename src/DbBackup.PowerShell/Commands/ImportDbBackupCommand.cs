using System.Management.Automation;
using DbBackup.Engine.Portability;
using DbBackup.Engine.Repositories;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Adopts an existing file or folder as a backup.</summary>
[Cmdlet(VerbsData.Import, "DbBackup", SupportsShouldProcess = true, DefaultParameterSetName = PathSet)]
[OutputType(typeof(Backup))]
public sealed class ImportDbBackupCommand : BackupCreationCommandBase
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
                if (ShouldProcess($"'{path}' into '{repository.Storage.Location}'", "Adopt"))
                    WriteObject(Run((observer, token) => new BackupImporter(repository).ImportAsync(path, Describe([]), observer, token)));
            });
        }
    }
}
