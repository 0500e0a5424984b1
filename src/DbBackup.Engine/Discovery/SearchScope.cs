using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Discovery;

/// <summary>The containers and places of an engine that a search is about.</summary>
/// <param name="Containers">The containers, by project, service and name.</param>
/// <param name="Places">The volumes and bind mounts; each with all of its containers, also those that were not asked for.</param>
/// <param name="All">All containers of the engine.</param>
/// <param name="Volumes">All volumes of the engine.</param>
internal sealed record SearchScope(
    IReadOnlyList<ContainerSummary> Containers, IReadOnlyList<SearchedPlace> Places, IReadOnlyList<ContainerSummary> All, IReadOnlyList<VolumeModel> Volumes)
{
    /// <summary>Reads the engine's lists and narrows them.</summary>
    /// <exception cref="BackupException">There is no such compose project.</exception>
    public static async Task<SearchScope> ReadAsync(DockerClient client, SourceSearchRequest request, CancellationToken cancellationToken)
    {
        IReadOnlyList<ContainerSummary> all = await client.ContainerListAsync(all: true, null, cancellationToken).ConfigureAwait(false);
        IReadOnlyList<VolumeModel> volumes = await client.VolumeListAsync(cancellationToken).ConfigureAwait(false);
        string? project = request.ComposeProject is null ? null : (await ComposeProject.FindAsync(client, request.ComposeProject, cancellationToken).ConfigureAwait(false)).Name;
        ContainerSummary[] chosen =
        [
            .. all.Where(container => IsChosen(container, request, project))
                .OrderBy(container => container.Label(ComposeLabels.Project), StringComparer.Ordinal)
                .ThenBy(container => container.Label(ComposeLabels.Service), StringComparer.Ordinal)
                .ThenBy(container => container.Name, StringComparer.Ordinal),
        ];
        var ids = chosen.Select(container => container.Id).ToHashSet(StringComparer.Ordinal);
        // A place is best named by a container that was asked for, and that runs: its programs can be used.
        IEnumerable<ContainerSummary> byName = all.OrderByDescending(container => ids.Contains(container.Id)).ThenByDescending(container => container.State == "running")
            .ThenBy(container => container.Name, StringComparer.Ordinal);
        bool any = project is null && request.Services.Count == 0 && request.Containers.Count == 0;
        IEnumerable<SearchedPlace> places = SearchedPlace.Gather(byName, volumes).Where(place => place.Users.Count > 0
            ? ids.Contains(place.Users[0].Container.Id)
            // Of a project that is down for now, the volumes are still its own.
            : any || (project is not null && request.Services.Count + request.Containers.Count == 0 && place.Volume?.Labels?.GetValueOrDefault(ComposeLabels.Project) == project));
        if (request.Volumes.Count > 0)
            places = places.Where(place => place.Volume is { } volume && Fits(request.Volumes, volume.Name));
        return new SearchScope(chosen, [.. places], all, volumes);
    }

    /// <summary>Fails where something that was named does not exist.</summary>
    public void RequireAllNamed(SourceSearchRequest request)
    {
        Require(request.Containers, filter => All.Any(container => Answers(filter, container)), ErrorCodes.ContainerNotFound, "container");
        Require(request.Services, filter => All.Any(container => container.Label(ComposeLabels.Service) is { } service && filter.Fits(service)), ErrorCodes.ContainerNotFound, "compose service");
        Require(request.Volumes, filter => Volumes.Any(volume => filter.Fits(volume.Name)), ErrorCodes.VolumeNotFound, "volume");
    }

    /// <summary>True if a name answers to one of several; to none is to any.</summary>
    public static bool Fits(IReadOnlyList<NameFilter> filters, string? name) => filters.Count == 0 || (name is not null && filters.Any(filter => filter.Fits(name)));

    private static bool IsChosen(ContainerSummary container, SourceSearchRequest request, string? project) =>
        (project is null || container.Label(ComposeLabels.Project) == project)
        && Fits(request.Services, container.Label(ComposeLabels.Service))
        && (request.Containers.Count == 0 || request.Containers.Any(filter => Answers(filter, container)));

    // The engine takes the beginning of an id for the container, too; twelve digits are what it shows.
    private static bool Answers(NameFilter filter, ContainerSummary container) =>
        filter.Fits(container.Name) || (filter.IsExact && filter.Text.Length >= 12 && container.Id.StartsWith(filter.Text, StringComparison.Ordinal));

    private static void Require(IReadOnlyList<NameFilter> filters, Func<NameFilter, bool> exists, string code, string what)
    {
        if (filters.FirstOrDefault(filter => filter.IsExact && !exists(filter)) is { } missing)
        {
            throw new BackupFailure(
                code, FailureCategory.NotFound, $"The engine has no {what} '{missing.Text}'.", "See what there is: Find-DbBackupSource without that parameter; wildcards are allowed, too.")
            { Target = missing.Text };
        }
    }
}
