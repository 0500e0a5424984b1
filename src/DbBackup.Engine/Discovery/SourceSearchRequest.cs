using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Discovery;

/// <summary>Which sources are looked for; what is not said does not narrow the search.</summary>
public sealed record SourceSearchRequest
{
    /// <summary>The engine: an address or the name of a docker context; null for what the environment says.</summary>
    public string? DockerHost { get; init; }

    /// <summary>A compose project's name, or the folder of its files.</summary>
    public string? ComposeProject { get; init; }

    /// <summary>Names of compose services.</summary>
    public IReadOnlyList<NameFilter> Services { get; init; } = [];

    /// <summary>Names of containers.</summary>
    public IReadOnlyList<NameFilter> Containers { get; init; } = [];

    /// <summary>Names of volumes: only what lies in them.</summary>
    public IReadOnlyList<NameFilter> Volumes { get; init; } = [];

    /// <summary>The kinds; empty for all.</summary>
    public IReadOnlyList<BackupSourceKind> Kinds { get; init; } = [];

    /// <summary>A folder of this machine: the SQLite files below it, and the compose projects that were started from it.</summary>
    public string? Folder { get; init; }

    /// <summary>True if a kind is looked for.</summary>
    public bool Wants(BackupSourceKind kind) => Kinds.Count == 0 || Kinds.Contains(kind);
}
