using System.Management.Automation;
using DbBackup.Engine.Discovery;
using DbBackup.Engine.Platform;
using DbBackup.PowerShell.Arguments;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Parameters;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Finds databases, volumes and folders that can be backed up, on a Docker engine or below a folder.</summary>
[Cmdlet(VerbsCommon.Find, "DbBackupSource", DefaultParameterSetName = DockerSet)]
[OutputType(typeof(BackupSource))]
[ParameterGroup<DockerParameters>(Members = [nameof(DockerHost)])]
[ParameterGroup<DockerParameters>(DockerSet, Members = [nameof(ComposeProject), nameof(ComposeFile)])]
public sealed partial class FindDbBackupSourceCommand : EngineCommandBase
{
    private const string DockerSet = "Docker";
    private const string PathSet = "Path";

    /// <summary>Names of sources or databases, or wildcards.</summary>
    [Parameter(Position = 0)]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[]? Name { get; set; }

    /// <summary>Compose services; wildcards are allowed.</summary>
    [Parameter(ParameterSetName = DockerSet)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(ServiceCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Service { get; set; } = [];

    /// <summary>Containers; wildcards are allowed.</summary>
    [Parameter(ParameterSetName = DockerSet)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(ContainerCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Container { get; set; } = [];

    /// <summary>Volumes; wildcards are allowed.</summary>
    [Parameter(ParameterSetName = DockerSet)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(VolumeCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Volume { get; set; } = [];

    /// <summary>A folder of this machine.</summary>
    [Parameter(Mandatory = true, ParameterSetName = PathSet)]
    [ValidateNotNullOrEmpty]
    public string? Path { get; set; }

    /// <summary>Only of these kinds.</summary>
    [Parameter]
    public BackupSourceKind[] Kind { get; set; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(Path ?? DockerHost, Find);

    private void Find()
    {
        NameFilter[] names = Filters(Name ?? []);
        var found = new HashSet<NameFilter>();
        var request = new SourceSearchRequest
        {
            DockerHost = DockerHost,
            ComposeProject = GetDockerParameters().ToProject(ResolveProject),
            Services = Filters(Service),
            Containers = Filters(Container),
            Volumes = Filters(Volume),
            Kinds = Kind,
            Folder = Path is null ? null : ResolvePath(Path),
        };
        RunEach((observer, token) => SourceSearch.FindAsync(request, observer, token), source =>
        {
            List<NameFilter> answering = [.. names.Where(name => name.Fits(source.Name) || (source.Database is not null && name.Fits(source.Database)))];
            found.UnionWith(answering);
            if (names.Length == 0 || answering.Count > 0)
                WriteObject(source);
        });
        foreach (NameFilter missing in names.Where(name => name.IsExact && !found.Contains(name)))
        {
            WriteError(ErrorRecords.From(new BackupFailure(
                ErrorCodes.SourceNotFound, FailureCategory.NotFound, $"No source named '{missing.Text}' was found.", "List all sources: Find-DbBackupSource without a name.")
            { Target = missing.Text }));
        }
    }

    private static NameFilter[] Filters(string[] names) =>
    [
        .. names.Select(name =>
        {
            WildcardPattern pattern = NamePattern.Of(name);
            return new NameFilter(name, !WildcardPattern.ContainsWildcardCharacters(name), pattern.IsMatch);
        }),
    ];
}
