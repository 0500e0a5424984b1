using System.Management.Automation;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Files;
using DbBackup.PowerShell.Completion;

namespace DbBackup.PowerShell.Commands;

// What lies in containers and volumes.
public sealed partial class NewDbBackupCommand
{
    internal const string ContainerSet = "Container";
    internal const string ComposeSet = "Compose";
    internal const string VolumeSet = "Volume";
    internal const string SourceSet = "Source";
    private static readonly string[] s_containerFormats = ["Custom", "Plain"];
    private static readonly string[] s_fileFormats = ["Native"];

    /// <summary>What Find-DbBackupSource found.</summary>
    [Parameter(ParameterSetName = SourceSet, Mandatory = true, ValueFromPipeline = true)]
    public BackupSource? InputObject { get; set; }

    /// <summary>Volumes.</summary>
    [Parameter(ParameterSetName = VolumeSet, Mandatory = true)]
    [Parameter(ParameterSetName = ComposeSet)]
    [Parameter(ParameterSetName = ContainerSet)]
    [ArgumentCompleter(typeof(VolumeCompleter))]
    [ValidateNotNullOrEmpty]
    public string[]? Volume { get; set; }

    /// <summary>Folders or files in the container; of another service with its name before it.</summary>
    [Parameter(ParameterSetName = ContainerSet)]
    [Parameter(ParameterSetName = ComposeSet)]
    [Parameter(ParameterSetName = VolumeSet)]
    [ValidateNotNullOrEmpty]
    public string[]? ContainerPath { get; set; }

    /// <summary>What is asked of the application while the snapshot of its files is taken.</summary>
    [Parameter(ParameterSetName = ContainerSet)]
    [Parameter(ParameterSetName = ComposeSet)]
    [Parameter(ParameterSetName = VolumeSet)]
    [Parameter(ParameterSetName = SourceSet)]
    public Consistency Consistency { get; set; }

    private string DockerName => InputObject?.Name ?? Container ?? Service ?? ComposeProject ?? Volume?[0] ?? "Docker";

    private BackupIntent DockerIntent()
    {
        if (InputObject is { Kind: BackupSourceKind.Sqlite, Path: { } path } && !DockerLocation.IsOne(InputObject.Location))
            return SqliteIntent(path);
        // A folder of pg_dump would lie in the container, and files are kept as they are.
        string[] formats = WantsDatabase ? s_containerFormats : s_fileFormats;
        if (Format is not null && !formats.Contains(Format, StringComparer.OrdinalIgnoreCase))
            throw WrongFormat(WantsDatabase ? "a PostgreSQL database in a container" : "what is in a container or volume as files", formats);
        ContainerFilesRequest[] files = [.. FilesRequests()];
        if (!WantsDatabase)
            return new BackupIntent.OfContainerFiles { ContainerFiles = files };
        return ServerIntent(GetServerParameters().ToRequest(InputObject?.Database, Subject(Service))) with { ContainerFiles = files };
    }

    private bool WantsDatabase => InputObject is { } found
        ? found.Kind == BackupSourceKind.PostgreSql
        : Database is not null || AllDatabases || (ContainerPath is null && Volume is null);

    private IEnumerable<ContainerFilesRequest> FilesRequests()
    {
        if (InputObject is { Kind: not BackupSourceKind.PostgreSql } found)
        {
            DockerLocation location = DockerLocation.Parse(found.Location);
            yield return Files(ContainerAddress.At(location, found.DockerHost), location.Path);
            yield break;
        }

        foreach (string volume in Volume ?? [])
        {
            ContainerAddress subject = ContainerAddress.Of(DockerHost, null, GetDockerParameters().ToProject(ResolveProject), null, volume);
            foreach (string? path in ParameterSetName == VolumeSet ? ContainerPath ?? [null!] : [null!])
                yield return Files(subject, path);
        }

        if (ParameterSetName == VolumeSet)
            yield break;
        foreach (string path in ContainerPath ?? [])
        {
            // service:/path, as docker cp names a container's path.
            int colon = path.IndexOf(":/", StringComparison.Ordinal);
            bool other = colon > 0 && ComposeProject is not null;
            yield return Files(Subject(other ? path[..colon] : Service), other ? path[(colon + 1)..] : path);
        }
    }

    private ContainerFilesRequest Files(ContainerAddress subject, string? path) => new()
    {
        Subject = subject,
        Path = path,
        Consistency = Consistency,
        LockTimeout = GetLockParameters().ToTime(),
        AllowEmpty = AllowEmpty,
    };

    private ContainerAddress Subject(string? service)
    {
        if (InputObject is { } found)
            return ContainerAddress.At(DockerLocation.Parse(found.Location), found.DockerHost);
        return ContainerAddress.Of(DockerHost, Container, GetDockerParameters().ToProject(ResolveProject), service);
    }
}
