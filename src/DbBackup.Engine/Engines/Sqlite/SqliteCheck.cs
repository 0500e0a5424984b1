using System.Globalization;
using System.Text.RegularExpressions;

namespace DbBackup.Engine.Engines.Sqlite;

/// <summary>SQLite's own check of a file (sqlite.org/pragma.html#pragma_integrity_check), and what its findings mean for a backup.</summary>
/// <remarks>
/// The check names in one list what loses rows (a broken page), what loses none (an index that differs from its table) and what is no damage
/// at all: a NULL in a column that was made NOT NULL later, a text in an INTEGER column, a page that nothing uses.
/// </remarks>
internal static partial class SqliteCheck
{
    private const int FindingsShown = 5;

    // The structure comes first, so that many harmless findings after it hide no damage.
    private const int MostFindings = 10_000;

    // In KiB. A thorough check looks every index entry up in its table, in no order of pages: measured on 500 MB, 64 MiB of cache take
    // a third off its time, and more gains nothing. The quick check reads in order and needs none.
    private const int ThoroughCacheSize = 64 * 1024;

    /// <summary>Checks a file that nobody writes.</summary>
    /// <param name="path">The file.</param>
    /// <param name="shownAs">What it is called in failures.</param>
    /// <param name="thorough">Also compares indexes with their tables (<c>integrity_check</c> instead of <c>quick_check</c>).</param>
    /// <param name="cancellationToken">Interrupts the check.</param>
    /// <exception cref="BackupException">The file cannot be opened as a database at all.</exception>
    public static SqliteFindings Run(string path, string shownAs, bool thorough, CancellationToken cancellationToken)
    {
        using SqliteDatabase database = SqliteDatabase.OpenImmutable(path, cancellationToken, shownAs);
        return Run(database, thorough);
    }

    /// <summary>Checks an open database that is only read, and returns the first findings by which rows may be lost; null without any.</summary>
    public static string? FindDamage(SqliteDatabase database, bool thorough) => Run(database, thorough).Damage;

    private static SqliteFindings Run(SqliteDatabase database, bool thorough)
    {
        SqliteStandIns standIns = database.UseStandIns();
        if (thorough)
            database.Execute($"PRAGMA cache_size=-{ThoroughCacheSize}");
        string pragma = string.Create(CultureInfo.InvariantCulture, $"PRAGMA {(thorough ? "integrity_check" : "quick_check")}({MostFindings})");
        var findings = new List<string>();
        BackupException? ended = null;
        try
        {
            database.Rows(pragma, row =>
            {
                findings.AddRange(row.GetString(0).Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => !line.StartsWith("*** in database", StringComparison.Ordinal)));
                return true;
            });
        }
        catch (BackupException failure) when (failure.Code == ErrorCodes.SourceCorrupt && findings.Count > 0)
        {
            // It looks rows up in an index that it has just found broken.
            ended = failure;
        }

