using System.Management.Automation;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Migrations;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Restores;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Parameters;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Restores a backup: beside, checked, and then swapped in place of what is there.</summary>
[Cmdlet(VerbsData.Restore, "DbBackup", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High, DefaultParameterSetName = NameSet)]
[OutputType(typeof(RestoreResult), typeof(RestorePlan))]
[ParameterGroup<ServerParameters>]
[ParameterGroup<DockerParameters>]
[ParameterGroup<MigrationParameters>]
[ParameterGroup<ContentParameters>]
[ParameterGroup<JobsParameters>]
[ParameterGroup<StagingParameters>]
[ParameterGroup<LockParameters>]
[ParameterGroup<RestoreParameters>]
[ParameterGroup<KeyParameters>]
public sealed partial class RestoreDbBackupCommand : BackupCommandBase
{
    private readonly List<Backup> _backups = [];
    private MigrationCode? _code;
    private bool _chosenAtPrompt;

    /// <summary>The backup's name.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = NameSet)]
    [ArgumentCompleter(typeof(BackupNameCompleter))]
    public string? Name { get; set; }

    /// <summary>The newest good backup of the source.</summary>
    [Parameter(ParameterSetName = NameSet)]
    public SwitchParameter Latest { get; set; }

    /// <summary>Where to.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Destination { get; set; }

    /// <summary>A volume.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(VolumeCompleter))]
    [ValidateNotNullOrEmpty]
    public string? Volume { get; set; }

    /// <summary>The path in the container or volume.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? ContainerPath { get; set; }

    /// <summary>The name that the database gets; of a backup of a whole server, which databases are restored.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[]? Database { get; set; }

    /// <summary>The name that one database out of a backup of a whole server gets.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? NewName { get; set; }

    /// <summary>Empties the present database and loads it anew.</summary>
    [Parameter]
    public SwitchParameter InPlace { get; set; }

