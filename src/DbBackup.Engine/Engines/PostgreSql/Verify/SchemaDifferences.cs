using System.Globalization;
using System.Text.RegularExpressions;
using DbBackup.Engine.Engines.PostgreSql.Load;
using DbBackup.Engine.Engines.PostgreSql.Rows;

namespace DbBackup.Engine.Engines.PostgreSql.Verify;

/// <summary>Compares two schemas as pg_dump writes them, object by object; their order does not matter.</summary>
/// <param name="options">What was left out when the copy was loaded.</param>
internal sealed partial class SchemaDifferences(DatabaseLoadOptions options)
{
    // Rows and values are compared elsewhere; the rest is no object, or is of the database as a whole and goes with its name.
    private static readonly HashSet<string> s_leftOut = new(StringComparer.Ordinal)
    {
        "ENCODING", "STDSTRINGS", "SEARCHPATH", "DATABASE", "DATABASE PROPERTIES", "SEQUENCE SET", "BLOB", "BLOBS", "BLOB METADATA", "BLOB COMMENTS", "LARGE OBJECT",
        "STATISTICS DATA", "MATERIALIZED VIEW DATA", "TABLE DATA",
    };

    /// <summary>The objects that two schemas do not have alike.</summary>
    /// <param name="expected">The source's.</param>
    /// <param name="actual">The copy's.</param>
    public IReadOnlyList<SchemaDifference> Between(SchemaText expected, SchemaText actual)
    {
        Dictionary<string, string[]> wanted = ByObject(expected);
        Dictionary<string, string[]> found = ByObject(actual);
        return
        [
            .. wanted.Keys.Union(found.Keys).Order(StringComparer.Ordinal)
                .Select(name => new SchemaDifference(name, wanted.GetValueOrDefault(name, []), found.GetValueOrDefault(name, [])))
                .Where(difference => !difference.Expected.SequenceEqual(difference.Actual)),
        ];
    }

    /// <summary>How many objects of a schema are compared.</summary>
    public int Count(SchemaText schema) => schema.Definitions.Count(Counts);

    /// <summary>True if objects of these names are written alike in both.</summary>
    public bool AreAlike(SchemaDifference difference, SchemaText other) =>
        ByObject(other).GetValueOrDefault(difference.Name, []).SequenceEqual(difference.Actual);

    /// <summary>The texts of a schema's objects, by their names. Several objects may share a name: operators, default privileges of several roles.</summary>
    public Dictionary<string, string[]> ByObject(SchemaText schema) => schema.Definitions.Where(Counts)
        .GroupBy(Name, StringComparer.Ordinal)
        .ToDictionary(group => group.Key, group => group.Select(TextOf).Order(StringComparer.Ordinal).ToArray(), StringComparer.Ordinal);

    private static string Name(ArchivedDefinition definition) =>
        definition.Schema.Length == 0 ? $"{definition.Kind} {definition.Name}" : $"{definition.Kind} {definition.Schema}.{definition.Name}";

    private string TextOf(ArchivedDefinition definition) => options.WithoutOwners
        ? $"{WithoutMarks(definition.Sql)}\naccess method {definition.AccessMethod}"
        : $"{WithoutMarks(definition.Sql)}\naccess method {definition.AccessMethod}\ntablespace {definition.Tablespace}\nowner {definition.Owner}";

    // PostgreSQL 17.12 marks the columns of each table with a number that is another one after each restore; newer clients write it.
    private static string WithoutMarks(string sql) =>
        sql.Contains("pg_attver=", StringComparison.Ordinal) ? NoOptions().Replace(Mark().Replace(sql, string.Empty), string.Empty) : sql;

    [GeneratedRegex(@"pg_attver='?\d+'?, |(, )?pg_attver='?\d+'?", RegexOptions.CultureInvariant)]
    private static partial Regex Mark();

    [GeneratedRegex(@"^ALTER [^\n]* SET \(\);\n", RegexOptions.CultureInvariant | RegexOptions.Multiline)]
    private static partial Regex NoOptions();

    private bool Counts(ArchivedDefinition definition) => definition.Kind switch
    {
        "ACL" or "DEFAULT ACL" when options.WithoutOwners => false,
        "PUBLICATION" or "PUBLICATION TABLE" or "PUBLICATION TABLES IN SCHEMA" when options.WithoutPublications => false,
        "SUBSCRIPTION" or "SUBSCRIPTION TABLE" when options.WithoutSubscriptions => false,
        // A load gives the schema public its owner by itself, and leaves the rest of it as a new database has it.
        "SCHEMA" when definition.Name == "public" => false,
        "COMMENT" or "SECURITY LABEL" or "ACL" when definition.Schema.Length == 0 && definition.Name.StartsWith("DATABASE ", StringComparison.Ordinal) => false,
        "COMMENT" or "SECURITY LABEL" or "ACL" when definition.Name.StartsWith("LARGE OBJECT", StringComparison.Ordinal) => false,
        "COMMENT" or "SECURITY LABEL" when IsOfLeftOut(definition.Name) => false,
        "COMMENT" when options.WithoutExtensionComments && definition.Name.StartsWith("EXTENSION ", StringComparison.Ordinal) => false,
        _ => !s_leftOut.Contains(definition.Kind) && !SingleDatabaseExtensions.IsOwn(definition.Kind, definition.Schema, definition.Name, options.WithoutExtensions),
    };

    private bool IsOfLeftOut(string name) =>
        (options.WithoutPublications && name.StartsWith("PUBLICATION ", StringComparison.Ordinal)) || (options.WithoutSubscriptions && name.StartsWith("SUBSCRIPTION ", StringComparison.Ordinal));
}

/// <summary>An object that two schemas do not have alike.</summary>
/// <param name="Name">Its kind and name.</param>
/// <param name="Expected">Its texts in the source; none if it is missing there.</param>
/// <param name="Actual">Its texts in the copy; none if it is missing there.</param>
internal sealed record SchemaDifference(string Name, IReadOnlyList<string> Expected, IReadOnlyList<string> Actual)
{
    /// <inheritdoc/>
    public override string ToString() =>
        Actual.Count == 0 ? $"{Name} is missing"
        : Expected.Count == 0 ? $"{Name} is not in the backup"
        : Expected.Count != Actual.Count ? string.Create(CultureInfo.InvariantCulture, $"{Name} is there {Actual.Count} times instead of {Expected.Count}")
        : $"{Name} is defined otherwise";
}
