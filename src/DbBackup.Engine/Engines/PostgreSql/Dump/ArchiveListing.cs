using System.Globalization;

namespace DbBackup.Engine.Engines.PostgreSql.Dump;

/// <summary>An entry of an archive's table of contents.</summary>
/// <param name="DumpId">Its number within the archive.</param>
/// <param name="CatalogId">The oid of the catalogue that the object stands in (1259 is pg_class); 0 for what is no object.</param>
/// <param name="ObjectId">The object's oid; of "TABLE DATA" the table's.</param>
/// <param name="Kind">What it is, such as "TABLE DATA" or "FK CONSTRAINT".</param>
/// <param name="Schema">The schema, without quotes; empty where there is none.</param>
/// <param name="Name">
/// The name, without quotes, line ends shown as blanks. Of a constraint, default, trigger, rule or policy it is the table's name, a blank, and its own.
/// </param>
/// <param name="Owner">The role that owns it; empty where there is none.</param>
/// <param name="DependsOn">The numbers of the entries that it needs; also numbers that are not in the archive. Empty without <c>pg_restore -v</c>.</param>
/// <param name="Line">The line, as a list file for <c>pg_restore -L</c> takes it.</param>
internal sealed record ArchiveEntry(
    int DumpId, long CatalogId, long ObjectId, string Kind, string Schema, string Name, string Owner, IReadOnlyList<int> DependsOn, string Line);

/// <summary>What <c>pg_restore -l -v</c> tells of an archive.</summary>
internal sealed record ArchiveListing
{
    /// <summary>The database that was dumped.</summary>
    public string? Database { get; init; }

    /// <summary>CUSTOM, DIRECTORY or TAR.</summary>
    public string? Format { get; init; }

    /// <summary>The version of the archive's format, such as "1.14-0".</summary>
    public string? DumpVersion { get; init; }

    /// <summary>The version of the server that was dumped, such as "15.18".</summary>
    public string? ServerVersion { get; init; }

    /// <summary>The version of the pg_dump that wrote it.</summary>
    public string? ClientVersion { get; init; }

    /// <summary>The entries in the archive's order, in which they must be restored.</summary>
    public required IReadOnlyList<ArchiveEntry> Entries { get; init; }

    /// <summary>True if the dependencies are there: they are with <c>-v</c>.</summary>
    public bool HasDependencies => Entries.Any(entry => entry.DependsOn.Count > 0);

    /// <summary>
    /// The foreign keys and triggers that rely on what was not dumped: pg_dump writes them for a chosen table too, and then their referenced
    /// key, or their function, is not among what they depend on. A dump of a whole database has no such keys.
    /// </summary>
    /// <param name="kind"><c>FK CONSTRAINT</c> or <c>TRIGGER</c>; a trigger may also call a function of an extension.</param>
    public IReadOnlySet<int> WithoutBasis(string kind)
    {
        string[] basis = kind == "TRIGGER" ? ["FUNCTION"] : ["CONSTRAINT", "INDEX"];
        HashSet<int> there = [.. Entries.Where(entry => basis.Contains(entry.Kind, StringComparer.Ordinal)).Select(entry => entry.DumpId)];
        return Entries.Where(entry => entry.Kind == kind && !entry.DependsOn.Any(there.Contains)).Select(entry => entry.DumpId).ToHashSet();
    }

    /// <summary>Reads the output of <c>pg_restore -l</c>, with or without <c>-v</c>.</summary>
    /// <exception cref="BackupFailure">A line is not as pg_restore writes it.</exception>
    public static ArchiveListing Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var facts = new Dictionary<string, string>();
        var lines = new List<ListedLine>();
        foreach (string raw in text.Split('\n'))
        {
            string line = raw.TrimEnd('\r');
            if (line.StartsWith(";\tdepends on:", StringComparison.Ordinal) && lines.Count > 0)
                lines[^1].DependsOn.AddRange(line[13..].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(id => Number<int>(id, line)));
            else if (line.StartsWith(';'))
                ReadFact(line, facts);
            else if (line.Length > 0)
                lines.Add(ReadLine(line));
        }

        string? database = facts.GetValueOrDefault("dbname");
        var names = new ArchiveNames(database, lines.Select(line => line.Text));
        return new ArchiveListing
        {
            Database = database,
            Format = facts.GetValueOrDefault("Format"),
            DumpVersion = facts.GetValueOrDefault("Dump Version"),
            ServerVersion = facts.GetValueOrDefault("Dumped from database version")?.Split(' ')[0],
            ClientVersion = facts.GetValueOrDefault("Dumped by pg_dump version")?.Split(' ')[0],
            Entries =
            [
                .. lines.Select(line =>
                {
                    (string kind, string schema, string name, string owner) = names.Split(line.Text);
                    return new ArchiveEntry(line.DumpId, line.CatalogId, line.ObjectId, kind, schema, name, owner, line.DependsOn, line.Line);
                }),
            ],
        };
    }

    // ";     dbname: shop"
    private static void ReadFact(string line, Dictionary<string, string> facts)
    {
        string[] parts = line.TrimStart(';').Trim().Split(": ", 2);
        if (parts.Length == 2)
            facts.TryAdd(parts[0], parts[1]);
    }

    // "3495; 0 16437 TABLE DATA public customers shop_owner"
    private static ListedLine ReadLine(string line)
    {
        string[] parts = line.Split(' ', 4);
        if (parts.Length < 4 || !parts[0].EndsWith(';'))
            throw Unreadable(line);
        return new ListedLine(line, parts[3], Number<int>(parts[0][..^1], line), Number<long>(parts[1], line), Number<long>(parts[2], line), []);
    }

    private static T Number<T>(string digits, string line)
        where T : struct, System.Numerics.IBinaryInteger<T> =>
        T.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out T value) ? value : throw Unreadable(line);

    /// <summary>A line that pg_restore does not write.</summary>
    internal static BackupFailure Unreadable(string line) => new(
        ErrorCodes.ReadFailed,
        FailureCategory.InvalidData,
        $"pg_restore's listing of the dump cannot be parsed: '{line}'.",
        "Compare with the output of: pg_restore -l -v DUMP.")
    { Target = line };

    // The text is what follows the numbers: kind, schema, name and owner.
    private readonly record struct ListedLine(string Line, string Text, int DumpId, long CatalogId, long ObjectId, List<int> DependsOn);
}
