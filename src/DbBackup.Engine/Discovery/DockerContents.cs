using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;

namespace DbBackup.Engine.Discovery;

/// <summary>The names of what an engine has, each with a few words: for those who choose one at the prompt.</summary>
/// <param name="Containers">The containers.</param>
/// <param name="Projects">The compose projects.</param>
/// <param name="Services">Their services.</param>
/// <param name="Volumes">The named volumes.</param>
public sealed record DockerContents(
    IReadOnlyList<(string Name, string Words)> Containers,
    IReadOnlyList<(string Name, string Words)> Projects,
    IReadOnlyList<(string Name, string Words)> Services,
    IReadOnlyList<(string Name, string Words)> Volumes)
{
    /// <summary>Reads the engine's lists.</summary>
    /// <param name="dockerHost">The engine: an address or the name of a docker context; null for what the environment says.</param>
    /// <param name="composeProject">Only of this compose project, by its name or folder; null for all.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="BackupException">The engine does not answer, or has no such project.</exception>
    public static async Task<DockerContents> ReadAsync(string? dockerHost, string? composeProject, CancellationToken cancellationToken)
    {
        using DockerClient client = await DockerClient.ConnectAsync(DockerContexts.OfUser.Resolve(dockerHost), cancellationToken).ConfigureAwait(false);
        IReadOnlyList<ComposeProject> projects = await ComposeProject.ListAsync(client, cancellationToken).ConfigureAwait(false);
        SearchScope scope = await SearchScope.ReadAsync(client, new SourceSearchRequest { ComposeProject = composeProject }, cancellationToken).ConfigureAwait(false);
        return new DockerContents(
            [.. scope.Containers.Select(container => (container.Name, $"{container.Image}, {container.Status}"))],
            [.. projects.Select(project => (project.Name, $"{project.WorkingFolder ?? "?"}: {string.Join(", ", project.Services)}"))],
            [
                .. scope.Containers.Where(container => container.Label(ComposeLabels.Service) is not null).GroupBy(container => container.Label(ComposeLabels.Service)!, StringComparer.Ordinal)
                    .Select(group => (group.Key, string.Join("; ", group.Select(container => $"{container.Name} ({container.State})")))),
            ],
            [
                .. scope.Places.Where(place => place.Volume is { } volume && !SearchedPlace.IsAnonymous(volume.Name))
                    .Select(place => (place.Volume!.Name, place.Users.Count == 0 ? "used by no container" : "used by " + string.Join(", ", place.UsedBy))),
            ]);
    }
}
