namespace DbBackup.Engine.Engines.PostgreSql.Dump;

/// <summary>
/// Parts the schema, name and owner of an entry. pg_restore separates them by blanks and quotes nothing, so that names with blanks are
/// told by what else the listing says: the schemas that it creates, and the owner of the database.
/// </summary>
internal sealed class ArchiveNames
{
    private readonly List<string> _schemas = [];
    private readonly List<string> _owners = [];

    /// <summary>Learns the names that are known for certain.</summary>
    /// <param name="database">The database's name.</param>
    /// <param name="lines">The lines of all entries, from the kind on.</param>
    public ArchiveNames(string? database, IEnumerable<string> lines)
    {
        List<string> all = [.. lines];
        string ofDatabase = $"DATABASE - {database} ";
        foreach (string line in all)
        {
            if (database is not null && line.StartsWith(ofDatabase, StringComparison.Ordinal) && line.Length > ofDatabase.Length)
                _owners.Add(line[ofDatabase.Length..]);
        }

        // Only names with a blank need to be known.
        _owners.RemoveAll(owner => !owner.Contains(' ', StringComparison.Ordinal));
        foreach (string line in all)
        {
            if (line.StartsWith("SCHEMA - ", StringComparison.Ordinal) && PartOwner(line["SCHEMA - ".Length..]).Name is var schema && schema.Contains(' ', StringComparison.Ordinal))
                _schemas.Add(schema);
        }

        _schemas.Sort((one, other) => other.Length.CompareTo(one.Length));
    }

    /// <summary>Parts a line from the kind on.</summary>
    public (string Kind, string Schema, string Name, string Owner) Split(string line)
    {
        string kind = ArchiveKinds.Of(line);
        string rest = line.Length > kind.Length ? line[(kind.Length + 1)..] : string.Empty;
        string schema = _schemas.Find(known => rest.StartsWith(known + " ", StringComparison.Ordinal)) ?? rest.Split(' ', 2)[0];
        rest = rest.Length > schema.Length ? rest[(schema.Length + 1)..] : string.Empty;
        (string name, string owner) = PartOwner(rest);
        return (kind, schema == "-" ? string.Empty : schema, name, owner);
    }

    private (string Name, string Owner) PartOwner(string text)
    {
        if (_owners.Find(owner => text.EndsWith(" " + owner, StringComparison.Ordinal)) is { } known)
            return (text[..^(known.Length + 1)], known);
        // What has no owner ends in a blank.
        int end = text.LastIndexOf(' ');
        return end < 0 ? (text, string.Empty) : (text[..end], text[(end + 1)..]);
    }
}
