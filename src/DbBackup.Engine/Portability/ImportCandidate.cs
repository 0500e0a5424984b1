namespace DbBackup.Engine.Portability;

/// <summary>A file or folder that may be imported, or why it is not.</summary>
/// <param name="Path">Its absolute path.</param>
public sealed record ImportCandidate(string Path)
{
    /// <summary>The folder that was searched; null for a file or folder that the user named.</summary>
    public string? Root { get; init; }

    /// <summary>SHA-256 of its content in lower-case hexadecimal: two files with the same bytes are one backup.</summary>
    public string? Sha256 { get; init; }

    /// <summary>Where else the same content lies.</summary>
    public IReadOnlyList<string> Copies { get; init; } = [];

    /// <summary>The folders of a rotation in which it or a copy lies: <c>daily</c>, <c>weekly</c>.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Why it is no backup; null for one.</summary>
    public string? Skipped { get; init; }

    /// <summary>Why it cannot be imported although it is a backup; null for one that can.</summary>
    public BackupException? Failure { get; init; }
}
