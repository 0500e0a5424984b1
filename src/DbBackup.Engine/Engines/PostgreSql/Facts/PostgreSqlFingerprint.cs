using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Rows;

namespace DbBackup.Engine.Engines.PostgreSql.Facts;

/// <summary>
/// Takes the facts of a database at the moment of a snapshot. Nothing is asked that would run what others have put on the database: to
/// plan a mere <c>SELECT count(*)</c> evaluates the expressions of indexes, with the rights of who asks. The catalogue and COPY run nothing.
/// </summary>
internal static class PostgreSqlFingerprint
{
    // Sequences are asked in batches: 10,000 would be as many round trips. Each batch of tables is a transaction of its own that joins the
    // snapshot, so that no more locks are held at once than there are tables in it.
    internal const int TablesInBatch = 100;
    private const string Counting = "taking the fingerprint";

    /// <summary>Takes what the catalogue says of a database that others may write meanwhile; the rows of its tables are counted elsewhere.</summary>
    /// <param name="session">A session of its own in that database.</param>
    /// <param name="snapshot">The exported snapshot to see; null where nobody writes.</param>
    /// <param name="level">How deep.</param>
    /// <param name="tables">The tables that count.</param>
    /// <param name="partial">True if only these tables were dumped, without what belongs to the database as a whole.</param>
    /// <param name="cancellationToken">Cancels the running query.</param>
    /// <param name="leftOut">Extensions that were left out on purpose when the database was restored, and count as if they were there.</param>
    public static async Task<Fingerprint> OfCatalogAsync(
        PostgreSqlSession session, string? snapshot, FingerprintLevel level, IReadOnlyList<PostgreSqlTable> tables, bool partial, CancellationToken cancellationToken, IReadOnlyCollection<string>? leftOut = null)
    {
        leftOut ??= [];
        Dictionary<string, long> objects = [];
        string schema = string.Empty;
        Dictionary<string, string> settings = [];
        List<SequenceFingerprint> sequences = [];
        long[] chosen = [.. tables.Select(table => (long)table.ObjectId)];
        await InSnapshotAsync(
            session,
            snapshot,
            async () =>
            {
                objects = await ObjectsAsync(session, partial, chosen, cancellationToken).ConfigureAwait(false);
                if (!partial)
                    objects["extensions"] += leftOut.Count;
                schema = await HashSchemaAsync(session, partial, chosen, [.. leftOut], cancellationToken).ConfigureAwait(false);
                if (!partial)
                {
                    settings = await SettingsAsync(session, cancellationToken).ConfigureAwait(false);
                    await AddLargeObjectsAsync(session, level, objects, settings, cancellationToken).ConfigureAwait(false);
                    sequences = await SequencesAsync(session, cancellationToken).ConfigureAwait(false);
                }
            },
            cancellationToken).ConfigureAwait(false);
        return new Fingerprint { Level = level, SchemaSha256 = schema, Objects = objects, Sequences = sequences, Tables = [], Settings = settings };
    }

    /// <summary>Reads the rows of tables from the server as pg_dump reads them, where a dump of them cannot be read as it passes.</summary>
    /// <param name="session">A session of its own in that database.</param>
    /// <param name="snapshot">The exported snapshot to see; null where nobody writes.</param>
    /// <param name="level">How deep.</param>
    /// <param name="tables">The tables.</param>
    /// <param name="cancellationToken">Cancels the running statement.</param>
    public static async Task<IReadOnlyDictionary<uint, TableRows>> ReadRowsAsync(
        PostgreSqlSession session, string? snapshot, FingerprintLevel level, IReadOnlyList<PostgreSqlTable> tables, CancellationToken cancellationToken)
    {
        var rows = new Dictionary<uint, TableRows>(tables.Count);
        foreach (PostgreSqlTable[] batch in tables.Chunk(TablesInBatch))
        {
            await InSnapshotAsync(
                session,
                snapshot,
                async () =>
                {
                    var reader = await TableReader.OpenAsync(session, level == FingerprintLevel.Content, cancellationToken).ConfigureAwait(false);
                    foreach (PostgreSqlTable table in batch)
                        rows.Add(table.ObjectId, await reader.ReadAsync(table.Name, columns: null, inUtc: false, cancellationToken).ConfigureAwait(false));
                },
                cancellationToken).ConfigureAwait(false);
        }

        return rows;
    }

    /// <summary>The values of all sequences now; they are no part of any snapshot.</summary>
    public static async Task<List<SequenceFingerprint>> SequencesAsync(PostgreSqlSession session, CancellationToken cancellationToken)
    {
        List<(string Name, long Increment)> names = await session.RowsAsync(
            $"""
            SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), s.seqincrement
            FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE {PostgreSqlCatalog.UserSchema} AND {PostgreSqlCatalog.NotOfExtension("pg_class", "c.oid")} AND has_sequence_privilege(s.seqrelid, 'SELECT')
            ORDER BY n.nspname, c.relname
            """,
            row => (row.GetString(0), row.GetInt64(1)),
            Counting,
            cancellationToken).ConfigureAwait(false);
        var values = new List<SequenceFingerprint>(names.Count);
        foreach ((string Name, long Increment)[] batch in names.Chunk(TablesInBatch))
        {
            // A sequence at its last value would overflow: it stays there, as nextval would.
            values.AddRange(await session.RowsAsync(
                string.Join(" UNION ALL ", batch.Select((sequence, index) => string.Create(
                    CultureInfo.InvariantCulture,
                    $"SELECT {index}, last_value::numeric + CASE WHEN is_called THEN {sequence.Increment} ELSE 0 END FROM {sequence.Name}"))),
                row => new SequenceFingerprint(batch[row.GetInt32(0)].Name, (long)Math.Clamp(row.GetDecimal(1), long.MinValue, long.MaxValue)),
                Counting,
                cancellationToken).ConfigureAwait(false));
        }

        return values;
    }

