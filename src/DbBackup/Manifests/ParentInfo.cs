namespace DbBackup;

/// <summary>The full backup from which an incremental one differs. It lies under the same source.</summary>
public sealed record ParentInfo
{
    /// <summary>Its identity.</summary>
    public required Guid Id { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>The payload of a full backup from which one of an incremental backup differs.</summary>
public sealed record ParentPayloadInfo
{
    /// <summary>Its file name in the full backup's folder.</summary>
    public required string FileName { get; init; }

    /// <summary>SHA-256 of the file as stored, in lower-case hexadecimal: the difference fits no other.</summary>
    public required string StoredSha256 { get; init; }

    /// <inheritdoc/>
    public override string ToString() => FileName;
}
