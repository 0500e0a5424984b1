using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Load;
using DbBackup.Engine.Engines.PostgreSql.Text;

namespace DbBackup.Engine.Engines.PostgreSql.Dump;

/// <summary>Collects what belongs to the tables of a selection.</summary>
internal sealed class ArchiveCollector
{
    private readonly ArchiveListing _listing;
    private readonly bool _keepForeignKeys;
    private readonly Dictionary<int, ArchiveEntry> _byId;
    private readonly Dictionary<ArchiveEntry, ArchiveEntry> _parents = [];
    private readonly HashSet<int> _chosen = [];
    private readonly List<ArchiveEntry> _leftOut = [];

    public ArchiveCollector(ArchiveListing listing, bool keepForeignKeys)
    {
        _listing = listing;
        _keepForeignKeys = keepForeignKeys;
        _byId = listing.Entries.GroupBy(entry => entry.DumpId).ToDictionary(group => group.Key, group => group.First());
    }

    private IEnumerable<ArchiveEntry> AllTables => _listing.Entries.Where(IsTable);

    public void TakeSchemas(TablePattern pattern, string text)
    {
        // The schema public mostly has no entry of its own.
        List<string> names = [.. _listing.Entries.Where(entry => entry.Schema.Length > 0).Select(entry => entry.Schema)
            .Concat(_listing.Entries.Where(entry => entry.Kind == "SCHEMA").Select(entry => entry.Name)).Distinct()];
        List<string> fitting = [.. names.Where(pattern.FitsSchema)];
        if (fitting.Count == 0)
            throw NothingFits("schema", text, names.Select(QuotedName.Show));
        foreach (string name in fitting)
        {
            foreach (ArchiveEntry entry in _listing.Entries.Where(entry => entry.Schema == name ? IsOfSchema(entry) : entry.Kind == "SCHEMA" && entry.Name == name))
                _chosen.Add(entry.DumpId);
            if (name == "public")
                _chosen.UnionWith(_listing.Entries.Where(PublicSchema.IsAbout).Select(entry => entry.DumpId));
        }
    }

    public void TakeTables(TablePattern pattern, string text)
    {
        List<ArchiveEntry> fitting = [.. AllTables.Where(table => pattern.FitsTable(table.Schema, table.Name))];
        if (fitting.Count == 0)
            throw NothingFits("table", text, AllTables.Select(Show));
        foreach (ArchiveEntry table in fitting)
            _chosen.Add(table.DumpId);
    }

    public ArchiveSelection Finish()
    {
        TakePartitions();
        // What belongs to what belongs to a table: the comment of an index, the value of a sequence. Entries do not always follow what they belong to.
        for (int before = -1; before != _chosen.Count;)
        {
            before = _chosen.Count;
            foreach (ArchiveEntry entry in _listing.Entries.Where(entry => !_chosen.Contains(entry.DumpId) && Belongs(entry)))
                _chosen.Add(entry.DumpId);
        }

        DropForeignKeys();
        List<ArchiveEntry> entries = [.. _listing.Entries.Where(entry => _chosen.Contains(entry.DumpId))];
        HashSet<ArchiveEntry> needs = [.. entries.SelectMany(Needs)];
        return new ArchiveSelection
        {
            Entries = entries,
            Tables = [.. entries.Where(IsTable)],
            Needs = [.. _listing.Entries.Where(needs.Contains)],
            LeftOutForeignKeys = _leftOut,
        };
    }

    private static bool IsTable(ArchiveEntry entry) => entry.Kind is "TABLE" or "FOREIGN TABLE";

    private static string Show(ArchiveEntry table) => $"{QuotedName.Show(table.Schema)}.{QuotedName.Show(table.Name)}";

    // A publication is of the whole database; what ties it to a table stands in the table's schema.
    private static bool IsOfSchema(ArchiveEntry entry) =>
        !entry.Kind.StartsWith("PUBLICATION", StringComparison.Ordinal) && entry.Kind is not ("TABLE ATTACH" or "INDEX ATTACH" or "FK CONSTRAINT");

    private static BackupFailure NothingFits(string kind, string text, IEnumerable<string> names)
    {
        IReadOnlyList<string> near = NearNames.Of(text, names);
        return new BackupFailure(
            ErrorCodes.SourceNotFound,
            FailureCategory.NotFound,
            $"The dump holds no {kind} '{text}'.{(near.Count > 0 ? $" It holds {string.Join(", ", near)}." : string.Empty)}",
            "Use one of the names that it holds; * and ? stand for any signs, and names with capitals or blanks go in double quotes.")
        { Target = text };
    }

    private IEnumerable<ArchiveEntry> Dependencies(ArchiveEntry entry) =>
        entry.DependsOn.Distinct().Select(id => _byId.GetValueOrDefault(id)).OfType<ArchiveEntry>();

