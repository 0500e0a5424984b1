namespace DbBackup;

/// <summary>Facts of a database in the dump's own snapshot, compared with what a restore gives back.</summary>
public sealed record Fingerprint
{
    /// <summary>How deep it goes.</summary>
    public required FingerprintLevel Level { get; init; }

    /// <summary>
    /// SHA-256 over the definitions of all tables, indexes, views and triggers, in lower-case hexadecimal; empty where it is not known,
    /// as of an imported dump, of which no server has told anything. It is compared where both are known.
    /// </summary>
    public required string SchemaSha256 { get; init; }

    /// <summary>The tables, ordered by name.</summary>
    public required IReadOnlyList<TableFingerprint> Tables { get; init => field = Indexable.Of(value); }

    /// <summary>Settings that applications rely on, by name: for SQLite the pragmas <c>user_version</c>, <c>application_id</c>,
    /// <c>journal_mode</c>, <c>auto_vacuum</c>, <c>encoding</c> and <c>page_size</c>.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init => field = value ?? new Dictionary<string, string>(); } = new Dictionary<string, string>();

    /// <summary>How many objects of each kind there are, as in <c>foreign keys</c>: 11. Empty for SQLite, whose schema is one text.</summary>
    public IReadOnlyDictionary<string, long> Objects { get; init => field = value ?? new Dictionary<string, long>(); } = new Dictionary<string, long>();

    /// <summary>The values of sequences, ordered by name.</summary>
    public IReadOnlyList<SequenceFingerprint> Sequences { get; init => field = Indexable.Of(value); } = [];

    /// <summary>The number of rows in all tables; the largest number if they are more.</summary>
    public long TotalRows => (long)Tables.Aggregate((Int128)0, (sum, table) => Int128.Min(sum + table.Rows, long.MaxValue));

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
            else if (Differ(table.ContentSha256, expected.ContentSha256) || Differ(table.ContentHash, expected.ContentHash))
                differences.Add($"table {expected.Name} has the right number of rows but another content");
        }

        differences.AddRange(found.Keys.Order(StringComparer.Ordinal).Select(name => $"table {name} is not in the backup"));
        foreach ((string kind, long count) in Objects)
        {
            if (actual.Objects.TryGetValue(kind, out long other) && other != count)
                differences.Add($"{kind}: {other} instead of {count}");
        }

        if (actual.SchemaSha256 != SchemaSha256 && actual.SchemaSha256.Length > 0 && SchemaSha256.Length > 0)
            differences.Add("the schema (tables, indexes, views, triggers) differs");
        Dictionary<string, SequenceFingerprint> sequences = actual.Sequences.ToDictionary(sequence => sequence.Name, StringComparer.Ordinal);
        foreach (SequenceFingerprint expected in Sequences)
        {
            if (!sequences.TryGetValue(expected.Name, out SequenceFingerprint? sequence))
                differences.Add($"sequence {expected.Name} is missing");
            else if (!expected.Allows(sequence.Value))
                differences.Add($"sequence {expected.Name} is at {sequence.Value} instead of {expected}");
        }

        foreach ((string name, string value) in Settings)
        {
            if (actual.Settings.TryGetValue(name, out string? other) && other != value)
                differences.Add($"{name} is {other} instead of {value}");
        }

        return differences;
    }

    private static bool Differ(string? found, string? expected) => found is not null && expected is not null && found != expected;
}

/// <summary>Facts of one table.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Rows">How many rows it has.</param>
/// <param name="ContentSha256">A hash of all rows, independent of their order on disk; null where it was not asked for.</param>
public sealed record TableFingerprint(string Name, long Rows, string? ContentSha256 = null)
{
    /// <summary>
    /// A hash of all rows as text, independent of their order, whose kind stands before it; null where it was not asked for. For PostgreSQL
    /// <c>xxh128:</c> or <c>xxh128-utc:</c> and the sum of the XXH128 of each row of the COPY text, modulo 2^128, in hexadecimal.
    /// </summary>
    public string? ContentHash { get; init; }

    /// <summary>The columns in the order in which the hash has them, where a restored table may have them in another one; null otherwise.</summary>
    public IReadOnlyList<string>? Columns { get; init => field = value is null ? null : Indexable.Of(value); }

    /// <inheritdoc/>
    public override string ToString() => $"{Name} ({Rows} rows)";
}

/// <summary>
/// The value of a sequence. Sequences are no part of a snapshot: the dump reads them while others draw from them, so what a restore
/// gives back lies between the value before the dump and the one after it.
/// </summary>
/// <param name="Name">Its name.</param>
/// <param name="Value">The value that it gives next, read before the dump.</param>
/// <param name="ValueAfter">The same, read after the dump; null where nobody drew from it meanwhile.</param>
public sealed record SequenceFingerprint(string Name, long Value, long? ValueAfter = null)
{
    /// <summary>True if a restored value is one that the dump may have seen.</summary>
    public bool Allows(long value) => value >= Math.Min(Value, ValueAfter ?? Value) && value <= Math.Max(Value, ValueAfter ?? Value);

    /// <inheritdoc/>
    public override string ToString() => ValueAfter is null ? $"{Value}" : $"{Value} to {ValueAfter}";
}

/// <summary>How deep a fingerprint goes.</summary>
public enum FingerprintLevel
{
    /// <summary>Rows per table, schema and settings.</summary>
    Rows,

    /// <summary>Also a hash of each table's content.</summary>
    Content,

    /// <summary>No fingerprint: nothing is counted, and a restore test can only tell that a restore runs through.</summary>
    None,
}
