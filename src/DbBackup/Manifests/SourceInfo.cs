namespace DbBackup;

/// <summary>What was backed up.</summary>
public sealed record SourceInfo
{
    /// <summary>The source's exact name, which is also its folder in the repository.</summary>
    public required string Name { get; init; }

    /// <summary>The kind: <c>Sqlite</c>, <c>PostgreSql</c>, <c>Files</c>.</summary>
    public required string Engine { get; init; }

    /// <summary>The version of the database engine.</summary>
    public string? EngineVersion { get; init; }

    /// <summary>Where it was: an absolute path, or <c>postgresql://host:port/database</c>. Null for an imported backup whose place is not known.</summary>
    public string? Location { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Name} ({Engine}{(EngineVersion is null ? string.Empty : " " + EngineVersion)})";
}

/// <summary>The state of the git work tree in which a source lies.</summary>
/// <param name="Commit">The full hash of the commit.</param>
/// <param name="Branch">The branch; null with a detached head.</param>
public sealed record GitInfo(string Commit, string? Branch = null)
{
    /// <inheritdoc/>
    public override string ToString() => Branch is null ? Commit : $"{Commit} ({Branch})";
}