    private bool DependsOnChosen(ArchiveEntry entry, Func<ArchiveEntry, bool> where) =>
        Dependencies(entry).Any(dependency => _chosen.Contains(dependency.DumpId) && where(dependency));

    private void TakePartitions()
    {
        List<(ArchiveEntry? Partition, ArchiveEntry? Parent)> pairs = [.. _listing.Entries.Where(entry => entry.Kind == "TABLE ATTACH").Select(Partition)];
        // A partition may be partitioned itself.
        for (int before = -1; before != _chosen.Count;)
        {
            before = _chosen.Count;
            foreach ((ArchiveEntry? partition, ArchiveEntry? parent) in pairs)
            {
                if (partition is null || parent is null)
                    continue;
                _parents.TryAdd(partition, parent);
                if (_chosen.Contains(parent.DumpId))
                    _chosen.Add(partition.DumpId);
            }
        }
    }

    // The entry has the partition's name.
    private (ArchiveEntry? Partition, ArchiveEntry? Parent) Partition(ArchiveEntry attach)
    {
        List<ArchiveEntry> tables = [.. Dependencies(attach).Where(IsTable)];
        ArchiveEntry? partition = tables.Find(table => table.Schema == attach.Schema && table.Name == attach.Name);
        return (partition, tables.Find(table => table != partition));
    }

    private bool Belongs(ArchiveEntry entry) => entry.Kind switch
    {
        "TABLE DATA" or "ROW SECURITY" => DependsOnChosen(entry, table => IsTable(table) && table.Name == entry.Name && table.Schema == entry.Schema),
        "CONSTRAINT" or "CHECK CONSTRAINT" or "FK CONSTRAINT" or "TRIGGER" or "RULE" or "POLICY" or "DEFAULT" => TableNamedBy(entry) is { } table && _chosen.Contains(table.DumpId),
        "SEQUENCE" or "INDEX" or "STATISTICS" => DependsOnChosen(entry, IsTable),
        "SEQUENCE OWNED BY" or "SEQUENCE SET" => DependsOnChosen(entry, sequence => sequence.Kind == "SEQUENCE"),
        "TABLE ATTACH" => Partition(entry) is ({ } partition, { } parent) && _chosen.Contains(partition.DumpId) && _chosen.Contains(parent.DumpId),
        "INDEX ATTACH" => BelongsIndexAttach(entry),
        "COMMENT" or "ACL" or "SECURITY LABEL" or "STATISTICS DATA" => DependsOnChosen(entry, _ => true),
        _ => false,
    };

    // It depends on the indexes of all levels above; the one that it attaches to is what the partition's own index depends on.
    private bool BelongsIndexAttach(ArchiveEntry attach)
    {
        ArchiveEntry? index = Dependencies(attach).FirstOrDefault(entry => entry.Schema == attach.Schema
            && (entry.Kind == "INDEX" ? entry.Name == attach.Name : entry.Kind == "CONSTRAINT" && entry.Name.EndsWith(" " + attach.Name, StringComparison.Ordinal)));
        return index is not null && _chosen.Contains(index.DumpId) && DependsOnChosen(index, parent => parent.Kind is "INDEX" or "CONSTRAINT");
    }

    // A rule, trigger or policy may look into other tables; the one it belongs to begins its name. "a b" is nearer than "a".
    private ArchiveEntry? TableNamedBy(ArchiveEntry entry) => Dependencies(entry)
        .Where(table => IsTable(table) && table.Schema == entry.Schema && entry.Name.StartsWith(table.Name + " ", StringComparison.Ordinal))
        .MaxBy(table => table.Name.Length);

    private void DropForeignKeys()
    {
        if (_keepForeignKeys)
            return;
        foreach (ArchiveEntry key in _listing.Entries.Where(entry => entry.Kind == "FK CONSTRAINT" && _chosen.Contains(entry.DumpId)))
        {
            if (Dependencies(key).Where(IsTable).All(table => _chosen.Contains(table.DumpId)))
                continue;
            _leftOut.Add(key);
            _chosen.Remove(key.DumpId);
            foreach (ArchiveEntry comment in _listing.Entries.Where(entry => entry.Kind == "COMMENT" && entry.DependsOn.Contains(key.DumpId)))
                _chosen.Remove(comment.DumpId);
        }
    }

    private IEnumerable<ArchiveEntry> Needs(ArchiveEntry entry)
    {
        // A partition that is restored for itself needs neither its parent nor the parent's indexes: those stand there for the order only.
        ArchiveEntry? parent = _parents.GetValueOrDefault(entry);
        return Dependencies(entry).Where(need => !_chosen.Contains(need.DumpId) && need != parent && need.Kind is not ("CONSTRAINT" or "INDEX"));
    }
}
