using System.Management.Automation;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Portability;
using DbBackup.Engine.Repository;
using DbBackup.PowerShell.Arguments;
using DbBackup.PowerShell.Completion;
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
    /// <summary>When the original was made.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [PointInTimeTransformation]
    public DateTimeOffset? Created { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (PathItem item in ResolveItems())
        {
            TryEach(item.Given, () =>
            {
                string path = item.Resolved ?? throw item.Failure!;
                BackupRepository repository = OpenRepository(Repository);
                BackupRequest request = Describe([]) with { TestServer = DescribeTestServer(), Created = Created };
                var importer = new BackupImporter(repository);
                ImportPreview preview = Dated(path, ref request, dated => Run((_, _) => Task.FromResult(importer.Inspect(path, dated.Created))));
                BackupRequest checkedRequest = request;
                if (IsWhatIf())
                    Check(token => importer.CheckAsync(path, checkedRequest, token));
                string made = preview.Created is { } moment ? $" of {moment.ToLocalTime():yyyy-MM-dd HH:mm}" : string.Empty;
                if (ShouldProcess($"'{path}' ({preview.Description}{made}) into '{repository.Location}'", "Import"))
                    WriteObject(Dated(path, ref request, dated => Run((observer, token) => importer.ImportAsync(path, dated, observer, token))));
            });
        }
    }

    // What an archive holds may say when it was made, and is known only when it is unpacked.
    private T Dated<T>(string path, ref BackupRequest request, Func<BackupRequest, T> work)
    {
        try
        {
            return work(request);
        }
        catch (BackupException failure) when (failure.Code == ErrorCodes.ImportDateUnknown && !IsWhatIf() && SessionInput.CanAsk(Host))
        {
            if (MomentPrompt.Ask(Host, path) is not { } created)
                throw;
            request = request with { Created = created };
            return work(request);
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
