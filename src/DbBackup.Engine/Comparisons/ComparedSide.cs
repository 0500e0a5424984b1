using DbBackup.Engine.Engines;

namespace DbBackup.Engine.Comparisons;

/// <summary>One of the two that are compared: a backup, or what is live.</summary>
/// <param name="Name">A backup as <c>source/name</c>, or a location.</param>
/// <param name="Databases">Its databases.</param>
/// <param name="Files">Its files.</param>
/// <param name="Globals">What belongs to a server as a whole; null if there is nothing.</param>
internal sealed record ComparedSide(string Name, IReadOnlyList<ComparedDatabase> Databases, IReadOnlyList<ComparedFiles> Files, ComparedGlobals? Globals)
{
    /// <summary>The names of what the backup has and was left aside, because another live place was named.</summary>
    public IReadOnlyCollection<string> LeftAside { get; init; } = [];
}

/// <summary>A database of a side.</summary>
/// <param name="Engine">Its engine, by whose name it is compared with those of the other side.</param>
/// <param name="Name">Its name, for people and for finding the other.</param>
/// <param name="Path">Where it was captured; null where that is not known.</param>
internal sealed record ComparedDatabase(IDatabaseEngine Engine, string Name, string? Path)
{
    /// <summary>True if it is only a part: what it lacks is not removed.</summary>
    public bool IsPartial { get; init; }

    /// <summary>How many rows it has and in how many tables, where that is known; for a database that the other side lacks.</summary>
    public string? Summary { get; init; }

    /// <summary>Its facts, or null if it has none; of a live one those that can be compared with the other's.</summary>
    public required Func<Fingerprint?, Func<string, bool>?, CancellationToken, Task<CaptureFacts?>> TakeFacts { get; init; }

    /// <summary>The definitions of its schema; null if they cannot be read.</summary>
    public required Func<CancellationToken, Task<SchemaDefinitions?>> ReadDefinitions { get; init; }
}

/// <summary>A folder or file of a side.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Path">Where it was captured; null where that is not known.</param>
internal sealed record ComparedFiles(string Name, string? Path)
{
    /// <summary>The hash of its archive; null if it is not known. Archives that are the same byte for byte need no reading.</summary>
    public string? Sha256 { get; init; }

    /// <summary>How many entries it has, for a folder that the other side lacks.</summary>
    public string? Summary { get; init; }

    /// <summary>Gives its archive to a reader.</summary>
    public required Func<Func<Stream, Task>, CancellationToken, Task> Read { get; init; }

    /// <summary>What was read of it already, if it is kept.</summary>
    public ArchiveListing? Listing { get; set; }
}

/// <summary>The roles of a side.</summary>
/// <param name="Read">Reads them.</param>
internal sealed record ComparedGlobals(Func<CancellationToken, Task<SchemaDefinitions?>> Read);
