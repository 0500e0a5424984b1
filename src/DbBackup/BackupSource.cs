namespace DbBackup;

/// <summary>Something that can be backed up, as <c>Find-DbBackupSource</c> finds it and <c>New-DbBackup</c> takes it from the pipeline.</summary>
public sealed record BackupSource
{
    /// <summary>What it is.</summary>
    public required BackupSourceKind Kind { get; init; }

    /// <summary>A short name for people: the service, container, volume or file.</summary>
    public required string Name { get; init; }

    /// <summary>Where it is, as manifests have it.</summary>
    public required string Location { get; init; }

    /// <summary>The engine, where it is not the usual one.</summary>
    public string? DockerHost { get; init; }

    /// <summary>The container's name; null for a volume that none uses and for files of this machine.</summary>
    public string? Container { get; init; }

    /// <summary>The container's state: running, exited, paused, restarting.</summary>
    public string? State { get; init; }

    /// <summary>The compose project; null for a container of none.</summary>
    public string? ComposeProject { get; init; }

    /// <summary>The compose service.</summary>
    public string? Service { get; init; }

    /// <summary>The volume.</summary>
    public string? Volume { get; init; }

    /// <summary>The path in the container, or in the volume.</summary>
    public string? ContainerPath { get; init; }

    /// <summary>The path on this machine; null where it has none that can be read.</summary>
    public string? Path { get; init; }

    /// <summary>The PostgreSQL database.</summary>
    public string? Database { get; init; }

    /// <summary>The server's version, or SQLite's journal mode, or the volume's driver: what helps to know it.</summary>
    public string? Detail { get; init; }

    /// <summary>Its size in bytes; null where that would take long to find out.</summary>
    public long? Size { get; init; }

    /// <summary>The containers that use it.</summary>
    public IReadOnlyList<string> UsedBy { get; init => field = Indexable.Of(value); } = [];

    /// <inheritdoc/>
    public override string ToString() => Location;
}

/// <summary>What a source is.</summary>
public enum BackupSourceKind
{
    /// <summary>A database of a PostgreSQL server in a container.</summary>
    PostgreSql,

    /// <summary>A SQLite database file.</summary>
    Sqlite,

    /// <summary>A volume of the engine.</summary>
    Volume,

    /// <summary>A folder of the host that containers have mounted.</summary>
    Folder,
}
