using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Docker.Addressing;

/// <summary>Compose's own command line, for what only it can do: to make and change what its files describe. <c>docker compose</c>, else <c>docker-compose</c>.</summary>
/// <param name="Program">Its full path.</param>
/// <param name="Arguments">The arguments that come first.</param>
/// <param name="Folder">The folder of the project's files.</param>
/// <param name="Environment">Leads it to the engine.</param>
internal sealed record ComposeCommand(string Program, IReadOnlyList<string> Arguments, string Folder, IReadOnlyDictionary<string, string?> Environment)
{
    private static readonly string[] s_files = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];
    private static readonly string[] s_overrides = [".override.yml", ".override.yaml"];

    /// <summary>Finds it for the files of a folder.</summary>
    /// <param name="folder">The folder of the project's files.</param>
    /// <param name="project">The project as its containers tell of it; null where it has none yet.</param>
    /// <param name="endpoint">The engine.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <exception cref="BackupException">Compose is not here.</exception>
    public static async Task<ComposeCommand> FindAsync(string folder, ComposeProject? project, DockerEndpoint endpoint, CancellationToken cancellationToken)
    {
        (string tool, string[] start) = await FindToolAsync(cancellationToken).ConfigureAwait(false);
        string[] named = project is null ? [] : ["-p", project.Name];
        // In its first version compose tells the names of the files alone.
        string[] files = [.. (project?.Files ?? []).Select(file => Path.Combine(folder, file.Trim()))];
        IEnumerable<string> chosen = files.Length > 0 && files.All(File.Exists) ? files.SelectMany(file => new[] { "-f", file }) : FilesOf(folder);
        return new ComposeCommand(tool, [.. start, "--project-directory", folder, .. chosen, .. named], folder, DockerEnvironment.For(endpoint));
    }

    /// <summary>Creates a project's networks, volumes and containers, and starts none of them.</summary>
    /// <exception cref="BackupException">It fails; with its own words.</exception>
    public async Task CreateAsync(CancellationToken cancellationToken)
    {
        using ToolProcess process = ToolProcess.Start(Program, [.. Arguments, "up", "--no-start"], Environment);
        using CancellationTokenRegistration stop = cancellationToken.Register(process.Kill);
        await process.Output.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
        await process.RequireSuccessAsync($"Run it by hand in '{Folder}' and see what it says: {string.Join(' ', Arguments.Prepend(Path.GetFileName(Program)))} up --no-start.", cancellationToken).ConfigureAwait(false);
    }

    // Named, so that the current folder does not matter to the first version. The names and their order are compose's own.
    private static IEnumerable<string> FilesOf(string folder)
    {
        string? file = s_files.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
        if (file is null)
            yield break;
        yield return "-f";
        yield return file;
        string stem = Path.GetFileNameWithoutExtension(file);
        foreach (string other in s_overrides.Select(ending => Path.Combine(folder, stem + ending)).Where(File.Exists).Take(1))
        {
            yield return "-f";
            yield return other;
        }
    }

    private static async Task<(string Tool, string[] Start)> FindToolAsync(CancellationToken cancellationToken)
    {
        if (ExternalTool.Find("docker") is { } docker)
        {
            using ToolProcess probe = ToolProcess.Start(docker, ["compose", "version"], new Dictionary<string, string?>());
            await probe.Output.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
            if (await probe.WaitAsync(cancellationToken).ConfigureAwait(false) == 0)
                return (docker, ["compose"]);
        }

        return ExternalTool.Find("docker-compose") is { } compose ? (compose, []) : throw new BackupFailure(
            ErrorCodes.ToolMissing,
            FailureCategory.MissingTool,
            "Neither 'docker compose' nor docker-compose is here, and this needs it.",
            "Install the compose plugin. For a restore into a project without containers, they can be created where compose is: docker compose up --no-start.");
    }
}
