using System.Globalization;
using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Engine.Engines.PostgreSql.Facts;

/// <summary>Ranges of the blocks of tables (of <c>ctid</c>), which several sessions read side by side.</summary>
internal static class TupleRanges
{
    // https://www.postgresql.org/docs/release/14.0/: ranges of ctid are read without the rest of the table.
    private const int FirstServer = 14;

    /// <summary>What sessions set that read ranges: no plan but the scan of a range, and nothing of it in other processes.</summary>
    public const string Settings = "SET jit = off; SET max_parallel_workers_per_gather = 0; SET enable_seqscan = off; SET constraint_exclusion = off";

    // A query is planned, and that evaluates constant parts of the expressions of indexes and statistics, with the rights of who asks: those
    // that use functions, operators or types of the database's own (which pg_depend lists, unlike those of the server) are not for it.
    // A standby has no rows of unlogged tables.
    private const string Fitting = """
        SELECT c.oid, pg_relation_size(c.oid) / current_setting('block_size')::bigint
        FROM pg_class c JOIN pg_am m ON m.oid = c.relam
        WHERE c.oid::bigint = ANY ($1) AND c.relkind = 'r' AND m.amname = 'heap' AND NOT c.relhasrules AND NOT c.relrowsecurity
          AND (c.relpersistence = 'p' OR NOT pg_is_in_recovery())
          AND NOT EXISTS (
            SELECT 1 FROM pg_index i JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
            LEFT JOIN pg_type t ON d.refclassid = 'pg_type'::regclass AND t.oid = d.refobjid
            WHERE i.indrelid = c.oid AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)
              AND (d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass) OR t.typtype <> 'e'))
          AND NOT EXISTS (SELECT 1 FROM pg_statistic_ext s WHERE s.stxrelid = c.oid AND s.stxexprs IS NOT NULL)
        """;

    /// <summary>Whether a session can read ranges at all.</summary>
    public static bool AreKnownTo(PostgreSqlSession session) => session.ServerMajor >= FirstServer && !session.IsPooled;

    /// <summary>How many blocks tables have, by their oids; those are missing that must be read as a whole.</summary>
    public static async Task<IReadOnlyDictionary<uint, long>> BlocksAsync(PostgreSqlSession session, IReadOnlyList<PostgreSqlTable> tables, CancellationToken cancellationToken)
    {
        List<(uint Table, long Blocks)> found = await session.RowsAsync(
            Fitting, row => (row.GetFieldValue<uint>(0), row.GetInt64(1)), "reading the catalogue", cancellationToken, [tables.Select(table => (long)table.ObjectId).ToArray()]).ConfigureAwait(false);
        return found.ToDictionary(table => table.Table, table => table.Blocks);
    }

    /// <summary>The condition for the rows in some blocks of a table.</summary>
    /// <param name="from">The first block.</param>
    /// <param name="count">How many.</param>
    /// <param name="blocks">How many the table has: the last range has no end.</param>
    public static string Condition(long from, long count, long blocks) => from + count >= blocks
        ? string.Create(CultureInfo.InvariantCulture, $"ctid >= '({from},0)'")
        : string.Create(CultureInfo.InvariantCulture, $"ctid >= '({from},0)' AND ctid < '({from + count},0)'");
}