        if (findings is ["ok"])
            return new SqliteFindings(null, null, NotChecked(standIns));
        var schema = new Schema(database, standIns);
        ILookup<Meaning, string> sorted = findings.ToLookup(schema.MeaningOf);
        if (ended is not null && !sorted[Meaning.Damage].Any() && !sorted[Meaning.IndexDamage].Any())
            throw ended;
        return new SqliteFindings(
            Joined(sorted[Meaning.Damage]), Joined(sorted[Meaning.IndexDamage]), [.. sorted[Meaning.Note].Take(FindingsShown), .. More(sorted[Meaning.Note].Count()), .. NotChecked(standIns)]);
    }

    private static string? Joined(IEnumerable<string> findings) => findings.Any() ? string.Join("; ", findings.Take(FindingsShown)) : null;

    private static IEnumerable<string> More(int count) => count <= FindingsShown ? [] : [string.Create(CultureInfo.InvariantCulture, $"{count - FindingsShown} more findings of this kind")];

    private static IReadOnlyList<string> NotChecked(SqliteStandIns standIns) =>
        standIns.Names.Count == 0 ? [] : [$"only its application defines {string.Join(", ", standIns.Names)}: indexes and computed values that use it could not be checked"];

    private enum Meaning
    {
        Damage,
        IndexDamage,
        Note,
        Nothing,
    }

    private sealed class Schema
    {
        private readonly Dictionary<string, (string Table, string? Sql)> _indexes = new(StringComparer.OrdinalIgnoreCase);
        private readonly Dictionary<string, string?> _tables = new(StringComparer.OrdinalIgnoreCase);
        private readonly HashSet<long> _indexRoots = [];
        private readonly SqliteStandIns _standIns;

        public Schema(SqliteDatabase database, SqliteStandIns standIns)
        {
            _standIns = standIns;
            foreach ((string type, string name, string table, long root, string? sql) in database.Rows(
                "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_master WHERE type IN ('table', 'index')",
                row => (row.GetString(0), row.GetString(1), row.GetString(2), row.IsDBNull(3) ? 0 : row.GetInt64(3), row.IsDBNull(4) ? null : row.GetString(4))))
            {
                if (type == "table")
                {
                    _tables[name] = sql;
                }
                else
                {
                    _indexes[name] = (table, sql);
                    _indexRoots.Add(root);
                }
            }
        }

        public Meaning MeaningOf(string finding)
        {
            if (NoDamage().IsMatch(finding))
                return ComputedByStandIn(finding) ? Meaning.Nothing : Meaning.Note;
            if (OfIndex().Match(finding) is { Success: true } ofIndex)
                return DependsOnStandIn(ofIndex.Groups[1].Value) ? Meaning.Nothing : Meaning.IndexDamage;
            if (OfSearchIndex().IsMatch(finding))
                return Meaning.IndexDamage;
            // Without a rowid the table itself is in the order of its key.
            if (OfKeyOrder().Match(finding) is { Success: true } ofKey && _standIns.AreUsedBy(_tables.GetValueOrDefault(ofKey.Groups[1].Value)))
                return Meaning.Nothing;
            // A page that two trees use may be a table's page too.
            if (OfTree().Match(finding) is { Success: true } tree && _indexRoots.Contains(long.Parse(tree.Groups[1].Value, CultureInfo.InvariantCulture)) && !finding.Contains("reference to page", StringComparison.Ordinal))
                return Meaning.IndexDamage;
            return Meaning.Damage;
        }

        // The columns' collations stand in the table's definition, not in the index's.
        private bool DependsOnStandIn(string index) =>
            _indexes.TryGetValue(index, out (string Table, string? Sql) of)
                ? _standIns.AreUsedBy(of.Sql) || _standIns.AreUsedBy(_tables.GetValueOrDefault(of.Table))
                : _standIns.AreUsedBy(_tables.GetValueOrDefault(index));

        private bool ComputedByStandIn(string finding) =>
            finding.LastIndexOf(" in ", StringComparison.Ordinal) is > 0 and var at && _standIns.AreUsedBy(_tables.GetValueOrDefault(finding[(at + 4)..].Split('.')[0]));
    }

    [GeneratedRegex(@"^(NULL value in |non-\S+ value in |NUMERIC value in |TEXT value in |CHECK constraint failed in |Page \d+: never used$|unable to validate the inverted index )")]
    private static partial Regex NoDamage();

    [GeneratedRegex(@"^(?:wrong # of entries in index |non-unique entry in index |index (?=.+ stores an imprecise )|(?:row|rowid) .*?(?:missing from|differ from|of) index )(.+?)(?: stores an imprecise .*)?$", RegexOptions.Singleline)]
    private static partial Regex OfIndex();

    [GeneratedRegex(@"^malformed inverted index for FTS")]
    private static partial Regex OfSearchIndex();

    [GeneratedRegex(@"^row not in PRIMARY KEY order for (.+)$", RegexOptions.Singleline)]
    private static partial Regex OfKeyOrder();

    [GeneratedRegex(@"^Tree (\d+) ")]
    private static partial Regex OfTree();
}
