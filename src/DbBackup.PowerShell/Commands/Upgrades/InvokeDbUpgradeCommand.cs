using System.Management.Automation;
using DbBackup.Engine.Repository;
using DbBackup.PowerShell.Arguments;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Parameters;
using DbBackup.PowerShell.Pipeline;
using DbBackup.Upgrades;

namespace DbBackup.PowerShell.Commands;

/// <summary>Upgrades an application and its database, and rolls both back if any step fails.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "DbUpgrade", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High, DefaultParameterSetName = PathSet)]
[OutputType(typeof(UpgradeResult), typeof(UpgradePlan))]
[ParameterGroup<ServerParameters>(PostgreSqlSet, ServerSet, Members = [nameof(ConnectionString)], Position = 0)]
[ParameterGroup<ServerParameters>(PostgreSqlSet, ServerSet, Members = [nameof(HostName), nameof(Port), nameof(Username), nameof(Credential)])]
[ParameterGroup<DockerParameters>(ComposeSet, Members = [nameof(ComposeProject)], Mandatory = true)]
[ParameterGroup<DockerParameters>(ComposeSet, Members = [nameof(ComposeFile)])]
[ParameterGroup<DockerParameters>(ContainerSet, Members = [nameof(Container)], Mandatory = true)]
[ParameterGroup<DockerParameters>(ComposeSet, ContainerSet, Members = [nameof(DockerHost)])]
[ParameterGroup<MigrationParameters>(Members = [nameof(MigrationPath), nameof(MigrationTool)])]
[ParameterGroup<LockParameters>]
[ParameterGroup<RepositoryParameters>]
[ParameterGroup<SealingParameters>]
public sealed partial class InvokeDbUpgradeCommand : RepositoryCommandBase
{
    private const string PathSet = "Path";
    private const string PostgreSqlSet = "PostgreSql";
    private const string ServerSet = "Server";
    private const string ComposeSet = "Compose";
    private const string ContainerSet = "Container";

    /// <summary>The SQLite database.</summary>
    [Parameter(ParameterSetName = PathSet, Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "FullName")]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = string.Empty;

    /// <summary>The server that gets all databases and roles.</summary>
    [Parameter(ParameterSetName = ServerSet, Mandatory = true)]
    [ValidateNotNullOrEmpty]
    public string? To { get; set; }

    /// <summary>The superuser of that server and their password.</summary>
    [Parameter(ParameterSetName = ServerSet)]
    [Credential]
    public PSCredential? ToCredential { get; set; }

    /// <summary>The database of the server.</summary>
    [Parameter(ParameterSetName = PostgreSqlSet)]
    [Parameter(ParameterSetName = ServerSet)]
    [Parameter(ParameterSetName = ComposeSet)]
    [ArgumentCompleter(typeof(UpgradeDatabaseCompleter))]
    [ValidateNotNullOrEmpty]
    public string? Database { get; set; }

