namespace DbBackup.Engine.Comparisons;

/// <summary>Collects what a comparison finds, and what it could not look at.</summary>
/// <param name="backup">The backup.</param>
/// <param name="with">What it is compared with.</param>
/// <param name="includeEqual">True if what is equal is listed too.</param>
internal sealed class DifferenceList(Backup backup, string with, bool includeEqual)
{
    private readonly List<BackupDifference> _found = [];
    private readonly List<string> _notCompared = [];

    /// <summary>What was found.</summary>
    public IReadOnlyList<BackupDifference> Found => _found;

    /// <summary>What was not compared, a sentence each.</summary>
    public IReadOnlyList<string> NotCompared => _notCompared;

    /// <summary>True if tables with as many rows on both sides were taken for equal without a look at their contents.</summary>
    public bool IsByCountAlone { get; private set; }

    /// <summary>How many differences there are.</summary>
    public int Count => _found.Count(difference => difference.Change is not (DifferenceChange.Equal or DifferenceChange.SameCount));

    /// <summary>Notes what was not compared.</summary>
    public void Skip(string what) => _notCompared.Add(what);

    /// <summary>Notes something that both have, or one of them.</summary>
    /// <param name="kind">What it is.</param>
    /// <param name="name">Its name.</param>
    /// <param name="database">The database to which it belongs.</param>
    /// <param name="before">What the backup has; null for nothing.</param>
    /// <param name="after">What the other has; null for nothing.</param>
    /// <param name="isSame">True if both are the same; null if both have as many rows and their contents are not known.</param>
    public void Add(DifferenceKind kind, string name, string? database, object? before, object? after, bool? isSame)
    {
        IsByCountAlone |= isSame is null;
        DifferenceChange change = isSame == true ? DifferenceChange.Equal
            : isSame is null ? DifferenceChange.SameCount
            : before is null ? DifferenceChange.Added
            : after is null ? DifferenceChange.Removed
            : DifferenceChange.Changed;
        if (change is DifferenceChange.Equal or DifferenceChange.SameCount && !includeEqual)
            return;
        _found.Add(new BackupDifference
        {
            Kind = kind,
            Name = name,
            Change = change,
            Before = before,
            After = after,
            Database = database,
            Backup = backup.ToString(),
            Created = backup.Created,
            ComparedWith = with,
        });
    }
}
