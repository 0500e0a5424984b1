using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;

namespace DbBackup.Engine.Docker.Pausing;

/// <summary>In which order containers are started: what others depend on comes first. They are stopped the other way round.</summary>
internal static class StartOrder
{
    private const string NetworkOfContainer = "container:";
    private const string Healthy = "service_healthy";

    /// <summary>The containers in groups; those of one group do not depend on each other.</summary>
    public static IReadOnlyList<IReadOnlyList<ContainerInspect>> Of(IReadOnlyList<ContainerInspect> containers)
    {
        var depths = new Dictionary<string, int>();
        foreach (ContainerInspect container in containers)
            DepthOf(container, containers, depths);
        return [.. containers.GroupBy(container => depths[container.Id]).OrderBy(group => group.Key).Select(group => group.ToArray())];
    }

    /// <summary>True if one of the dependents must find a container healthy, not only started.</summary>
    public static bool MustBeHealthy(ContainerInspect container, IEnumerable<ContainerInspect> dependents) => dependents.Any(dependent =>
        dependent.Label(ComposeLabels.Project) is { } project && project == container.Label(ComposeLabels.Project)
        && Dependencies(dependent.Label(ComposeLabels.DependsOn)).Contains((container.Label(ComposeLabels.Service) ?? string.Empty, Healthy)));

    /// <summary>Reads compose's label, as in <c>db:service_healthy:false,cache:service_started:true</c>; early versions end each part sooner.</summary>
    public static IEnumerable<(string Service, string Condition)> Dependencies(string? label)
    {
        foreach (string part in (label ?? string.Empty).Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            string[] words = part.Split(':');
            yield return (words[0], words.Length > 1 ? words[1] : string.Empty);
        }
    }

    private static int DepthOf(ContainerInspect container, IReadOnlyList<ContainerInspect> all, Dictionary<string, int> depths)
    {
        if (depths.TryGetValue(container.Id, out int known))
            return known;
        // Compose allows no circle; where labels make one, this ends it.
        depths[container.Id] = 0;
        int depth = all.Where(other => other.Id != container.Id && DependsOn(container, other)).Select(other => DepthOf(other, all, depths) + 1).DefaultIfEmpty(0).Max();
        return depths[container.Id] = depth;
    }

    private static bool DependsOn(ContainerInspect container, ContainerInspect other) =>
        container.HostConfig.NetworkMode == NetworkOfContainer + other.Id
        || (container.Label(ComposeLabels.Project) is { } project && project == other.Label(ComposeLabels.Project)
            && Dependencies(container.Label(ComposeLabels.DependsOn)).Any(dependency => dependency.Service == other.Label(ComposeLabels.Service)));
}
