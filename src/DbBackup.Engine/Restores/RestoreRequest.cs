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
    public PayloadKind? Only { get; init; }

    /// <summary>Whether the safety backup is left out.</summary>
    public bool NoSafetyBackup { get; init; }

    /// <summary>Whether a database that is open elsewhere is written into.</summary>
    public bool Force { get; init; }

    /// <summary>How long to wait for a locked database.</summary>
    public TimeSpan LockTimeout { get; init; } = TimeSpan.FromSeconds(30);
}
