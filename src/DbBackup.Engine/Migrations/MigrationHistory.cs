namespace DbBackup.Engine.Migrations;

/// <summary>One step of a schema's history, as the code that carries it knows it.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Parents">The revisions on which it stands, those that it only depends on among them; empty for a first one.</param>
internal sealed record MigrationRevision(string Id, IReadOnlyList<string> Parents);

/// <summary>The history of a schema as one state of the code knows it: a graph, for it may branch and merge.</summary>
internal sealed class MigrationHistory
{
    private readonly Dictionary<string, MigrationRevision> _revisions;
    private readonly List<string> _order;

    /// <param name="revisions">The revisions, the oldest first.</param>
    public MigrationHistory(IEnumerable<MigrationRevision> revisions)
    {
        ArgumentNullException.ThrowIfNull(revisions);
        _revisions = new Dictionary<string, MigrationRevision>(StringComparer.Ordinal);
        _order = [];
        foreach (MigrationRevision revision in revisions)
        {
            if (_revisions.TryAdd(revision.Id, revision))
                _order.Add(revision.Id);
        }

        var stoodOn = _revisions.Values.SelectMany(revision => revision.Parents).ToHashSet(StringComparer.Ordinal);
        Heads = [.. _order.Where(id => !stoodOn.Contains(id))];
    }

    /// <summary>The revisions on which nothing stands: where <c>upgrade heads</c> leads.</summary>
    public IReadOnlyList<string> Heads { get; }

    /// <summary>True if it has a revision.</summary>
    public bool Knows(string revision) => _revisions.ContainsKey(revision);

    /// <summary>The revisions that a database at these has not had yet, the oldest first.</summary>
    public IReadOnlyList<string> PendingAfter(IEnumerable<string> current)
    {
        HashSet<string> reached = Reached(current);
        return [.. _order.Where(id => !reached.Contains(id))];
    }

    /// <summary>How a database stands to this code.</summary>
    /// <param name="current">The revisions that the database names; empty where its table of them is.</param>
    public SchemaRelation Compare(IReadOnlyCollection<string> current)
    {
        ArgumentNullException.ThrowIfNull(current);
        IReadOnlyList<string> pending = PendingAfter(current);
        if (current.All(Knows))
            return pending.Count == 0 ? SchemaRelation.Same : SchemaRelation.Behind;
        // What nobody here knows was made by newer code, as a rule. Where a part of it is known and this code leads elsewhere, the two went
        // separate ways.
        return current.Any(Knows) && pending.Count > 0 ? SchemaRelation.Diverged : SchemaRelation.Ahead;
    }

    private HashSet<string> Reached(IEnumerable<string> current)
    {
        var reached = new HashSet<string>(StringComparer.Ordinal);
        var open = new Stack<string>(current);
        while (open.TryPop(out string? id))
        {
            if (!reached.Add(id) || !_revisions.TryGetValue(id, out MigrationRevision? revision))
                continue;
            foreach (string parent in revision.Parents)
                open.Push(parent);
        }

        return reached;
    }
}
