using System.Management.Automation;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Migrations;
using DbBackup.Engine.Repository;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Tells at which revision of its schema a live database, or one in a backup, is.</summary>
[Cmdlet(VerbsCommon.Get, "DbSchemaRevision", DefaultParameterSetName = InputObjectSet)]
[OutputType(typeof(SchemaRevision))]
public sealed class GetDbSchemaRevisionCommand : EngineCommandBase
{
    private const string PathSet = "Path";
    private const string PostgreSqlSet = "PostgreSql";
    private const string InputObjectSet = "InputObject";
    private MigrationCode? _code;

    /// <summary>A SQLite database file.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true, ParameterSetName = PathSet)]
    [Alias("PSPath", "FullName")]
    [ValidateNotNullOrEmpty]
    public string[] Path { get; set; } = [];

    /// <summary>The server, and who connects.</summary>
    [Parameter(ParameterSetName = PostgreSqlSet)]
    [ValidateNotNullOrEmpty]
    public string? ConnectionString { get; set; }

    /// <summary>The server.</summary>
    [Parameter(ParameterSetName = PostgreSqlSet)]
    [ValidateNotNullOrEmpty]
    [Alias("Host")]
    public string? HostName { get; set; }

    /// <summary>Its port.</summary>
    [Parameter(ParameterSetName = PostgreSqlSet)]
    [ValidateRange(1, 65535)]
    public int? Port { get; set; }

    /// <summary>The databases.</summary>
    [Parameter(ParameterSetName = PostgreSqlSet)]
    [ArgumentCompleter(typeof(DatabaseCompleter))]
    [ValidateNotNullOrEmpty]
    public string[]? Database { get; set; }

    /// <summary>The role that connects.</summary>
    [Parameter(ParameterSetName = PostgreSqlSet)]
    [ValidateNotNullOrEmpty]
    public string? Username { get; set; }

    /// <summary>The role and its password.</summary>
    [Parameter(ParameterSetName = PostgreSqlSet)]
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <summary>The Docker engine.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? DockerHost { get; set; }

    /// <summary>The container of the server.</summary>
    [Parameter(ParameterSetName = PostgreSqlSet)]
    [ArgumentCompleter(typeof(ContainerCompleter))]
    [ValidateNotNullOrEmpty]
    public string? Container { get; set; }

    /// <summary>The compose project, by its name or its folder.</summary>
    [Parameter(ParameterSetName = PostgreSqlSet)]
    [ArgumentCompleter(typeof(ComposeProjectCompleter))]
    [ValidateNotNullOrEmpty]
    public string? ComposeProject { get; set; }

    /// <summary>The service of the server.</summary>
    [Parameter(ParameterSetName = PostgreSqlSet)]
    [ArgumentCompleter(typeof(ServiceCompleter))]
    [ValidateNotNullOrEmpty]
    public string? Service { get; set; }

    /// <summary>A backup, as Get-DbBackup emits it.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = InputObjectSet)]
    public Backup? InputObject { get; set; }

    /// <summary>How long to wait for a locked database, in seconds.</summary>
    [Parameter]
    [ValidateRange(1, 86400)]
    public int LockTimeout { get; set; } = 30;

    /// <summary>The folder that holds the code's alembic.ini.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? MigrationPath { get; set; }

    /// <summary>The container that holds the code.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ContainerCompleter))]
    [ValidateNotNullOrEmpty]
    public string? MigrationContainer { get; set; }

    /// <summary>The service of the compose project that holds the code.</summary>
    [Parameter(ParameterSetName = PostgreSqlSet)]
    [ArgumentCompleter(typeof(ServiceCompleter))]
    [ValidateNotNullOrEmpty]
    public string? MigrationService { get; set; }

    /// <summary>How Alembic is started where the code is.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string MigrationTool { get; set; } = MigrationArguments.DefaultTool;

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        switch (ParameterSetName)
        {
            case InputObjectSet:
                TryEach(InputObject, () => Write(() => SchemaRevisions.OfBackup(InputObject!, BackupRepository.RequireManifest(InputObject!))));
                break;
            case PostgreSqlSet:
                TryEach(HostName ?? "PostgreSQL", OfServer);
                break;
            default:
                foreach (string path in Path)
                {
                    TryEach(path, () => Write(() => [Run((_, token) => Task.Run(
                        () => SchemaRevisions.OfSqlite(ResolvePath(path), TimeSpan.FromSeconds(LockTimeout), token), token))]));
                }

                break;
        }
    }

    // The code is read first: what is wrong with it is said before a server is asked.
    private void Write(Func<IEnumerable<SchemaRevision>> read)
    {
        MigrationCode? code = ReadCode();
        foreach (SchemaRevision revision in read())
            WriteObject(code?.Compare(revision) ?? revision);
    }

    private MigrationCode? ReadCode()
    {
        if (_code is null
            && MigrationArguments.ToRequest(MigrationPath, MigrationTool, DockerHost, MigrationContainer, ComposeProject, MigrationService, ResolvePath, ResolveProject) is { } request)
        {
            _code = Run((_, token) => MigrationCode.ReadAsync(request, token));
        }

        return _code;
    }

    private void OfServer()
    {
        _ = ReadCode();
        DockerRequest? docker = Container is null && ComposeProject is null ? null : new DockerRequest
        {
            DockerHost = DockerHost,
            Container = Container,
            ComposeProject = ComposeProject is null ? null : ResolveProject(ComposeProject),
            Service = Service,
        };
        PostgreSqlConnectionRequest request = ConnectionArguments.ToRequest(ConnectionString, HostName, Port, Username, Credential, docker: docker);
        PostgreSqlConnectionSettings server = Run((_, token) => PostgreSqlServer.ResolveAsync(request, token));
        foreach (string warning in server.Warnings)
            WriteWarning(warning);
        string[] databases = Database ?? (server.Database is { } one ? [one] : throw new BackupFailure(
            ErrorCodes.InvalidArgument,
            FailureCategory.InvalidArgument,
            $"No database of '{server.LocationOf(null)}' was named.",
            "Name it with -Database, or in the connection string."));
        foreach (string name in databases)
            TryEach(name, () => Write(() => [Run((_, token) => SchemaRevisions.OfPostgreSqlAsync(server, name, token))]));
    }
}
