namespace DbBackup.Engine.Engines;

/// <summary>What an engine recognized in a file or folder that another program made.</summary>
/// <param name="Description">What it is: "a SQLite database".</param>
/// <param name="ReadAsync">Makes sources of it, once it is known to be whole.</param>
internal sealed record ForeignDump(string Description, Func<ForeignImport, CancellationToken, Task<ForeignContent>> ReadAsync)
{
    /// <summary>True if it is a database as an application uses it, and not a dump: it is looked for in folders too.</summary>
    public bool IsDatabase { get; init; }

    /// <summary>Reads when it was made, where its content says so; null where it does not. A file's own time says when the file was copied.</summary>
    public Func<DateTimeOffset?> ReadCreated { get; init; } = () => null;

    /// <summary>Returns the source's name: as its content says, else as its name does.</summary>
    public Func<ForeignImport, string> ReadSource { get; init; } = import => import.NameOf(import.Origin);

    /// <summary>True if nothing but its likeness speaks for it: an engine that is certain comes first.</summary>
    public bool IsGuess { get; init; }
}

/// <summary>What an engine is given to import with.</summary>
/// <param name="Origin">The file or folder as the person named it, for names and messages.</param>
/// <param name="HasTestServer">True if a server is named on which the backup is proved.</param>
/// <param name="OpenScratchAsync">Opens a folder with room for so many bytes; it is removed when the import has ended.</param>
internal sealed record ForeignImport(string Origin, bool HasTestServer, Func<long, CancellationToken, Task<string>> OpenScratchAsync)
{
    /// <summary>The source's name, as the person gave it; null if it is derived.</summary>
    public string? SourceName { get; init; }

    /// <summary>Returns the name that a file's name gives what it holds: the same for each of a series.</summary>
    /// <param name="path">The file or folder.</param>
    /// <exception cref="BackupException">The name is nothing but a date and words such as "backup", and the person gave none.</exception>
    public string NameOf(string path) => SubjectOf(path) ?? SourceName ?? throw new BackupFailure(
        ErrorCodes.ImportSourceUnknown,
        FailureCategory.InvalidArgument,
        $"Nothing tells of what '{Origin}' is a backup: its content does not, and its name says at most when it was made.",
        "Name the source: -Source NAME, the name that New-DbBackup uses for the same database.")
    { Target = Origin };

    // A link (latest.sql) leads to the file that has the name.
    private static string? SubjectOf(string path) => ForeignName.SubjectOf(path) is { Length: > 0 } subject ? subject
        : new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true) is { } target && ForeignName.SubjectOf(target.FullName) is { Length: > 0 } linked ? linked
        : null;
}

/// <summary>What is imported of a foreign file.</summary>
/// <param name="Sources">The sources of the backup.</param>
internal sealed record ForeignContent(IReadOnlyList<IBackupSource> Sources)
{
    /// <summary>The source's name, where the sources' own would be that of a single file; null for theirs.</summary>
    public string? SourceName { get; init; }

    /// <summary>The name that its own records give it; null if there are none.</summary>
    public string? Name { get; init; }

    /// <summary>The schema revision that its own records state; null if they state none.</summary>
    public string? SchemaRevision { get; init; }

    /// <summary>How deep it can be proved.</summary>
    public BackupTestLevel ProofLevel { get; init; } = BackupTestLevel.Restore;
}
