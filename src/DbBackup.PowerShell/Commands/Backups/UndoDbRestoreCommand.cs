using System.Management.Automation;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Restores;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Parameters;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Undoes a restore: everything that it replaced gets its previous state back.</summary>
[Cmdlet(VerbsCommon.Undo, "DbRestore", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(RestoreResult), typeof(RestorePlan))]
[ParameterGroup<RepositoryParameters>(ValueFromPipelineByPropertyName = true)]
[ParameterGroup<ServerParameters>]
[ParameterGroup<DockerParameters>(Members = [nameof(DockerHost)])]
[ParameterGroup<StagingParameters>]
[ParameterGroup<LockParameters>]
[ParameterGroup<RestoreParameters>]
[ParameterGroup<KeyParameters>]
public sealed partial class UndoDbRestoreCommand : RepositoryCommandBase
{
    /// <summary>The restore; the newest one by default.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("RestoreId")]
    [ArgumentCompleter(typeof(RestoreIdCompleter))]
    [ValidateNotNullOrEmpty]
    public string? Id { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(Id ?? Source, Undo);

    private void Undo()
    {
        BackupRepository repository = OpenRepository(Repository);
        RestoreRecord record = Choose(repository);
        if (record.SafetyBackup is { } kept && Run((_, token) => repository.FindAsync(new BackupKey(record.Source, kept), token)) is { } safety)
            Opened(safety, GetKeyParameters());
        ServerParameters server = GetServerParameters();
        ContainerAddress place = GetDockerParameters().ToAddress(ResolveProject);
        var request = new UndoRequest
        {
            Record = record,
            Connection = server.ToRequest(place: server.NamesServer ? null : place, starts: !IsWhatIf()),
            Place = place,
            StartsContainers = !IsWhatIf(),
            NoSafetyBackup = NoSafetyBackup,
            Force = Force,
            StagingPath = GetStagingParameters().ToPath(ResolvePath),
            LockTimeout = GetLockParameters().ToTime(),
        };
        bool whatIf = IsWhatIf();
        PreparedRestore undo = Run((observer, token) => RestoreUndo.PrepareAsync(repository, request, whatIf, observer, token));
        string plan = undo.Plan.ToString();
        if (!Confirmed(plan, $"{plan}\nGo on?", "Undo", Force))
        {
            if (PassThru && whatIf)
                WriteObject(undo.Plan);
            return;
        }

        RestoreResult result = Run(undo.RunAsync);
        if (result.RestoreId is { } id)
            WriteVerbose($"To take this back: Undo-DbRestore {CommandText.Quote(id)} -Source {CommandText.Quote(result.Source)} -Repository {CommandText.Quote(result.Repository)}");
        if (PassThru)
            WriteObject(result);
    }

    // A server of a container that is off is started for the undo; never only to show a plan.

    private RestoreRecord Choose(BackupRepository repository)
    {
        IReadOnlyList<RestoreRecord> records = Run((_, token) => RestoreUndo.ListAsync(repository, null, token));
        if (Source is not null)
        {
            RestoreRecord[] exact = [.. records.Where(record => record.Source == Source)];
            records = exact.Length > 0 ? exact : [.. records.Where(record => string.Equals(record.Source, Source, StringComparison.OrdinalIgnoreCase))];
        }

        RestoreRecord[] fitting = [.. records.Where(record => Id is null || string.Equals(record.Id, Id, StringComparison.OrdinalIgnoreCase))];
        if (fitting.Length == 0)
        {
            throw new BackupFailure(
                ErrorCodes.BackupNotFound,
                FailureCategory.NotFound,
                $"There is no restore {(Id is null ? string.Empty : $"'{Id}' ")}{(Source is null ? string.Empty : $"of '{Source}' ")}that can be undone in '{repository.Location}'.",
                "A restore can be undone while its safety backup is there: Get-DbBackup -Reason Safety lists them, Restore-DbBackup restores one.")
            { Target = Id ?? Source ?? repository.Location };
        }

        string[] sources = [.. fitting.Select(record => record.Source).Distinct(StringComparer.Ordinal)];
        if (sources.Length > 1)
        {
            throw new BackupFailure(
                ErrorCodes.BackupAmbiguous,
                FailureCategory.InvalidArgument,
                $"Restores of several sources can be undone: {string.Join(", ", sources.Take(5))}.",
                "Name the source: add -Source.")
            { Target = repository.Location };
        }

        return fitting[0];
    }
}
