namespace DbBackup;

/// <summary>What a test of a backup found.</summary>
public sealed record BackupTestResult
{
    /// <summary>The backup's name.</summary>
    public required string Name { get; init; }

    /// <summary>The source's name.</summary>
    public required string Source { get; init; }

    /// <summary>The repository.</summary>
    public required string Repository { get; init; }

    /// <summary>How deep the test went.</summary>
    public required BackupTestLevel Level { get; init; }

    /// <summary>True if every check passed and every assertion could run.</summary>
    public bool Passed => Checks.All(check => check.Passed) && NotRun.Count == 0;

    /// <summary>
    /// How far the backup has climbed. If a check failed, it is <see cref="BackupStatus.Damaged"/>, or <see cref="BackupStatus.Mismatched"/> if
    /// only checks failed that tell what a restore gives back.
    /// </summary>
    public required BackupStatus Status { get; init; }

    /// <summary>Each check in its order.</summary>
    public required IReadOnlyList<BackupCheck> Checks { get; init => field = Indexable.Of(value); }

    /// <summary>
    /// What a restore test would have needed and the test server does not have (roles, extensions). The backup was read to its end
    /// instead; that is no fault of the backup.
    /// </summary>
    public IReadOnlyList<string> Missing { get; init => field = Indexable.Of(value); } = [];

    /// <summary>
    /// The assertions that could not run, each with the reason: an error in its SQL, or no restored database. They say nothing about the
    /// backup, whose status they leave as it is.
    /// </summary>
    public IReadOnlyList<string> NotRun { get; init => field = Indexable.Of(value); } = [];

    /// <summary>When the test ended, in local time.</summary>
    public required DateTimeOffset Tested { get; init; }

    /// <summary>How long it took.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>The first thing that was wrong; null if nothing was.</summary>
    public string? Failure => Checks.FirstOrDefault(check => !check.Passed) is { } failed ? $"{failed.Name}: {failed.Detail}" : NotRun.Count > 0 ? NotRun[0] : null;

    /// <inheritdoc/>
    public override string ToString() => $"{Source}/{Name} {Level}: {(Passed ? "passed" : "FAILED, " + Failure)}";
}

/// <summary>One check in a test.</summary>
/// <param name="Name">What was checked, as in <c>pats.db.zst checksum</c>.</param>
/// <param name="Passed">True if it was right.</param>
/// <param name="Detail">What was found, in a few words.</param>
public sealed record BackupCheck(string Name, bool Passed, string Detail)
{
    /// <summary>True if it tells what a restore gives back. If it fails, the files of the backup are whole all the same.</summary>
    public bool IsOfRestore { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{(Passed ? "ok" : "FAILED")} {Name}: {Detail}";
}
