using System.Globalization;
using Docker.DotNet.Models;

namespace DbBackup.Engine.Docker.Api;

// The parts of the Engine API's answers that are used, under the API's own names (docs.docker.com/reference/api/engine).

internal sealed record ContainerSummary(
    string Id, IReadOnlyList<string> Names, string Image, string ImageID, string State, string Status, IReadOnlyDictionary<string, string>? Labels, IReadOnlyList<MountPoint>? Mounts)
{
    /// <summary>When it was created, in seconds since 1970.</summary>
    public long Created { get; init; }

    /// <summary>The name without the slash that the API puts before it. Links add further names, with a second slash in them.</summary>
    public string Name => (Names.FirstOrDefault(name => name.LastIndexOf('/') == 0) ?? Id[..12]).TrimStart('/');

    public ContainerNetworkSettings? NetworkSettings { get; init; }

    /// <summary>The containers that have a link to this one, each with the name under which it knows this one.</summary>
    public IEnumerable<(string Container, string Alias)> Links => Names.Select(name => name.Split('/', StringSplitOptions.RemoveEmptyEntries)).Where(parts => parts.Length == 2).Select(parts => (parts[0], parts[1]));

    /// <summary>Its addresses in its networks.</summary>
    public IEnumerable<string> Addresses => NetworkSettings?.Networks?.Values.Select(network => network.IPAddress).Where(address => !string.IsNullOrEmpty(address)).OfType<string>() ?? [];

    public string? Label(string name) => Labels?.GetValueOrDefault(name);
}

internal sealed record MountPoint(string Type, string? Name, string? Source, string Destination, string? Driver, bool RW);

internal sealed record ContainerInspect(
    string Id, string Name, string Image, ContainerState State, ContainerConfig Config, ContainerHostConfig HostConfig, ContainerNetworkSettings? NetworkSettings, IReadOnlyList<MountPoint>? Mounts, int RestartCount)
{
    public string ShortName => Name.TrimStart('/');

    public string? Label(string name) => Config.Labels?.GetValueOrDefault(name);

    /// <summary>A variable of the container's environment; null where it is not set.</summary>
    public string? Variable(string name) =>
        Config.Env?.LastOrDefault(entry => entry.StartsWith(name + "=", StringComparison.Ordinal))?[(name.Length + 1)..];
}

internal sealed record ContainerState(string Status, bool Running, bool Paused, bool Restarting, bool Dead, int ExitCode, string? Error, string? StartedAt, HealthModel? Health);

internal sealed record HealthModel(string Status, int FailingStreak, IReadOnlyList<HealthLog>? Log);

internal sealed record HealthLog(int ExitCode, string? Output);

internal sealed record ContainerConfig(
    string? User, IReadOnlyList<string>? Env, IReadOnlyDictionary<string, string>? Labels, string? Image, IReadOnlyList<string>? Cmd, IReadOnlyList<string>? Entrypoint, string? WorkingDir, string? StopSignal)
{
    /// <summary>The paths for which the image wants volumes.</summary>
    public IReadOnlyDictionary<string, object>? Volumes { get; init; }
}

internal sealed record ContainerHostConfig(RestartPolicy? RestartPolicy, bool ReadonlyRootfs, bool AutoRemove, string? NetworkMode)
{
    public string? IpcMode { get; init; }

    public string? PidMode { get; init; }

    /// <summary>What is kept in memory alone, by its path in the container.</summary>
    public IReadOnlyDictionary<string, string>? Tmpfs { get; init; }
}

internal sealed record RestartPolicy(string? Name, int MaximumRetryCount);

internal sealed record ContainerNetworkSettings(IReadOnlyDictionary<string, ContainerNetwork>? Networks);

internal sealed record ContainerNetwork(string? IPAddress);

internal sealed record VolumeModel(string Name, string Driver, string Mountpoint, IReadOnlyDictionary<string, string>? Labels, string? Scope, IReadOnlyDictionary<string, string>? Options)
{
    public string? CreatedAt { get; init; }

    /// <summary>When it was created; null if the engine does not say. An engine before 23.0 says when its folder was last changed (github.com/moby/moby/pull/44719).</summary>
    public DateTimeOffset? Created => DateTimeOffset.TryParse(CreatedAt, CultureInfo.InvariantCulture, out DateTimeOffset created) ? created : null;
}

internal sealed record ImageSummary(string Id, IReadOnlyList<string>? RepoTags, long Size, long Created);

internal sealed record ImageInspect(string Id, IReadOnlyList<string>? RepoTags, ContainerConfig? Config, string? Architecture, string? Os);

/// <summary>What Go's os.FileMode says of a path in a container.</summary>
internal static class ContainerPathStats
{
    extension(ContainerPathStatResponse stat)
    {
        // The kind is in its highest bits.
        public bool IsDirectory => (stat.Mode & 0x80000000) != 0;

        public bool IsSymbolicLink => (stat.Mode & 0x08000000) != 0;
    }
}
