using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Comparisons;

/// <summary>What backups are compared with, and how.</summary>
public sealed record ComparisonRequest
{
    /// <summary>The other backup; null for the live data.</summary>
    public Backup? Other { get; init; }

    /// <summary>The repository of the other backup.</summary>
    public BackupRepository? OtherRepository { get; init; }

    /// <summary>The live server and role; what is null in it comes from the backup.</summary>
    public PostgreSqlConnectionRequest Connection { get; init; } = new();

    /// <summary>The container, service or volume with the live files; null for where they came from.</summary>
    public ContainerAddress? Place { get; init; }

    /// <summary>The path in it; null for where they came from.</summary>
    public string? ContainerPath { get; init; }

    /// <summary>The live database file or folder, as an absolute path; null for where it came from.</summary>
    public string? Path { get; init; }

    /// <summary>The live database of a server; of a backup of a whole server the databases that are compared (wildcards allowed).</summary>
    public IReadOnlyList<string> Databases { get; init; } = [];

    /// <summary>Only the rows of these tables (wildcards allowed); empty for everything.</summary>
    public IReadOnlyList<string> Tables { get; init; } = [];

    /// <summary>Only what is of this kind; null for everything.</summary>
    public ContentKind? Content { get; init; }

    /// <summary>True if what is equal is listed too.</summary>
    public bool IncludeEqual { get; init; }

    /// <summary>Where copies are unpacked; null for the repository's work folder.</summary>
    public string? StagingPath { get; init; }

    /// <summary>How long to wait for a locked database.</summary>
    public TimeSpan LockTimeout { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>What a comparison found.</summary>
/// <param name="Differences">What differs.</param>
/// <param name="NotCompared">What was not compared, a sentence each.</param>
/// <param name="IsByCountAlone">True if tables with as many rows on both sides were not compared by their contents.</param>
public sealed record ComparisonResult(IReadOnlyList<BackupDifference> Differences, IReadOnlyList<string> NotCompared, bool IsByCountAlone);