    /// <summary>The sequences before and after a dump as one: where somebody drew from them meanwhile, both values count.</summary>
    public static IReadOnlyList<SequenceFingerprint> Span(IReadOnlyList<SequenceFingerprint> before, IReadOnlyList<SequenceFingerprint> after)
    {
        Dictionary<string, long> later = after.ToDictionary(sequence => sequence.Name, sequence => sequence.Value, StringComparer.Ordinal);
        return [.. before.Select(sequence => later.TryGetValue(sequence.Name, out long value) && value != sequence.Value ? sequence with { ValueAfter = value } : sequence)];
    }

    /// <summary>Does work in a transaction that sees a snapshot.</summary>
    internal static async Task InSnapshotAsync(PostgreSqlSession session, string? snapshot, Func<Task> work, CancellationToken cancellationToken)
    {
        await session.ExecuteAsync("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", Counting, cancellationToken).ConfigureAwait(false);
        if (snapshot is not null)
            await session.ExecuteAsync($"SET TRANSACTION SNAPSHOT {PostgreSqlSession.Literal(snapshot)}", Counting, cancellationToken).ConfigureAwait(false);
        await work().ConfigureAwait(false);
        await session.ExecuteAsync("COMMIT", Counting, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<Dictionary<string, long>> ObjectsAsync(PostgreSqlSession session, bool partial, long[] chosen, CancellationToken cancellationToken)
    {
        List<(string Kind, long Count)> rows = await session.RowsAsync(
            partial ? PostgreSqlFacts.ObjectsOfTables : PostgreSqlFacts.Objects,
            row => (row.GetString(0), row.GetInt64(1)),
            Counting,
            cancellationToken,
            partial ? [chosen] : []).ConfigureAwait(false);
        // A kind of which the last object is gone counts 0; without it, nothing would be compared.
        Dictionary<string, long> counts = (partial ? PostgreSqlFacts.KindsOfTables : PostgreSqlFacts.Kinds).ToDictionary(kind => kind, _ => 0L, StringComparer.Ordinal);
        foreach ((string kind, long count) in rows)
            counts[kind] = count;
        return counts;
    }

    private static async Task<string> HashSchemaAsync(PostgreSqlSession session, bool partial, long[] chosen, string[] leftOut, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await session.RowsAsync(
            partial ? PostgreSqlFacts.DefinitionsOfTables : leftOut.Length > 0 ? PostgreSqlFacts.DefinitionsWithLeftOut : PostgreSqlFacts.Definitions,
            row =>
            {
                hash.AppendData(Encoding.UTF8.GetBytes(row.GetString(0)));
                hash.AppendData([0]);
                return 0;
            },
            Counting,
            cancellationToken,
            partial ? [chosen] : leftOut.Length > 0 ? [leftOut] : []).ConfigureAwait(false);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static async Task<Dictionary<string, string>> SettingsAsync(PostgreSqlSession session, CancellationToken cancellationToken)
    {
        List<(string Encoding, string Collation)> found = await session.RowsAsync(
            "SELECT pg_encoding_to_char(encoding)::text, datcollate::text || ' ' || datctype::text FROM pg_database WHERE datname = current_database()",
            row => (row.GetString(0), row.GetString(1)),
            Counting,
            cancellationToken).ConfigureAwait(false);
        return new Dictionary<string, string> { ["encoding"] = found[0].Encoding, ["collation"] = found[0].Collation };
    }

    // A value of the server's has at most 1 GB, a large object 4 TB (MAX_LARGE_OBJECT_SIZE in large_object.h): longer ones are read in pieces.
    // Their length itself stands where superusers alone may read.
    private const string LargeObjectsContent = """
        SELECT sum(hash)::text FROM (
          SELECT hashtextextended(oid::text || encode(sha256(lo_get(oid)), 'hex'), 0) AS hash FROM pg_largeobject_metadata WHERE length(lo_get(oid, 1000000000, 1)) = 0
          UNION ALL
          SELECT hashtextextended(oid::text || ' ' || place || ' ' || encode(sha256(lo_get(oid, place, 268435456)), 'hex'), 0)
          FROM (SELECT oid FROM pg_largeobject_metadata WHERE length(lo_get(oid, 1000000000, 1)) > 0) long, generate_series(0, 4398046509055, 268435456) place
          WHERE length(lo_get(oid, place, 1)) > 0
        ) pieces
        """;

    private static async Task AddLargeObjectsAsync(
        PostgreSqlSession session, FingerprintLevel level, Dictionary<string, long> objects, Dictionary<string, string> settings, CancellationToken cancellationToken)
    {
        long count = await session.NumberAsync("SELECT count(*) FROM pg_largeobject_metadata", Counting, cancellationToken).ConfigureAwait(false);
        objects["large objects"] = count;
        if (count > 0 && level == FingerprintLevel.Content)
        {
            settings["large objects' content"] = (await session.TextAsync(LargeObjectsContent, Counting, cancellationToken).ConfigureAwait(false))!;
        }
    }
}
