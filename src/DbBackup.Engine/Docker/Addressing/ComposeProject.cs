using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Platform;

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
    public const string EnvironmentFiles = "com.docker.compose.project.environment_file";
    public const string DependsOn = "com.docker.compose.depends_on";
    public const string Volume = "com.docker.compose.volume";

    /// <summary>What a Swarm gives the containers of a service, whose own names change with every task.</summary>
    public const string SwarmService = "com.docker.swarm.service.name";
}

/// <summary>A compose project as its containers' labels tell of it, so that no file of it need be here.</summary>
/// <param name="Name">Its name.</param>
/// <param name="WorkingFolder">The folder of its files, on the machine that started it.</param>
/// <param name="Files">Its files.</param>
/// <param name="Containers">Its services' containers, running or not.</param>
internal sealed record ComposeProject(string Name, string? WorkingFolder, IReadOnlyList<string> Files, IReadOnlyList<ContainerSummary> Containers)
{
    /// <summary>The files with the variables that it was started with; empty for the usual one.</summary>
    public IReadOnlyList<string> EnvironmentFiles { get; init; } = [];

    public IEnumerable<string> Services => Containers.Select(container => container.Label(ComposeLabels.Service)).OfType<string>().Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);

    /// <summary>The projects of an engine.</summary>
    public static async Task<IReadOnlyList<ComposeProject>> ListAsync(DockerClient client, CancellationToken cancellationToken)
    {
        IReadOnlyList<ContainerSummary> all = await client.ContainerListAsync(
            all: true, new Dictionary<string, IReadOnlyList<string>> { ["label"] = [ComposeLabels.Project] }, cancellationToken).ConfigureAwait(false);
        return [.. all.Where(container => container.Label(ComposeLabels.OneOff) != "True").GroupBy(container => container.Label(ComposeLabels.Project)!, StringComparer.Ordinal)
            .OrderBy(group => group.Key, StringComparer.Ordinal).Select(group => Of(group.Key, [.. group]))];
    }

    /// <summary>Finds a project by its name, or by its folder or one of its files.</summary>
    /// <exception cref="BackupFailure">
    /// There is none (<see cref="ErrorCodes.ContainerNotFound"/>), or the folder's project cannot be told from another one (<see cref="ErrorCodes.InvalidArgument"/>).
    /// </exception>
    public static async Task<ComposeProject> FindAsync(DockerClient client, string nameOrPath, CancellationToken cancellationToken)
    {
        IReadOnlyList<ComposeProject> all = await ListAsync(client, cancellationToken).ConfigureAwait(false);
        if (ComposeReference.Parse(nameOrPath) is { Files.Count: > 0 } reference)
            return await FindByFilesAsync(client, all, reference, cancellationToken).ConfigureAwait(false);
        if (IsPath(nameOrPath))
            return await FindInAsync(client, all, nameOrPath, cancellationToken).ConfigureAwait(false);
        return all.FirstOrDefault(project => project.Name == nameOrPath) ?? throw NotFound(
            client, all, nameOrPath, $"compose project '{nameOrPath}'", $"A project without containers is named by its folder: -ComposeProject ./{nameOrPath}.");
    }

    /// <summary>True if a text names a folder or file: a project's name has neither separators nor dots.</summary>
    public static bool IsPath(string nameOrPath)
    {
        ArgumentNullException.ThrowIfNull(nameOrPath);
        return nameOrPath.AsSpan().IndexOfAny("/\\.~") >= 0;
    }

    /// <summary>The folder that a text names; null for a name, and where the folder is not here.</summary>
    public static string? FolderOf(string nameOrPath)
    {
        if (ComposeReference.Parse(nameOrPath) is { Files.Count: > 0 } reference)
            return reference.Folder;
        if (!IsPath(nameOrPath))
            return null;
        string path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(nameOrPath));
        return Directory.Exists(path) ? path : File.Exists(path) ? Path.GetDirectoryName(path) : null;
    }

    /// <summary>The compose file that a text names; null where it names none.</summary>
    public static string? FileOf(string nameOrPath) => IsPath(nameOrPath) && File.Exists(nameOrPath) ? Path.GetFullPath(nameOrPath) : null;

    /// <summary>The compose files that a text names; none where it names none.</summary>
    public static IReadOnlyList<string> FilesOf(string nameOrPath) =>
        ComposeReference.Parse(nameOrPath) is { Files.Count: > 0 } reference ? reference.Files : FileOf(nameOrPath) is { } file ? [file] : [];

    // What defines the project tells its name, whatever else was started from the folder.
    private static async Task<ComposeProject> FindByFilesAsync(DockerClient client, IReadOnlyList<ComposeProject> all, ComposeReference reference, CancellationToken cancellationToken)
    {
        string folder = reference.Folder ?? throw FolderNotFound(reference.Project);
        string name = reference.Name ?? await ComposeCommand.NameOfAsync(folder, reference.Files, client.Endpoint, cancellationToken).ConfigureAwait(false) ?? DefaultName(folder);
        if (all.FirstOrDefault(project => project.Name == name) is not { } found)
            throw NotFound(client, all, reference.Project, $"compose project '{name}' (from {Listed(reference.Files)})", "Start it with these files (docker compose -f … up -d), or restore into it: Restore-DbBackup creates the containers of a project whose files are named.");
        if (found.WorkingFolder is null || !Directory.Exists(found.WorkingFolder) || IsSame(found.WorkingFolder, folder) || reference.Files.Any(found.Uses))
            return found;
        throw new BackupFailure(
            ErrorCodes.InvalidArgument, FailureCategory.Refused, $"Compose project '{name}' was started from '{found.WorkingFolder}', not from '{folder}' with {Listed(reference.Files)}. Nothing was changed.",
            "Name the files that it was started with (docker compose ls), or its own folder.")
        { Target = name };
    }

    private static string Listed(IEnumerable<string> files) => string.Join(", ", files.Select(file => $"'{file}'"));

    private static BackupFailure FolderNotFound(string path) => new(
        ErrorCodes.SourceNotFound, FailureCategory.NotFound, $"The folder or file '{path}' of a compose project was not found.", "Name the folder that holds the project's files, or the project by its name.")
    { Target = path };

    // Several projects may have been started from one folder, and two folders may have the same name: only compose itself tells what the files are called.
    private static async Task<ComposeProject> FindInAsync(DockerClient client, IReadOnlyList<ComposeProject> all, string path, CancellationToken cancellationToken)
    {
        string folder = FolderOf(path) ?? throw FolderNotFound(path);
        string? file = FileOf(path);
        ComposeProject[] fromThere = [.. all.Where(project => file is null ? project.IsFrom(folder) : project.Uses(file))];
        string? declared = fromThere is [var single] && single.Name == DefaultName(folder) && file is null && !ComposeCommand.MayDeclareName(folder)
            ? single.Name
            : await ComposeCommand.NameOfAsync(folder, file is null ? [] : [file], client.Endpoint, cancellationToken).ConfigureAwait(false);
        if (fromThere.FirstOrDefault(project => project.Name == declared) is { } same)
            return same;
        string name = declared ?? DefaultName(folder);
        // The files have no name of their own, and the project was started under another one (-p).
        if (name == DefaultName(folder) && fromThere.Length > 0)
        {
            return fromThere is [var only] ? only : throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"More than one compose project was started from '{folder}', and none is called '{name}'.",
                $"Name the project: -ComposeProject {string.Join(" or ", fromThere.Select(project => project.Name))}.")
            { Target = path };
        }

        if (all.FirstOrDefault(project => project.Name == name) is { } other)
        {
            // A project that was moved, or was started on another machine.
            if (other.WorkingFolder is null || !Directory.Exists(other.WorkingFolder) || IsSame(other.WorkingFolder, folder))
                return other;
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.Refused, $"Compose project '{name}' was started from '{other.WorkingFolder}', not from '{folder}'. Nothing was changed.",
                $"Name it if you mean that one: -ComposeProject {name}. Otherwise give the project in '{folder}' a name of its own ('name:' in its file, or COMPOSE_PROJECT_NAME in its .env).")
            { Target = path };
        }

        throw NotFound(client, all, path, $"compose project '{name}' (from '{folder}')", "Start it (docker compose up -d), or restore into it: Restore-DbBackup creates the containers of a project that is named by its folder.");
    }

    private static BackupFailure NotFound(DockerClient client, IReadOnlyList<ComposeProject> all, string target, string what, string hint) => new(
        ErrorCodes.ContainerNotFound,
        FailureCategory.NotFound,
        $"The engine at '{client.Endpoint}' has no containers of {what}.",
        $"{hint} {(all.Count == 0 ? "The engine has no compose projects; -DockerHost names another engine." : $"These are there: {string.Join(", ", all.Select(project => project.Name).Take(10))}.")}")
    { Target = target };

    private static bool IsSame(string path, string other) => UnixFile.RealPath(path) == UnixFile.RealPath(other);

    private bool IsFrom(string folder) => (WorkingFolder is { } working && IsSame(working, folder)) || FullFiles.Any(file => Path.GetDirectoryName(file) is { } place && IsSame(place, folder));

    private bool Uses(string file) => FullFiles.Any(each => IsSame(each, file));

    // In its first version compose tells the names of the files alone.
    private IEnumerable<string> FullFiles => Files.Select(file => Path.Combine(WorkingFolder ?? string.Empty, file.Trim())).Where(Path.IsPathFullyQualified);

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
        containers)
    {
        EnvironmentFiles = containers.Select(container => container.Label(ComposeLabels.EnvironmentFiles)).FirstOrDefault(files => !string.IsNullOrEmpty(files))?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [],
    };
}
