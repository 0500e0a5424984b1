namespace DbBackup.Engine.Engines.PostgreSql.Connect;

/// <summary>Finds the names that somebody may have meant.</summary>
internal static class NearNames
{
    private const int Most = 5;

    /// <summary>The names nearest to a text, the nearest first; where none is near, the first few of all.</summary>
    public static IReadOnlyList<string> Of(string text, IEnumerable<string> names)
    {
        List<string> all = [.. names];
        string wanted = Plain(text);
        string[] near = [.. all.Select(name => (name, Distance: Math.Min(Distance(Plain(name), wanted), Distance(Plain(LastPart(name)), wanted))))
            .Where(pair => pair.Distance <= Math.Max(2, wanted.Length / 3)
                || (wanted.Length > 2 && Plain(pair.name).Contains(wanted, StringComparison.Ordinal)))
            .OrderBy(pair => pair.Distance).Select(pair => pair.name).Take(Most)];
        return near.Length > 0 ? near : [.. all.Take(Most)];
    }

    private static string Plain(string name) => name.Replace("\"", string.Empty, StringComparison.Ordinal).Replace("*", string.Empty, StringComparison.Ordinal).ToLowerInvariant();

    private static string LastPart(string name) => name[(name.IndexOf('.', StringComparison.Ordinal) + 1)..];

    // Levenshtein's distance, row by row.
    private static int Distance(string one, string other)
    {
        int[] row = [.. Enumerable.Range(0, other.Length + 1)];
        for (int i = 1; i <= one.Length; i++)
        {
            int corner = row[0];
            row[0] = i;
            for (int j = 1; j <= other.Length; j++)
            {
                int above = row[j];
                row[j] = Math.Min(Math.Min(above, row[j - 1]) + 1, corner + (one[i - 1] == other[j - 1] ? 0 : 1));
                corner = above;
            }
        }

        return row[^1];
    }
}
