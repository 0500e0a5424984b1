using System.Text;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Facts;
using DbBackup.Engine.Engines.PostgreSql.Rows;

namespace DbBackup.Engine.Engines.PostgreSql.Dump.Ranges;

/// <summary>A table whose rows several sessions dump at once, each a range of its blocks.</summary>
/// <param name="Table">The table.</param>
/// <param name="Columns">Its columns in the order of its rows, quoted, with commas.</param>
/// <param name="Blocks">How many blocks it has.</param>
internal sealed record RangedTable(PostgreSqlTable Table, string Columns, long Blocks)
{
    // Beside pg_dump, each table costs a lock in every session and an argument, of which Windows takes 32,000 characters.
    private const int MostTables = 64;

    // Below that many large tables of the least size, to connect takes longer than what it gains.
    private const int LeastTogether = 4;

    // What of the whole must be in such tables for this to be faster than pg_dump with several jobs.
    private const double LeastShare = 0.5;

    /// <summary>What the entry of its rows says in an archive.</summary>
    public AddedRows Entry => new(Table.ObjectId, $"COPY {Table.Name} ({Columns}) FROM stdin;\n");

    /// <summary>The tables of a database that are worth it.</summary>
    /// <param name="session">A session in the database, which sees what is to be dumped.</param>
    /// <param name="tables">All tables.</param>
    /// <param name="smallest">From how many bytes on disk on a table is large.</param>
    /// <param name="cancellationToken">Cancels the questions to the catalogue.</param>
    /// <returns>None where pg_dump alone does as well.</returns>
    public static async Task<IReadOnlyList<RangedTable>> ChooseAsync(PostgreSqlSession session, List<PostgreSqlTable> tables, long smallest, CancellationToken cancellationToken)
    {
        if (!TupleRanges.AreKnownTo(session))
            return [];
        List<PostgreSqlTable> large = [.. tables.Where(table => table.HasRows && table.Bytes >= smallest).OrderByDescending(table => table.Bytes).Take(MostTables)];
        if (!AreEnough(large, tables, smallest))
            return [];
        IReadOnlyDictionary<uint, long> blocks = await TupleRanges.BlocksAsync(session, large, cancellationToken).ConfigureAwait(false);
        IReadOnlyDictionary<uint, string> columns = await ColumnsAsync(session, large, cancellationToken).ConfigureAwait(false);
        List<RangedTable> chosen =
        [
            .. large.Where(table => blocks.ContainsKey(table.ObjectId) && columns.ContainsKey(table.ObjectId))
                .Select(table => new RangedTable(table, columns[table.ObjectId], blocks[table.ObjectId])),
        ];
        return AreEnough(chosen.ConvertAll(table => table.Table), tables, smallest) ? chosen : [];
    }

    /// <summary>The statement that dumps some of its blocks.</summary>
    /// <param name="session">The session that runs it.</param>
    /// <param name="from">The first block.</param>
    /// <param name="count">How many.</param>
    public string Copy(PostgreSqlSession session, long from, long count) =>
        $"COPY (SELECT {AsciiName.Of(session, Columns)} FROM ONLY {AsciiName.Of(session, Table.Name)} WHERE {TupleRanges.Condition(from, count, Blocks)}) TO STDOUT";

    private static bool AreEnough(List<PostgreSqlTable> chosen, List<PostgreSqlTable> all, long smallest) =>
        chosen.Sum(table => table.Bytes) is var bytes && chosen.Count > 0 && bytes >= LeastTogether * smallest && bytes >= LeastShare * all.Sum(table => table.Bytes);

    // pg_dump writes names in the encoding of the database; other letters than those of ASCII are the same only in UTF-8. It loads partitions
    // through their root if rows may fall elsewhere there, and that is for pg_dump to decide.
    private static async Task<IReadOnlyDictionary<uint, string>> ColumnsAsync(PostgreSqlSession session, List<PostgreSqlTable> tables, CancellationToken cancellationToken)
    {
        List<(uint Table, string Columns, bool IsUtf8)> found = await session.RowsAsync(
            """
            SELECT a.attrelid, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum), pg_encoding_to_char(d.encoding) = 'UTF8'
            FROM pg_attribute a JOIN pg_database d ON d.datname = current_database()
            WHERE a.attrelid::bigint = ANY ($1) AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
              AND NOT EXISTS (SELECT 1 FROM pg_partition_ancestors(a.attrelid) p JOIN pg_partitioned_table r ON r.partrelid = p.relid WHERE r.partstrat = 'h')
            GROUP BY a.attrelid, d.encoding
            """,
            row => (row.GetFieldValue<uint>(0), row.GetString(1), row.GetBoolean(2)),
            "reading the catalogue",
            cancellationToken,
            [tables.Select(table => (long)table.ObjectId).ToArray()]).ConfigureAwait(false);
        return found.Where(table => table.IsUtf8 || (Ascii.IsValid(table.Columns) && Ascii.IsValid(tables.Single(one => one.ObjectId == table.Table).Name)))
            .ToDictionary(table => table.Table, table => table.Columns);
    }
}
