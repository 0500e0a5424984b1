using DbBackup.Engine.Platform;
using DbBackup.Engine.Platform.Docker;

namespace DbBackup.Engine.Sources.Docker;

/// <summary>Compose's own command line, for what only it can do: to create what its files describe. <c>docker compose</c>, else <c>docker-compose</c>.</summary>
internal static class ComposeCommand
{
    private static readonly string[] s_files = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];
    private static readonly string[] s_overrides = [".override.yml", ".override.yaml"];

    /// <summary>Creates a project's networks, volumes and containers, and starts none of them.</summary>
    /// <param name="folder">The folder of the project's files.</param>
    /// <param name="endpoint">The engine.</param>
    /// <param name="cancellationToken">Kills it.</param>
    /// <exception cref="BackupException">Compose is not here, or fails; with its own words.</exception>
    public static async Task CreateAsync(string folder, DockerEndpoint endpoint, CancellationToken cancellationToken)
    {
        (string tool, string[] start) = await FindAsync(cancellationToken).ConfigureAwait(false);
        using ToolProcess process = ToolProcess.Start(tool, [.. start, "--project-directory", folder, .. FilesOf(folder), "up", "--no-start"], DockerEnvironment.For(endpoint));
        using CancellationTokenRegistration stop = cancellationToken.Register(process.Kill);
        await process.Output.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
        await process.RequireSuccessAsync($"Run it by hand in '{folder}' and see what it says: {string.Join(' ', start.Prepend(Path.GetFileName(tool)))} up --no-start.", cancellationToken).ConfigureAwait(false);
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

    private static async Task<(string Tool, string[] Start)> FindAsync(CancellationToken cancellationToken)
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
            "Neither 'docker compose' nor docker-compose is here, and the project has no containers yet.",
            "Create them where compose is (docker compose up --no-start), then restore; or install the compose plugin.");
    }
}
