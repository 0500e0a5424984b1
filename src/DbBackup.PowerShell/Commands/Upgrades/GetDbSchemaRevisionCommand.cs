using System.Management.Automation;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Migrations;
using DbBackup.Engine.Repository;
using DbBackup.PowerShell.Arguments;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Parameters;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Tells at which revision of its schema a live database, or one in a backup, is.</summary>
[Cmdlet(VerbsCommon.Get, "DbSchemaRevision", DefaultParameterSetName = InputObjectSet)]
[OutputType(typeof(SchemaRevision))]
[ParameterGroup<ServerParameters>(PostgreSqlSet)]
[ParameterGroup<DockerParameters>(Members = [nameof(DockerHost)])]
[ParameterGroup<DockerParameters>(PostgreSqlSet, Members = [nameof(Container), nameof(ComposeProject), nameof(ComposeFile), nameof(Service)])]
[ParameterGroup<MigrationParameters>(Members = [nameof(MigrationPath), nameof(MigrationContainer), nameof(MigrationTool)])]
[ParameterGroup<MigrationParameters>(PostgreSqlSet, Members = [nameof(MigrationService)])]
[ParameterGroup<LockParameters>]
public sealed partial class GetDbSchemaRevisionCommand : EngineCommandBase
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

    /// <summary>The databases.</summary>
    [Parameter(ParameterSetName = PostgreSqlSet)]
    [ArgumentCompleter(typeof(DatabaseCompleter))]
    [ValidateNotNullOrEmpty]
    public string[]? Database { get; set; }

    /// <summary>A backup, as Get-DbBackup emits it.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = InputObjectSet)]
    public Backup? InputObject { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        switch (ParameterSetName)
        {
            case InputObjectSet:
                TryEach(InputObject, () => Write(() => SchemaRevisions.OfBackup(InputObject!, BackupRepository.RequireManifest(InputObject!))));
                break;
            case PostgreSqlSet:
                TryEach(HostName ?? "PostgreSQL", () => OfServer(Request()));
                break;
            default:
                foreach (string path in Path)
                {
                    if (UrlText.IsPostgreSql(path))
                    {
                        TryEach(UrlText.Mask(path), () => OfServer(ConnectionArguments.ToRequest(path)));
                        continue;
                    }

                    TryEach(UrlText.Mask(path), () => Write(() => [Run((_, token) => Task.Run(
                        () => SchemaRevisions.OfFile(ResolvePath(path), GetLockParameters().ToTime(), token), token))]));
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
        if (_code is null && GetMigrationParameters().ToRequest(GetDockerParameters(), ResolvePath, ResolveProject) is { } request)
            _code = Run((_, token) => MigrationCode.ReadAsync(request, token));

        return _code;
    }

    private PostgreSqlConnectionRequest Request()
    {
        DockerParameters docker = GetDockerParameters();
        return GetServerParameters().ToRequest(place: docker.NamesContainer ? docker.ToAddress(ResolveProject) : null);
    }

    private void OfServer(PostgreSqlConnectionRequest request)
    {
        _ = ReadCode();
        PostgreSqlConnectionSettings server = Run((_, token) => PostgreSqlServer.ResolveAsync(request, token));
        foreach (string warning in server.Warnings)
            WriteWarning(warning);
        string[] databases = Database ?? (server.Database is { } one ? [one] : throw new BackupFailure(
            ErrorCodes.InvalidArgument,
            FailureCategory.InvalidArgument,
            $"No database of '{server.LocationOf(null)}' was named.",
            "Name it with -Database, or in the connection string."));
        foreach (string name in databases)
            TryEach(name, () => Write(() => [Run((_, token) => PostgreSqlServer.SchemaRevisionAsync(server, name, token))]));
    }
}
