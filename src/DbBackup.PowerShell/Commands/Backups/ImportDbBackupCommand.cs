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

    /// <summary>Imports each backup in the folders and those below them.</summary>
    [Parameter]
    public SwitchParameter Recurse { get; set; }

    private readonly ImportAnswers _answers = new();
    private ImportHistory? _history;

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (PathItem item in ResolveItems())
        {
            TryEach(item.Given, () =>
            {
                string path = item.Resolved ?? throw item.Failure!;
                if (Recurse && Name is not null)
                {
                    throw new BackupFailure(
                        ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, "-Name names one backup, and -Recurse imports as many as there are.", "Leave -Name out, or import one file.");
                }

                IReadOnlyList<ImportCandidate> candidates = Recurse && Directory.Exists(path)
                    ? Run((observer, token) => BackupImporter.SearchAsync(path, observer, token))
                    : [Run((_, token) => BackupImporter.NamedAsync(path, token))];
                foreach (ImportCandidate candidate in candidates)
                    TryEach(candidate.Path, () => Import(candidate));
            });
        }
    }

    private void Import(ImportCandidate candidate)
    {
        if (candidate.Failure is { } broken)
            throw broken;
        if (candidate.Skipped is { } reason)
        {
            WriteWarning($"Skipped '{candidate.Path}': {reason}.");
            return;
        }

        BackupRepository repository = OpenRepository(Repository);
        _history ??= Run((_, token) => ImportHistory.ReadAsync(repository, AllowNewRepository, token));
        // A name of its own asks for a second one.
        if (Name is null && _history.Find(candidate, Source, Created) is { } before)
        {
            SkipKnown(candidate, $"its content was imported before, as '{before}'");
            return;
        }

        BackupRequest request = Describe([]) with { TestServer = DescribeTestServer(), Created = Created };
        var importer = new BackupImporter(repository);
        ImportPreview preview = Told(candidate, ref request, told => Run((_, _) => Task.FromResult(importer.Inspect(candidate, told.Created, told.SourceName))));
        if (preview.Id is { } id && _history.Find(id) is { } same)
        {
            SkipKnown(candidate, $"the repository has this backup already: '{same}'");
            return;
        }

        if (MyInvocation.BoundParameters.ContainsKey(nameof(Reason)))
            preview = preview with { Reason = request.Reason, ReasonBy = "as given" };
        request = request with { Reason = preview.Reason };
        BackupRequest checkedRequest = request;
        if (IsWhatIf())
            Check(token => importer.CheckAsync(candidate.Path, checkedRequest, token));
        if (!ShouldProcess($"'{candidate.Path}' ({preview}) into '{repository.Location}'", "Import"))
            return;
        Backup backup = Told(candidate, ref request, told => Run((observer, token) => importer.ImportAsync(candidate, told, observer, token)));
        _history.Add(backup);
        WriteObject(backup);
    }

    // A second run over the same folder says nothing of what the first has done.
    private void SkipKnown(ImportCandidate candidate, string reason)
    {
        string text = $"Skipped '{candidate.Path}': {reason}.";
        if (candidate.Root is null || IsWhatIf())
            WriteWarning(text);
        else
            WriteVerbose(text);
    }

    // What an archive holds may say when it was made, and is known only when it is unpacked.
    private T Told<T>(ImportCandidate candidate, ref BackupRequest request, Func<BackupRequest, T> work)
    {
        while (true)
        {
            try
            {
                return work(request);
            }
            catch (BackupException failure) when (!IsWhatIf() && SessionInput.CanAsk(Host))
            {
                if (_answers.Ask(Host, candidate, failure, request) is not { } answered)
                    throw;
                request = answered;
            }
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
