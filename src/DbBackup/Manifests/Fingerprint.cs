namespace DbBackup;

/// <summary>Facts of a database in the dump's own snapshot, compared with what a restore gives back.</summary>
public sealed record Fingerprint
{
    /// <summary>How deep it goes.</summary>
    public required FingerprintLevel Level { get; init; }

    /// <summary>SHA-256 over the definitions of all tables, indexes, views and triggers, in lower-case hexadecimal.</summary>
    public required string SchemaSha256 { get; init; }

    /// <summary>The tables, ordered by name.</summary>
    public required IReadOnlyList<TableFingerprint> Tables { get; init; }

    /// <summary>Settings that applications rely on, by name: for SQLite the pragmas <c>user_version</c>, <c>application_id</c>,
    /// <c>journal_mode</c>, <c>auto_vacuum</c>, <c>encoding</c> and <c>page_size</c>.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>The number of rows in all tables.</summary>
    public long TotalRows => Tables.Sum(table => table.Rows);

    /// <inheritdoc/>
    public override string ToString() => $"{Level}: {Tables.Count} tables with {TotalRows} rows";

    /// <summary>
    /// Where another fingerprint differs from this one, a sentence each; empty when they are equal.
    /// Contents are compared where both have them.
    /// </summary>
    /// <param name="actual">What was found; this one is what is expected.</param>
    public IReadOnlyList<string> DifferencesFrom(Fingerprint actual)
    {
        ArgumentNullException.ThrowIfNull(actual);
        var differences = new List<string>();
        Dictionary<string, TableFingerprint> found = actual.Tables.ToDictionary(table => table.Name, StringComparer.Ordinal);
        foreach (TableFingerprint expected in Tables)
        {
            if (!found.Remove(expected.Name, out TableFingerprint? table))
                differences.Add($"table {expected.Name} is missing ({expected.Rows} rows expected)");
            else if (table.Rows != expected.Rows)
                differences.Add($"table {expected.Name} has {table.Rows} rows instead of {expected.Rows}");
            else if (table.ContentSha256 is not null && expected.ContentSha256 is not null && table.ContentSha256 != expected.ContentSha256)
                differences.Add($"table {expected.Name} has the right number of rows but another content");
        }

        differences.AddRange(found.Keys.Order(StringComparer.Ordinal).Select(name => $"table {name} is not in the backup"));
        if (actual.SchemaSha256 != SchemaSha256)
            differences.Add("the schema (tables, indexes, views, triggers) differs");
        foreach ((string name, string value) in Settings)
        {
            if (actual.Settings.TryGetValue(name, out string? other) && other != value)
                differences.Add($"{name} is {other} instead of {value}");
        }

        return differences;
    }
}

/// <summary>Facts of one table.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Rows">How many rows it has.</param>
/// <param name="ContentSha256">A hash of all rows, independent of their order on disk; null where it was not asked for.</param>
public sealed record TableFingerprint(string Name, long Rows, string? ContentSha256 = null)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Name} ({Rows} rows)";
}

/// <summary>How deep a fingerprint goes.</summary>
public enum FingerprintLevel
{
    /// <summary>Rows per table, schema and settings.</summary>
    Rows,

    /// <summary>Also a hash of each table's content.</summary>
    Content,
}
