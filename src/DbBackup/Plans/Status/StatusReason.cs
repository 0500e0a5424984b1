namespace DbBackup;

/// <summary>Something that a person should know of a source's backups, and the next step.</summary>
public sealed record StatusReason
{
    /// <summary>How urgent it is; <see cref="BackupHealth.OK"/> for a note, which is no alarm.</summary>
    public required BackupHealth Severity { get; init; }

    /// <summary>A stable name for programs, one of <see cref="StatusCodes"/>.</summary>
    public required string Code { get; init; }

    /// <summary>What is so, as a sentence.</summary>
    public required string Text { get; init; }

    /// <summary>What to do about it, as a sentence.</summary>
    public required string NextStep { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Text} {NextStep}";
}