    /// <summary>The services that get the new version.</summary>
    [Parameter(ParameterSetName = ComposeSet)]
    [ArgumentCompleter(typeof(ServiceCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Service { get; set; } = [];

    /// <summary>The service with the PostgreSQL server.</summary>
    [Parameter(ParameterSetName = ComposeSet)]
    [ArgumentCompleter(typeof(ServiceCompleter))]
    [ValidateNotNullOrEmpty]
    public string? DatabaseService { get; set; }

    /// <summary>What is checked out in the project's work tree.</summary>
    [Parameter(ParameterSetName = ComposeSet)]
    [ArgumentCompleter(typeof(GitRefCompleter))]
    [ValidatePattern("^[^-]")]
    public string? GitRef { get; set; }

    /// <summary>Builds the services' images.</summary>
    [Parameter(ParameterSetName = ComposeSet)]
    public SwitchParameter Build { get; set; }

    /// <summary>The image that the container gets; in a project, that of another major version for the PostgreSQL service.</summary>
    [Parameter(ParameterSetName = ComposeSet)]
    [Parameter(ParameterSetName = ContainerSet)]
    [ArgumentCompleter(typeof(ImageCompleter))]
    [ValidateNotNullOrEmpty]
    public string? Image { get; set; }

    /// <summary>Changes the lines for the image and the volume of an upgraded PostgreSQL server in the project's files.</summary>
    [Parameter(ParameterSetName = ComposeSet)]
    public SwitchParameter UpdateComposeFile { get; set; }

    /// <summary>Pulls the new images.</summary>
    [Parameter(ParameterSetName = ComposeSet)]
    [Parameter(ParameterSetName = ContainerSet)]
    public SwitchParameter Pull { get; set; }

    /// <summary>Folders or files in the container that are backed up.</summary>
    [Parameter(ParameterSetName = ComposeSet)]
    [Parameter(ParameterSetName = ContainerSet)]
    [ValidateNotNullOrEmpty]
    public string[] ContainerPath { get; set; } = [];

    /// <summary>Folders or files that belong to the same state.</summary>
    [Parameter(ParameterSetName = PathSet)]
    [Parameter(ParameterSetName = PostgreSqlSet)]
    [Alias("Include")]
    [ValidateNotNullOrEmpty]
    public string[] AdditionalPath { get; set; } = [];

    /// <summary>The command that migrates.</summary>
    [Parameter(ParameterSetName = PathSet, Mandatory = true)]
    [Parameter(ParameterSetName = PostgreSqlSet, Mandatory = true)]
    [Parameter(ParameterSetName = ComposeSet)]
    [Parameter(ParameterSetName = ContainerSet)]
    [ValidateNotNullOrEmpty]
    public string? Migrate { get; set; }

    /// <summary>The environment variable that holds the database URL.</summary>
    [Parameter]
    [ValidatePattern("^[A-Za-z_][A-Za-z0-9_]*$")]
    public string? DatabaseVariable { get; set; }

    /// <summary>The health checks.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] HealthCheck { get; set; } = [];

    /// <summary>The time limit of each step, in seconds.</summary>
    [Parameter]
    [ValidateRange(1, 7 * 86400)]
    public int Timeout { get; set; } = 1800;

    /// <summary>How long the new version must stay up and healthy, in seconds.</summary>
    [Parameter(ParameterSetName = ComposeSet)]
    [Parameter(ParameterSetName = ContainerSet)]
    [ValidateRange(0, 86400)]
    public int SettleTime { get; set; } = 10;

    /// <summary>Fails if no rehearsal is possible.</summary>
    [Parameter]
    public SwitchParameter Rehearse { get; set; }

    /// <summary>Skips the rehearsal.</summary>
    [Parameter]
    public SwitchParameter NoRehearsal { get; set; }

    /// <summary>Leaves everything as it is if a step fails.</summary>
    [Parameter]
    public SwitchParameter NoRollback { get; set; }

    /// <summary>Skips the checks of schema, locks, server image, mounts and rows. It does not answer the confirmation.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Emits the plan under -WhatIf.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private bool IsOfContainers => ParameterSetName is ComposeSet or ContainerSet;

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(
        ParameterSetName switch
        {
            PathSet => UrlText.Mask(Path),
            ComposeSet => ComposeProject!,
            ContainerSet => Container!,
            _ => Database ?? HostName ?? "PostgreSQL",
        },
        Upgrade);

    private void Upgrade()
    {
        if (Rehearse && NoRehearsal)
            throw new BackupFailure(ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, "-Rehearse and -NoRehearsal cannot be used together.", "Omit one of them.");
        BackupRepository repository = OpenRepository(Repository);
        // A rollback encrypts what it replaces by it too.
        if (Passphrase is not null)
            repository.Keys.AddPassphrase(KeyParameters.Text(Passphrase));
        UpgradeRequest request = Describe();
        UpgradePlan plan = Run((_, token) => UpgradeService.PlanAsync(request, repository, token));
        if (!Confirmed(plan.ToString(), $"{plan}\nContinue?", "Upgrade", force: false))
        {
            if (PassThru && IsWhatIf())
                WriteObject(plan);
            return;
        }

        UpgradeReport.Write(this, Run((observer, token) => new UpgradeService().RunAsync(request, repository, observer, token)));
    }

    private UpgradeSubject DescribeSubject() => ParameterSetName switch
    {
        PathSet when UrlText.IsPostgreSql(Path) => new UpgradeSubject.ServerDatabase(ConnectionArguments.ToRequest(Path)) { AdditionalPaths = [.. AdditionalPath.Select(ResolvePath)] },
        PathSet => new UpgradeSubject.SqliteFile(ResolvePath(Path)) { AdditionalPaths = [.. AdditionalPath.Select(ResolvePath)] },
        ServerSet => new UpgradeSubject.ServerMove(GetServerParameters().ToRequest(Database), ConnectionArguments.ToRequest(To, credential: ToCredential)),
        PostgreSqlSet => new UpgradeSubject.ServerDatabase(GetServerParameters().ToRequest(Database)) { AdditionalPaths = [.. AdditionalPath.Select(ResolvePath)] },
        ContainerSet => new UpgradeSubject.Container(Container!) { DockerHost = DockerHost, ContainerPaths = ContainerPath, Pull = Pull, Image = Image },
        _ => new UpgradeSubject.ComposeProject(GetDockerParameters().ToProject(ResolveProject)!)
        {
            DockerHost = DockerHost,
            Services = Service,
            DatabaseService = DatabaseService,
            Database = Database,
            ContainerPaths = ContainerPath,
            Pull = Pull,
            Build = Build,
            GitRef = GitRef,
            Image = Image,
        },
    };

    private UpgradeRequest Describe() => new()
    {
        Subject = DescribeSubject(),
        SourceName = Source,
        Migrate = Migrate,
        MigrationPath = IsOfContainers ? MigrationPath : ResolvePath(MigrationPath ?? "."),
        // The migration command usually says how Alembic is started.
        MigrationTool = MigrationTool ?? (Migrate is null ? null : UpgradeRequest.ToolOf(Migrate)),
        DatabaseVariable = DatabaseVariable,
        Checks = HealthCheck,
        Timeout = TimeSpan.FromSeconds(Timeout),
        SettleTime = TimeSpan.FromSeconds(SettleTime),
        LockTimeout = GetLockParameters().ToTime(),
        Sealing = GetSealingParameters().ToSealing(ResolvePath),
        RequireRehearsal = Rehearse,
        NoRehearsal = NoRehearsal,
        NoRollback = NoRollback,
        UpdateComposeFile = UpdateComposeFile,
        Force = Force,
    };
}
