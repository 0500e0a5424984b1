using System.Management.Automation;
using DbBackup.Engine.Sources.Docker;
using DbBackup.Engine.Sources.PostgreSql;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

// What lies in containers and volumes.
public sealed partial class NewDbBackupCommand
{
    internal const string ContainerSet = "Container";
    internal const string ComposeSet = "Compose";
    internal const string VolumeSet = "Volume";
    internal const string SourceSet = "Source";

    /// <summary>What Find-DbBackupSource found.</summary>
    [Parameter(ParameterSetName = SourceSet, Mandatory = true, ValueFromPipeline = true)]
    public BackupSource? InputObject { get; set; }

    /// <summary>The Docker engine.</summary>
    [Parameter(ParameterSetName = ContainerSet)]
    [Parameter(ParameterSetName = ComposeSet)]
    [Parameter(ParameterSetName = VolumeSet)]
    [ValidateNotNullOrEmpty]
    public string? DockerHost { get; set; }

    /// <summary>The container.</summary>
    [Parameter(ParameterSetName = ContainerSet, Mandatory = true)]
    [ValidateNotNullOrEmpty]
    public string? Container { get; set; }

    /// <summary>The compose project, by its name or its folder.</summary>
    [Parameter(ParameterSetName = ComposeSet, Mandatory = true)]
    [ValidateNotNullOrEmpty]
    public string? ComposeProject { get; set; }

    /// <summary>A service of the project.</summary>
    [Parameter(ParameterSetName = ComposeSet)]
    [ValidateNotNullOrEmpty]
    public string? Service { get; set; }

    private string DockerName => InputObject?.Name ?? Container ?? Service ?? ComposeProject ?? "Docker";

    private void BackUpInDocker()
    {
        DockerRequest subject = Subject();
        PostgreSqlConnectionRequest connection = ConnectionArguments.ToRequest(null, null, Port, Username, Credential, InputObject?.Database) with { Docker = subject };
        BackUpServer(connection, [], null);
    }

    private DockerRequest Subject()
    {
        if (InputObject is { } found)
            return DockerRequest.For(DockerLocation.Parse(found.Location), found.DockerHost);
        // A name wins over a folder of the same name; a path is told by its form.
        bool isPath = ComposeProject is not null && (ComposeProject.Contains('/', StringComparison.Ordinal) || ComposeProject.Contains('\\', StringComparison.Ordinal) || ComposeProject is "." or "..");
        return new DockerRequest
        {
            DockerHost = DockerHost,
            Container = Container,
            ComposeProject = isPath ? ResolvePath(ComposeProject!) : ComposeProject,
            Service = Service,
        };
    }
}