    /// <summary>Only these tables.</summary>
    [Parameter]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(TableCompleter))]
    public string[] Table { get; set; } = [];

    /// <summary>Only these schemas.</summary>
    [Parameter]
    [SupportsWildcards]
    public string[] Schema { get; set; } = [];

    /// <summary>Only these files and folders.</summary>
    [Parameter]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[] File { get; set; } = [];

    /// <summary>Gives everything to the role that connects.</summary>
    [Parameter]
    public SwitchParameter NoOwner { get; set; }

    /// <summary>Restores a server's database although the server refuses a part of it, or it differs from what was recorded.</summary>
    [Parameter]
    public SwitchParameter AllowMismatch { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(InputObject ?? (object?)Name, () =>
    {
        if (Choose() is { } backup)
            _backups.Add(backup);
    });

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        // Only when all are known does it show that several would replace each other, one after the other.
        foreach (IGrouping<(string, string), Backup> group in _backups.DistinctBy(backup => backup.Location).GroupBy(backup => (backup.Repository, backup.Source)))
        {
            Backup[] backups = [.. group];
            TryEach(backups[0], () =>
            {
                RequireOne(backups);
                Restore(Opened(backups[0], GetKeyParameters()));
            });
        }
    }

    private static void RequireOne(Backup[] backups)
    {
        if (backups.Length == 1)
            return;
        throw new BackupFailure(
            ErrorCodes.BackupAmbiguous,
            FailureCategory.InvalidArgument,
            $"{backups.Length} backups of '{backups[0].Source}' were given, and each would replace what the one before restored: {string.Join(", ", backups.Take(5).Select(backup => backup.Name))}{(backups.Length > 5 ? ", …" : string.Empty)}. None of them was restored.",
            $"Name one (Restore-DbBackup {CommandText.Quote($"{backups[0].Source}/{backups[0].Name}")}), or take the newest good one of each source: Get-DbBackup -Latest | Restore-DbBackup.")
        { Target = backups[0].Source };
    }

    private void Restore(Backup backup)
    {
        BackupRepository repository = OpenRepository(backup.Repository);
        bool several = backup.Manifest?.Payloads.Count(payload => payload is { Kind: PayloadKind.Database, Database: not null }) > 1;
        if (Database?.Length > 1 && !several)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument,
                FailureCategory.InvalidArgument,
                $"Backup '{backup}' holds one database, and -Database gives it {Database.Length} names.",
                "Give it one name.");
        }

        ServerParameters server = GetServerParameters();
        ContainerAddress place = GetDockerParameters().ToAddress(ResolveProject, Volume);
        var request = new RestoreRequest
        {
            Backup = backup,
            Connection = server.ToRequest(place: server.NamesServer ? null : place, starts: !IsWhatIf()),
            Place = place,
            StartsContainers = !IsWhatIf(),
            ContainerPath = ContainerPath,
            Databases = several ? Database ?? [] : [],
            NewName = several ? NewName : NewName ?? Database?[0],
            InPlace = InPlace,
            Tables = Table,
            Schemas = Schema,
            Files = File,
            NoOwner = NoOwner,
            AllowMismatch = AllowMismatch,
            Jobs = Jobs,
            StagingPath = GetStagingParameters().ToPath(ResolvePath),
            Destination = Destination is null ? null : ResolveFolderOrFile(Destination),
            Content = Content,
            NoSafetyBackup = NoSafetyBackup,
            Force = Force,
            LockTimeout = GetLockParameters().ToTime(),
        };
        RequireFittingCode(backup);
        bool whatIf = IsWhatIf();
        PreparedRestore restore = Run((observer, token) => PreparedRestore.PrepareAsync(repository, request, whatIf, observer, token));
        RestorePlan plan = restore.Plan;
        string question = $"{plan}\nGo on?";
        if (!Confirmed(plan.ToString(), question, "Restore", Force))
        {
            if (PassThru && whatIf)
                WriteObject(plan);
            return;
        }

        RestoreResult result = Run(restore.RunAsync);
        Report(result);
        if (PassThru)
            WriteObject(result);
    }

    // Code that does not know the restored revision would refuse to start, or worse: write into tables that it misreads.
    private void RequireFittingCode(Backup backup)
    {
        if (ReadCode() is not { } code)
            return;
        foreach (SchemaRevision revision in SchemaRevisions.OfBackup(backup, BackupRepository.RequireManifest(backup)).Select(code.Compare))
        {
            if (!Force)
                code.RequireFit(revision, backup.Manifest!.Git);
            if (revision.Relation == SchemaRelation.Behind)
                WriteVerbose($"The code has {revision.Pending!.Count} migrations that '{revision.Database}' has not had yet: {string.Join(", ", revision.Pending)}.");
        }
    }

    // Once for all the backups of a pipeline.
    private MigrationCode? ReadCode()
    {
        if (_code is null && GetMigrationParameters().ToRequest(GetDockerParameters(), ResolvePath, ResolveProject) is { } request)
            _code = Run((_, token) => MigrationCode.ReadAsync(request, token));

        return _code;
    }

    // A database of a container that is off, or of a project that has nothing yet, is started for its restore; never only to show a plan.

    private Backup? Choose()
    {
        if (ParameterSetName == InputObjectSet || Name is not null || Latest)
            return SelectOne(Name, Latest);
        BackupRepository repository = CurrentRepository();
        IReadOnlyList<Backup> candidates = ListSource(repository);
        if (candidates.Count == 0)
            throw NotFound(null, repository);
        if (!SessionInput.CanAsk(Host))
        {
            throw new BackupFailure(
                ErrorCodes.ConfirmationRequired,
                FailureCategory.Refused,
                "No backup was named, and the session cannot ask for one.",
                "Name it with -Name, or take the newest good one with -Source NAME -Latest; -Confirm:$false answers the question that follows.");
        }

        _chosenAtPrompt = true;
        return CandidatePrompt.Choose(Host, candidates, Destination is null);
    }

    private void Report(RestoreResult result)
    {
        // Who was asked is also told how it went.
        if (_chosenAtPrompt)
            Host.UI.WriteLine($"Restored {string.Join(", ", result.Restored.Select(path => $"'{path}'"))}: {result.Status}, in {result.Duration.TotalSeconds:0.0} s.");
        if (result.NextCommands.Count > 0)
        {
            WriteWarning(
                $"The restored database is at schema revision {result.SchemaRevision}; the one before was at {result.PreviousSchemaRevision}. To bring it up to date: {string.Join("; ", result.NextCommands)}");
        }

        if (result.LeftStopped.Count > 0)
        {
            WriteWarning(
                $"{string.Join(", ", result.LeftStopped)} left stopped: the restored database is at schema revision {result.SchemaRevision}, and the code in there ran on {result.PreviousSchemaRevision ?? "another one"}; it might migrate the old data when it starts. "
                + $"Either start the older version of the application, or let it migrate: docker start {string.Join(' ', result.LeftStopped)}. With -Force it is started at once.");
        }

        if (result.RestoreId is not { } id)
            return;
        string back = $"To go back: Undo-DbRestore {CommandText.Quote(id)} -Source {CommandText.Quote(result.Source)} -Repository {CommandText.Quote(result.Repository)}";
        if (_chosenAtPrompt)
            Host.UI.WriteLine(back);
        else
            WriteVerbose(back);
    }
}
