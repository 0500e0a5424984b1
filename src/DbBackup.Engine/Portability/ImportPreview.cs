namespace DbBackup.Engine.Portability;

/// <summary>What the beginning of a foreign file, its name and its folder tell.</summary>
/// <param name="Description">What it is: "a SQLite database".</param>
/// <param name="Created">When it was made; null for an archive that has to be unpacked first.</param>
public sealed record ImportPreview(string Description, DateTimeOffset? Created)
{
    /// <summary>The identity of an exported backup of this module, which it keeps; null for everything else.</summary>
    public Guid? Id { get; init; }

    /// <summary>What says when it was made: "by its name".</summary>
    public string? CreatedBy { get; init; }

    /// <summary>The source; null for an archive that has to be unpacked first.</summary>
    public string? Source { get; init; }

    /// <summary>Why it was made: one of <see cref="BackupReason"/>.</summary>
    public string Reason { get; init; } = BackupReason.Manual;

    /// <summary>What says why it was made: "by the folder 'daily'"; null if nothing does.</summary>
    public string? ReasonBy { get; init; }

    /// <inheritdoc/>
    public override string ToString()
    {
        string moment = Created is { } created ? $" of {created.ToLocalTime():yyyy-MM-dd HH:mm}{(CreatedBy is null ? string.Empty : $" {CreatedBy}")}" : string.Empty;
        return $"{Description}{moment}; source {Source ?? "as its content says"}; {Reason}{(ReasonBy is null ? string.Empty : $" {ReasonBy}")}";
    }
}
