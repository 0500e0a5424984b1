using System.Globalization;
using DbBackup.Engine.Engines;

namespace DbBackup.Engine.Comparisons;

/// <summary>Finds in what two databases of one engine differ.</summary>
/// <param name="list">Takes what differs.</param>
/// <param name="before">The backup's.</param>
/// <param name="after">The other's.</param>
/// <param name="tables">Tells which tables count; null for all, with everything else.</param>
internal sealed class DatabaseChanges(DifferenceList list, ComparedDatabase before, ComparedDatabase after, Func<string, bool>? tables)
{
    private readonly string _name = before.Name;

    // Of a part, what is missing may be there.
    private bool IsPartial => before.IsPartial || after.IsPartial;

    /// <summary>Compares them.</summary>
    /// <returns>True if a table was looked at.</returns>
    public async Task<bool> FindAsync(CancellationToken cancellationToken)
    {
        CaptureFacts? own = await before.TakeFacts(null, tables, cancellationToken).ConfigureAwait(false);
        CaptureFacts? other = own?.Fingerprint is null ? null : await after.TakeFacts(own.Fingerprint, tables, cancellationToken).ConfigureAwait(false);
        if (tables is null && own is not null && other is not null)
            AddRevision(own.SchemaRevision, other.SchemaRevision);
        if (own?.Fingerprint is not { } expected || other?.Fingerprint is not { } actual)
        {
            list.Skip($"The rows and the schema of '{_name}' were not compared: {(own?.Fingerprint is null ? "the backup" : "the other backup")} has no fingerprint of it.");
            return true;
        }

        if (tables is null && !IsPartial)
            await AddSchemaAsync(expected, actual, cancellationToken).ConfigureAwait(false);
        else if (tables is null)
            list.Skip($"Of '{_name}' only the tables that both have were compared, not the schema: {(before.IsPartial ? "the backup" : "the other backup")} is partial.");
        bool any = AddTables(expected, actual);
        if (tables is not null || IsPartial)
            return any;
        AddSequences(expected, actual);
        AddSettings(expected, actual);
        return true;
    }

    private void AddRevision(string? own, string? other)
    {
        if (own is not null || other is not null)
            list.Add(DifferenceKind.Revision, "alembic_version", _name, own, other, own == other);
    }

    private async Task AddSchemaAsync(Fingerprint expected, Fingerprint actual, CancellationToken cancellationToken)
    {
        bool isKnown = expected.SchemaSha256.Length > 0 && actual.SchemaSha256.Length > 0;
        bool isSame = isKnown && expected.SchemaSha256 == actual.SchemaSha256;
        // The hash tells all of a schema that is one text. A server's leaves out what the server itself writes: the text of views, say.
        if (isSame && expected.Objects.Count == 0)
            return;
        SchemaDefinitions? own = await before.ReadDefinitions(cancellationToken).ConfigureAwait(false);
        SchemaDefinitions? other = own is null ? null : await after.ReadDefinitions(cancellationToken).ConfigureAwait(false);
        if (own is not null && other is not null && own.Writer == other.Writer)
        {
            SchemaChanges.Add(list, DifferenceKind.Schema, _name, own, other);
            return;
        }

        if (!isKnown)
            list.Skip($"The schema of '{_name}' was not compared: {(expected.SchemaSha256.Length == 0 ? "the backup" : "the other backup")} does not tell it.");
        else if (!isSame)
            AddCounts(expected, actual);
    }

    // As much as the fingerprints alone tell.
    private void AddCounts(Fingerprint expected, Fingerprint actual)
    {
        int found = 0;
        foreach (string kind in expected.Objects.Keys.Intersect(actual.Objects.Keys, StringComparer.Ordinal))
        {
            if (expected.Objects[kind] == actual.Objects[kind])
                continue;
            found++;
            list.Add(DifferenceKind.Schema, kind, _name, expected.Objects[kind], actual.Objects[kind], isSame: false);
        }

        if (found == 0)
            list.Add(DifferenceKind.Schema, "definitions", _name, expected.SchemaSha256[..8], actual.SchemaSha256[..8], isSame: false);
    }

