using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Upgrades.Deployments;

namespace DbBackup.Upgrades;

/// <summary>The versions that are there already, each with a few words: for those who choose one at the prompt.</summary>
public static class KnownVersions
{
    /// <summary>The images of an engine that have a name, the newest first.</summary>
    /// <param name="dockerHost">The engine: an address or the name of a docker context; null for what the environment says.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="BackupException">The engine does not answer.</exception>
    public static async Task<IReadOnlyList<(string Name, string Words)>> ImagesAsync(string? dockerHost, CancellationToken cancellationToken)
    {
        using DockerClient client = await DockerClient.ConnectAsync(DockerContexts.OfUser.Resolve(dockerHost), cancellationToken).ConfigureAwait(false);
        return
        [
            .. (await client.ImageListAsync(cancellationToken).ConfigureAwait(false))
                .OrderByDescending(image => image.Created)
                .SelectMany(image => (image.RepoTags ?? []).Order(StringComparer.Ordinal).Where(IsChoice)
                    .Select(name => (name, FormattableString.Invariant($"{ByteSize.Format(image.Size)}, made on {DateTimeOffset.FromUnixTimeSeconds(image.Created):yyyy-MM-dd}")))),
        ];
    }

    /// <summary>The tags and then the branches of a compose project's work tree, the newest first; none where git is missing.</summary>
    /// <param name="dockerHost">The engine: an address or the name of a docker context; null for what the environment says.</param>
    /// <param name="composeProject">The project's folder as an absolute path, for which no engine is asked, or its name.</param>
    /// <param name="cancellationToken">Ends git.</param>
    /// <exception cref="BackupException">The engine does not answer or has no such project, or its folder belongs to no work tree.</exception>
    public static async Task<IReadOnlyList<(string Name, string Words)>> GitRefsAsync(string? dockerHost, string composeProject, CancellationToken cancellationToken)
    {
        string? folder = Path.IsPathFullyQualified(composeProject)
            ? ComposeProject.FolderOf(composeProject)
            : await FolderOfAsync(dockerHost, composeProject, cancellationToken).ConfigureAwait(false);
        return folder is not null && Directory.Exists(folder) ? await GitReferences.ReadAsync(folder, cancellationToken).ConfigureAwait(false) : [];
    }

    // What an upgrade keeps for the way back is no new version.
    private static bool IsChoice(string name) =>
        !name.Contains("<none>", StringComparison.Ordinal) && DockerClient.SplitReference(name).Repository != DockerDeployment.KeptRepository;

    private static async Task<string?> FolderOfAsync(string? dockerHost, string project, CancellationToken cancellationToken)
    {
        using DockerClient client = await DockerClient.ConnectAsync(DockerContexts.OfUser.Resolve(dockerHost), cancellationToken).ConfigureAwait(false);
        return (await ComposeProject.FindAsync(client, project, cancellationToken).ConfigureAwait(false)).WorkingFolder;
    }
}
