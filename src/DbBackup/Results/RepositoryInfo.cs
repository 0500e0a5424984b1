namespace DbBackup;

/// <summary>What a repository's place allows, as it was tried.</summary>
public sealed record RepositoryInfo
{
    /// <summary>Its location, to be given to <c>-Repository</c>: a path, or a URL with its options. It holds no secret.</summary>
    public required string Repository { get; init; }

    /// <summary>The kind of its store: <c>folder</c>, <c>s3</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>What tells it from every other repository; null for one that the first backup will create.</summary>
    public Guid? Id { get; init; }

    /// <summary>When it was created, in local time; null for one that the first backup will create.</summary>
    public DateTimeOffset? Created { get; init; }

    /// <summary>True if the login is allowed to write.</summary>
    public required bool CanWrite { get; init; }

    /// <summary>True if the login is allowed to delete: false for one that can only add.</summary>
    public required bool CanDelete { get; init; }

    /// <summary>True if the store itself gives a key to one writer only; false if claims do it, which takes more calls; null if that was not tried.</summary>
    public bool? HasConditionalWrites { get; init; }

    /// <summary>Free bytes; null if there is no limit to know of.</summary>
    public long? AvailableBytes { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Repository;
}
