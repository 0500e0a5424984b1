using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Docker.Addressing;

/// <summary>Compose's own command line, for what only it can do: to make and change what its files describe. <c>docker compose</c>, else <c>docker-compose</c>.</summary>
/// <param name="Program">Its full path.</param>
/// <param name="Arguments">The arguments that come first.</param>
/// <param name="Folder">The folder of the project's files, in which it runs.</param>
/// <param name="Environment">Leads it to the engine.</param>
/// <param name="IsFirst">True for its first version.</param>
internal sealed record ComposeCommand(string Program, IReadOnlyList<string> Arguments, string Folder, IReadOnlyDictionary<string, string?> Environment, bool IsFirst)
{
    private const string NameVariable = "COMPOSE_PROJECT_NAME";
    private const string FilesVariable = "COMPOSE_FILE";
    private const string EnvironmentFile = ".env";

    private static readonly string[] s_files = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];
    private static readonly string[] s_overrides = [".override.yml", ".override.yaml"];

    /// <summary>The full paths of the files that define the project, in their order; empty where only compose knows them.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>Prints the project with all variables replaced, for <see cref="ComposeConfig"/>.</summary>
    public IReadOnlyList<string> ConfigArguments => IsFirst ? ["config"] : ["config", "--format", "json"];

    /// <summary>
    /// Activates all profiles, for commands that name their services. Without, the second version knows no service of a profile that is not
    /// active, nor one that depends on such a service; to the first, naming it is enough.
    /// </summary>
    public IReadOnlyList<string> AllProfiles => IsFirst ? [] : ["--profile", "*"];

    /// <summary>Finds it for the files of a folder.</summary>
    /// <param name="folder">The folder of the project's files.</param>
    /// <param name="files">The files that define the project, in their order; empty for those that it was started with, else the usual ones.</param>
    /// <param name="project">The project as its containers tell of it; null where it has none yet.</param>
    /// <param name="endpoint">The engine.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <param name="name">The name of a project that has no containers yet; null for the one that its files give it.</param>
    /// <exception cref="BackupException">Compose is not here, or a file that the project was started with is not.</exception>
    public static async Task<ComposeCommand> FindAsync(
        string folder, IReadOnlyList<string> files, ComposeProject? project, DockerEndpoint endpoint, CancellationToken cancellationToken, string? name = null)
    {
        (string tool, string[] start, bool isFirst) = await FindToolAsync(cancellationToken).ConfigureAwait(false) ?? throw new BackupFailure(
            ErrorCodes.ToolMissing,
            FailureCategory.MissingTool,
            "Neither 'docker compose' nor docker-compose is here, and this needs it.",
            "Install the compose plugin. For a restore into a project without containers, they can be created where compose is: docker compose up --no-start.");
        string[] named = (project?.Name ?? name) is { } known ? ["-p", known] : [];
        // In its first version compose tells the names of the files alone.
        string[] labelled = [.. (project?.Files ?? []).Select(each => Path.Combine(folder, each.Trim()))];
        IReadOnlyList<string> chosen = files.Count > 0 ? files : labelled.Length > 0 && labelled.All(File.Exists) ? labelled : [.. FilesOf(folder)];
        string[] arguments = [.. start, "--project-directory", folder, .. chosen.SelectMany(each => new[] { "-f", each }), .. VariablesOf(project), .. named];
        return new ComposeCommand(tool, arguments, folder, DockerEnvironment.For(endpoint), isFirst) { Files = [.. chosen.Select(each => FullPath(folder, each))] };
    }

    /// <summary>The full path of a file that compose is given.</summary>
    public string FullPath(string file) => FullPath(Folder, file);

    /// <summary>The name that compose gives the project of a folder.</summary>
    /// <returns>The name; null where compose is not here, or the files cannot be read.</returns>
    public static async Task<string?> NameOfAsync(string folder, IReadOnlyList<string> files, DockerEndpoint endpoint, CancellationToken cancellationToken)
    {
        if (await FindToolAsync(cancellationToken).ConfigureAwait(false) is null || (files.Count == 0 && !HasFiles(folder)))
            return null;
        ComposeCommand compose = await FindAsync(folder, files, null, endpoint, cancellationToken).ConfigureAwait(false);
        if (compose.IsFirst)
            return System.Environment.GetEnvironmentVariable(NameVariable) is { Length: > 0 } set ? set : VariableOf(folder, NameVariable) ?? ComposeProject.DefaultName(folder);
        using ToolProcess process = ToolProcess.Start(compose.Program, [.. compose.Arguments, .. compose.AllProfiles, .. compose.ConfigArguments], compose.Environment, folder: folder);
        using CancellationTokenRegistration stop = cancellationToken.Register(process.Kill);
        using var reader = new StreamReader(process.Output);
        string config = await reader.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
        return await process.WaitAsync(cancellationToken).ConfigureAwait(false) == 0 ? ComposeConfig.Parse(config).Name : null;
    }

    /// <summary>True if something may give the project of a folder another name than the folder's; to ask compose takes a third of a second.</summary>
    public static bool MayDeclareName(string folder)
    {
        if (System.Environment.GetEnvironmentVariable(NameVariable) is { Length: > 0 } || VariableOf(folder, NameVariable) is not null || VariableOf(folder, FilesVariable) is not null)
            return true;
        try
        {
            return FilesOf(folder).Where(File.Exists).Any(path => File.ReadLines(path).Any(line => line.StartsWith("name", StringComparison.Ordinal) || line.StartsWith("include", StringComparison.Ordinal)));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }

    /// <summary>Creates a project's networks, volumes and containers, and starts none of them.</summary>
    /// <exception cref="BackupException">It fails; with its own words.</exception>
    public async Task CreateAsync(CancellationToken cancellationToken)
    {
        using ToolProcess process = ToolProcess.Start(Program, [.. Arguments, "up", "--no-start"], Environment, folder: Folder);
        using CancellationTokenRegistration stop = cancellationToken.Register(process.Kill);
        await process.Output.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
        await process.RequireSuccessAsync($"Run it by hand in '{Folder}' and see what it says: {string.Join(' ', Arguments.Prepend(Path.GetFileName(Program)))} up --no-start.", cancellationToken).ConfigureAwait(false);
    }

    // A relative one is looked for in the folder in which compose runs.
    private static string FullPath(string folder, string file) => Path.GetFullPath(Path.Combine(folder, file));

    private static bool HasFiles(string folder) => s_files.Any(name => File.Exists(Path.Combine(folder, name))) || VariableOf(folder, FilesVariable) is not null;

    // Without them, other folders would be mounted and other databases used than those that the project has now.
    private static IEnumerable<string> VariablesOf(ComposeProject? project)
    {
        foreach (string path in project?.EnvironmentFiles ?? [])
        {
            if (!File.Exists(path))
            {
                throw new BackupFailure(
                    ErrorCodes.SourceNotFound, FailureCategory.NotFound, $"Compose project '{project!.Name}' was started with the variables of '{path}', which is not here. Nothing was changed.",
                    "Put the file back, or start the project with the one that it is to use now: docker compose --env-file FILE up -d.")
                { Target = path };
            }

            yield return "--env-file";
            yield return path;
        }
    }

    // A line of the folder's own .env; null where it has none.
    private static string? VariableOf(string folder, string name)
    {
        try
        {
            string path = Path.Combine(folder, EnvironmentFile);
            string? line = File.Exists(path) ? File.ReadLines(path).LastOrDefault(each => each.TrimStart().StartsWith(name + "=", StringComparison.Ordinal)) : null;
            return line?[(line.IndexOf('=', StringComparison.Ordinal) + 1)..].Trim().Trim('"', '\'') is { Length: > 0 } value ? value : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    // Named, so that a variable of the shell does not name others. The names and their order are compose's own; so is what the folder's .env says.
    private static IEnumerable<string> FilesOf(string folder)
    {
        if (VariableOf(folder, FilesVariable) is not null)
            yield break;
        string? file = s_files.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
        if (file is null)
            yield break;
        yield return file;
        string stem = Path.GetFileNameWithoutExtension(file);
        foreach (string other in s_overrides.Select(ending => Path.Combine(folder, stem + ending)).Where(File.Exists).Take(1))
            yield return other;
    }

    private static async Task<(string Tool, string[] Start, bool IsFirst)?> FindToolAsync(CancellationToken cancellationToken)
    {
        if (ExternalTool.Find("docker") is { } docker && await VersionAsync(docker, ["compose", "version", "--short"], cancellationToken).ConfigureAwait(false) is { } version)
            // A script of the machine's may lead this to the first version.
            return (docker, ["compose"], version.StartsWith("1.", StringComparison.Ordinal));
        // The second version has had this name too.
        return ExternalTool.Find("docker-compose") is { } compose
            ? (compose, [], (await VersionAsync(compose, ["version", "--short"], cancellationToken).ConfigureAwait(false))?.StartsWith("1.", StringComparison.Ordinal) != false)
            : null;
    }

    private static async Task<string?> VersionAsync(string program, string[] arguments, CancellationToken cancellationToken)
    {
        using ToolProcess probe = ToolProcess.Start(program, arguments, new Dictionary<string, string?>());
        using var reader = new StreamReader(probe.Output);
        string version = await reader.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
        return await probe.WaitAsync(cancellationToken).ConfigureAwait(false) == 0 ? version.Trim().TrimStart('v') : null;
    }
}
