using DbBackup.Engine.Docker.Api;

namespace DbBackup.Engine.Docker.Addressing;

/// <summary>The labels that compose puts on what it creates, in its first version and its second.</summary>
internal static class ComposeLabels
{
    public const string Project = "com.docker.compose.project";
    public const string Service = "com.docker.compose.service";
    public const string Number = "com.docker.compose.container-number";
    public const string OneOff = "com.docker.compose.oneoff";
    public const string WorkingFolder = "com.docker.compose.project.working_dir";
    public const string Files = "com.docker.compose.project.config_files";
    public const string DependsOn = "com.docker.compose.depends_on";
    public const string Volume = "com.docker.compose.volume";
}

/// <summary>A compose project as its containers' labels tell of it, so that no file of it need be here.</summary>
/// <param name="Name">Its name.</param>
/// <param name="WorkingFolder">The folder of its files, on the machine that started it.</param>
/// <param name="Files">Its files.</param>
/// <param name="Containers">Its services' containers, running or not.</param>
internal sealed record ComposeProject(string Name, string? WorkingFolder, IReadOnlyList<string> Files, IReadOnlyList<ContainerSummary> Containers)
{
    public IEnumerable<string> Services => Containers.Select(container => container.Label(ComposeLabels.Service)).OfType<string>().Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);

    /// <summary>The projects of an engine.</summary>
    public static async Task<IReadOnlyList<ComposeProject>> ListAsync(DockerClient client, CancellationToken cancellationToken)
    {
        IReadOnlyList<ContainerSummary> all = await client.ContainerListAsync(
            all: true, new Dictionary<string, IReadOnlyList<string>> { ["label"] = [ComposeLabels.Project] }, cancellationToken).ConfigureAwait(false);
        return [.. all.Where(container => container.Label(ComposeLabels.OneOff) != "True").GroupBy(container => container.Label(ComposeLabels.Project)!, StringComparer.Ordinal)
            .OrderBy(group => group.Key, StringComparer.Ordinal).Select(group => Of(group.Key, [.. group]))];
    }

    /// <summary>Finds a project by its name or its folder.</summary>
    /// <exception cref="BackupFailure">There is none (<see cref="ErrorCodes.ContainerNotFound"/>).</exception>
    public static async Task<ComposeProject> FindAsync(DockerClient client, string nameOrFolder, CancellationToken cancellationToken)
    {
        IReadOnlyList<ComposeProject> all = await ListAsync(client, cancellationToken).ConfigureAwait(false);
        if (all.FirstOrDefault(project => project.Name == nameOrFolder) is { } named)
            return named;
        if (FolderOf(nameOrFolder) is { } folder)
        {
            // Several projects may be started from one folder, each with a name of its own.
            ComposeProject[] fromThere = [.. all.Where(project => project.WorkingFolder is { } working && Path.TrimEndingDirectorySeparator(working) == folder)];
            if (fromThere is [var only])
                return only;
            if (fromThere.FirstOrDefault(project => project.Name == DefaultName(folder)) is { } usual)
                return usual;
            if (fromThere.Length == 0 && all.FirstOrDefault(project => project.Name == DefaultName(folder)) is { } moved)
                return moved;
        }

        throw new BackupFailure(
            ErrorCodes.ContainerNotFound,
            FailureCategory.NotFound,
            $"The engine at '{client.Endpoint}' has no containers of a compose project '{nameOrFolder}'.",
            all.Count == 0 ? "Start it first (docker compose up -d), or name another engine with -DockerHost." : $"These are there: {string.Join(", ", all.Select(project => project.Name).Take(10))}.")
        { Target = nameOrFolder };
    }

    /// <summary>The folder that a text names; null where it is a name alone.</summary>
    public static string? FolderOf(string nameOrFolder)
    {
        if (File.Exists(nameOrFolder))
            return Path.GetDirectoryName(Path.GetFullPath(nameOrFolder));
        return Directory.Exists(nameOrFolder) ? Path.TrimEndingDirectorySeparator(Path.GetFullPath(nameOrFolder)) : null;
    }

    /// <summary>The name that compose gives a project of a folder: lower case, and only letters, digits, dashes and underscores.</summary>
    public static string DefaultName(string folder) => string.Concat(
        Path.GetFileName(Path.TrimEndingDirectorySeparator(folder)).ToLowerInvariant().Where(sign => char.IsAsciiLetterOrDigit(sign) || sign is '-' or '_')).TrimStart('-', '_');

    /// <summary>The container of a service: the running one with the lowest number.</summary>
    /// <param name="service">The service; null where the project has only one.</param>
    /// <exception cref="BackupFailure">There is none, or several services could be meant.</exception>
    public ContainerSummary Choose(string? service)
    {
        string[] services = [.. Services];
        if (service is null && services is [var only])
            service = only;
        if (service is null)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"The compose project '{Name}' has {services.Length} services, and none was named.", $"Name one with -Service: {string.Join(", ", services)}.")
            { Target = Name };
        }

        return Containers.Where(container => container.Label(ComposeLabels.Service) == service)
            .OrderByDescending(container => container.State == "running").ThenBy(container => container.Label(ComposeLabels.Number)?.Length).ThenBy(container => container.Label(ComposeLabels.Number), StringComparer.Ordinal)
            .FirstOrDefault() ?? throw new BackupFailure(
                ErrorCodes.ContainerNotFound, FailureCategory.NotFound, $"The compose project '{Name}' has no container of a service '{service}'.", $"It has {string.Join(", ", services)}.")
            { Target = service };
    }

    private static ComposeProject Of(string name, IReadOnlyList<ContainerSummary> containers) => new(
        name,
        containers.Select(container => container.Label(ComposeLabels.WorkingFolder)).FirstOrDefault(folder => !string.IsNullOrEmpty(folder)),
        containers.Select(container => container.Label(ComposeLabels.Files)).FirstOrDefault(files => !string.IsNullOrEmpty(files))?.Split(',') ?? [],
        containers);
}
