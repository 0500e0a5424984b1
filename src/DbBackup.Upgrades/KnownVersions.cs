using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Upgrades.Deployments;

namespace DbBackup.Upgrades;

/// <summary>Lists the versions that are available locally, each with a short description, for tab completion.</summary>
public static class KnownVersions
{
    /// <summary>Lists the named images of a Docker Engine, newest first.</summary>
    /// <param name="dockerHost">The Docker Engine: an address or the name of a docker context; null for the environment's default.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="BackupException">The Docker Engine does not answer.</exception>
    public static async Task<IReadOnlyList<(string Name, string Words)>> ImagesAsync(string? dockerHost, CancellationToken cancellationToken)
    {
        using DockerClient client = await DockerClient.ConnectAsync(DockerContexts.OfUser.Resolve(dockerHost), cancellationToken).ConfigureAwait(false);
        return
        [
            .. (await client.ImageListAsync(cancellationToken).ConfigureAwait(false))
                .OrderByDescending(image => image.Created)
                .SelectMany(image => (image.RepoTags ?? []).Order(StringComparer.Ordinal).Where(IsChoice)
                    .Select(name => (name, FormattableString.Invariant($"{ByteSize.Format(image.Size)}, created {DateTimeOffset.FromUnixTimeSeconds(image.Created):yyyy-MM-dd}")))),
        ];
    }

    /// <summary>Lists the tags and then the branches of a compose project's work tree, newest first; none if git is missing.</summary>
    /// <param name="dockerHost">The Docker Engine: an address or the name of a docker context; null for the environment's default.</param>
    /// <param name="composeProject">The project's absolute folder, which needs no Docker Engine, or its name.</param>
    /// <param name="cancellationToken">Ends git.</param>
    /// <exception cref="BackupException">The Docker Engine does not answer or has no such project, or its folder belongs to no work tree.</exception>
    public static async Task<IReadOnlyList<(string Name, string Words)>> GitRefsAsync(string? dockerHost, string composeProject, CancellationToken cancellationToken)
    {
        string? folder = Path.IsPathFullyQualified(composeProject)
            ? ComposeProject.FolderOf(composeProject)
            : await FolderOfAsync(dockerHost, composeProject, cancellationToken).ConfigureAwait(false);
        return folder is not null && Directory.Exists(folder) ? await GitReferences.ReadAsync(folder, cancellationToken).ConfigureAwait(false) : [];
    }

    // Images that an upgrade keeps for its rollback are not new versions.
    private static bool IsChoice(string name) =>
        !name.Contains("<none>", StringComparison.Ordinal) && DockerClient.SplitReference(name).Repository != DockerDeployment.KeptRepository;

    private static async Task<string?> FolderOfAsync(string? dockerHost, string project, CancellationToken cancellationToken)
    {
        using DockerClient client = await DockerClient.ConnectAsync(DockerContexts.OfUser.Resolve(dockerHost), cancellationToken).ConfigureAwait(false);
        return (await ComposeProject.FindAsync(client, project, cancellationToken).ConfigureAwait(false)).WorkingFolder;
    }
}
