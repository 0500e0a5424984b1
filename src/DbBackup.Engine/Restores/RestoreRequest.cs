using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Engine.Restores;

/// <summary>What is to be restored, and where.</summary>
public sealed record RestoreRequest
{
    /// <summary>The backup.</summary>
    public required Backup Backup { get; init; }

    /// <summary>
    /// Where: a file for a single database, a folder otherwise (or where it ends in a separator); null for where it came from.
    /// </summary>
    public string? Destination { get; init; }

    /// <summary>Only what is of this kind; null for everything.</summary>
    public ContentKind? Content { get; init; }

    /// <summary>Only these files and folders of folders: patterns as <c>-Exclude</c> has them; empty for all.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>What the restore that is undone had replaced; null if none is undone.</summary>
    internal IReadOnlyList<string>? Replaced { get; init; }

    /// <summary>True if the safety backup is left out.</summary>
    public bool NoSafetyBackup { get; init; }

    /// <summary>True if a database that is open elsewhere is written into.</summary>
    public bool Force { get; init; }

    /// <summary>The server and role; what is null in it comes from the backup. For a server's databases.</summary>
    public PostgreSqlConnectionRequest Connection { get; init; } = new();

    /// <summary>The container, service or volume to which files are restored; null for where they came from.</summary>
    public ContainerAddress? Place { get; init; }

    /// <summary>True to start a stopped container that the restore needs, and to create the containers of a project that has none.</summary>
    public bool StartsContainers { get; init; }

    /// <summary>The path in the container or volume to which files are restored; null for where they came from.</summary>
    public string? ContainerPath { get; init; }

    /// <summary>Of a backup of a whole server, the databases that are restored (wildcards allowed); empty for all.</summary>
    public IReadOnlyList<string> Databases { get; init; } = [];

    /// <summary>The name that the database gets; null for its own.</summary>
    public string? NewName { get; init; }

    /// <summary>True if the present database is emptied and loaded anew instead of replaced.</summary>
    public bool InPlace { get; init; }

    /// <summary>Only these tables.</summary>
    public IReadOnlyList<string> Tables { get; init; } = [];

    /// <summary>Only these schemas.</summary>
    public IReadOnlyList<string> Schemas { get; init; } = [];

    /// <summary>True if everything is given to the connecting role, without privileges of others.</summary>
    public bool NoOwner { get; init; }

    /// <summary>True if a server's database is restored although the server refuses a part of it, or it differs from what was recorded.</summary>
    public bool AllowMismatch { get; init; }

    /// <summary>How many jobs load at once; null for as many as help here.</summary>
    public int? Jobs { get; init; }

    /// <summary>Where archives are unpacked; null for the repository's work folder.</summary>
    public string? StagingPath { get; init; }

    /// <summary>How long to wait for a locked database.</summary>
    public TimeSpan LockTimeout { get; init; } = TimeSpan.FromSeconds(30);
}
