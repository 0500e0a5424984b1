using DbBackup.Engine.Engines;

namespace DbBackup.Engine.Comparisons;

/// <summary>Finds which objects of two schemas, or roles of two servers, differ.</summary>
internal static class SchemaChanges
{
    // Longer ones say nothing to a person in a list.
    private const int LongestText = 2000;

    /// <summary>Compares two schemas. Where their texts are of two writers, only their names are compared.</summary>
    /// <param name="list">Takes what differs.</param>
    /// <param name="kind">What the objects are.</param>
    /// <param name="database">The database.</param>
    /// <param name="before">The backup's.</param>
    /// <param name="after">The other's.</param>
    public static void Add(DifferenceList list, DifferenceKind kind, string? database, SchemaDefinitions before, SchemaDefinitions after)
    {
        foreach (string name in before.Objects.Keys.Union(after.Objects.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            if (!after.Objects.TryGetValue(name, out IReadOnlyList<string>? present))
                list.Add(kind, name, database, Shown(before.Objects[name], []), null, isSame: false);
            else if (!before.Objects.TryGetValue(name, out IReadOnlyList<string>? old))
                list.Add(kind, name, database, null, Shown(present, []), isSame: false);
            else if (before.Writer == after.Writer && old.SequenceEqual(present, StringComparer.Ordinal))
                list.Add(kind, name, database, null, null, isSame: true);
            else if (before.Writer == after.Writer)
                list.Add(kind, name, database, Shown(old, present), Shown(present, old), isSame: false);
        }
    }

    // Of what both have, the lines that differ: of a table the columns.
    private static string Shown(IReadOnlyList<string> own, IReadOnlyList<string> other)
    {
        HashSet<string> both = [.. LinesOf(other)];
        string[] lines = [.. LinesOf(own).Where(line => !both.Contains(line))];
        string text = SecretText.Masked(string.Join("\n", lines));
        return text.Length <= LongestText ? text : text[..LongestText] + "…";
    }

    private static IEnumerable<string> LinesOf(IReadOnlyList<string> texts) =>
        texts.SelectMany(text => text.Split('\n')).Select(line => line.Trim().TrimEnd(',')).Where(line => line.Length > 0 && line is not ("access method" or "tablespace" or "owner"));
}