    private bool AddTables(Fingerprint expected, Fingerprint actual)
    {
        Dictionary<string, TableFingerprint> own = ByName(expected);
        Dictionary<string, TableFingerprint> other = ByName(actual);
        bool any = false;
        foreach (string name in own.Keys.Union(other.Keys, StringComparer.Ordinal).Where(name => tables?.Invoke(name) != false).Order(StringComparer.Ordinal))
        {
            any = true;
            bool had = own.TryGetValue(name, out TableFingerprint? old);
            bool has = other.TryGetValue(name, out TableFingerprint? present);
            if (had && has)
                list.Add(DifferenceKind.Table, name, _name, old!.Rows, present!.Rows, old.Rows != present.Rows ? false : SameContent(old, present));
            else if (!IsPartial)
                list.Add(DifferenceKind.Table, name, _name, had ? old!.Rows : null, has ? present!.Rows : null, isSame: false);
        }

        return any;
    }

    private static Dictionary<string, TableFingerprint> ByName(Fingerprint fingerprint)
    {
        var tables = new Dictionary<string, TableFingerprint>(StringComparer.Ordinal);
        foreach (TableFingerprint table in fingerprint.Tables)
            tables[table.Name] = table;
        return tables;
    }

    // Hashes of two kinds, or of columns in another order, say nothing of each other.
    private static bool? SameContent(TableFingerprint own, TableFingerprint other)
    {
        if (own.ContentSha256 is { } left && other.ContentSha256 is { } right)
            return left == right;
        if (own.ContentHash is not { } hash || other.ContentHash is not { } found || KindOf(hash) != KindOf(found))
            return own.Rows == 0 ? true : null;
        return (own.Columns ?? []).SequenceEqual(other.Columns ?? [], StringComparer.Ordinal) ? hash == found : hash == found ? true : null;
    }

    private static string KindOf(string hash) => hash[..(hash.IndexOf(':', StringComparison.Ordinal) + 1)];

    private void AddSequences(Fingerprint expected, Fingerprint actual)
    {
        Dictionary<string, SequenceFingerprint> own = expected.Sequences.ToDictionary(sequence => sequence.Name, StringComparer.Ordinal);
        Dictionary<string, SequenceFingerprint> other = actual.Sequences.ToDictionary(sequence => sequence.Name, StringComparer.Ordinal);
        foreach (string name in own.Keys.Union(other.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            SequenceFingerprint? old = own.GetValueOrDefault(name);
            SequenceFingerprint? present = other.GetValueOrDefault(name);
            // An imported dump tells none; that one came or went is said by the schema.
            if (old is not null && present is not null)
                list.Add(DifferenceKind.Sequence, name, _name, Shown(old), Shown(present), Overlap(old, present));
        }
    }

    private static bool Overlap(SequenceFingerprint own, SequenceFingerprint other) =>
        own.Allows(other.Value) || own.Allows(other.ValueAfter ?? other.Value) || other.Allows(own.Value);

    private static object Shown(SequenceFingerprint sequence) => sequence.ValueAfter is null ? sequence.Value : sequence.ToString();

    private void AddSettings(Fingerprint expected, Fingerprint actual)
    {
        foreach (string name in expected.Settings.Keys.Intersect(actual.Settings.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal))
            list.Add(DifferenceKind.Setting, name, _name, expected.Settings[name], actual.Settings[name], expected.Settings[name] == actual.Settings[name]);
    }

    /// <summary>The words for all that a fingerprint counts.</summary>
    public static string? Summary(Fingerprint? fingerprint) =>
        fingerprint is null ? null : string.Create(CultureInfo.InvariantCulture, $"{fingerprint.Tables.Count} tables, {fingerprint.TotalRows} rows");
}
