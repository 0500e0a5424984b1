using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump.Ranges;

namespace DbBackup.Engine.Engines.PostgreSql.Dump.Unchanged;

/// <summary>What else makes the text of a table's rows, beside its blocks.</summary>
/// <param name="File">The number of the file with its blocks (relfilenode), another one each time the table is written anew.</param>
/// <param name="Form">Its columns and their types, the labels of enums, the server's version, and the settings that pg_dump leaves as they are.</param>
internal sealed record TableShape(long File, string Form)
{
    // Types whose text is made from the value alone, by the server itself: not names of tables and their like (reg…), not money, which
    // follows a setting, not types of extensions, whose library may be replaced. Those of domains and arrays are looked at in their place.
    private const string Shapes = """
        WITH RECURSIVE used(relid, typid) AS (
          SELECT a.attrelid, a.atttypid FROM pg_attribute a WHERE a.attrelid::bigint = ANY ($1) AND a.attnum > 0 AND NOT a.attisdropped
          UNION
          SELECT u.relid, x.typid FROM used u JOIN pg_type t ON t.oid = u.typid,
            LATERAL (SELECT t.typbasetype AS typid WHERE t.typtype = 'd' UNION ALL SELECT t.typelem WHERE t.typsubscript = 'array_subscript_handler'::regproc) x
        ), fitting AS (
          SELECT u.relid, string_agg(concat(t.oid, t.typtype, (SELECT string_agg(concat(e.oid, '=', quote_literal(e.enumlabel)), ',' ORDER BY e.oid) FROM pg_enum e WHERE e.enumtypid = t.oid)), ';' ORDER BY t.oid) AS types
          FROM used u JOIN pg_type t ON t.oid = u.typid GROUP BY u.relid
          HAVING bool_and(t.typtype IN ('e', 'd') OR (t.typsubscript = 'array_subscript_handler'::regproc)
            OR (t.oid < 16384 AND t.typtype IN ('b', 'r', 'm') AND t.typname NOT LIKE 'reg%' AND t.typname <> 'money'))
        )
        SELECT c.oid, pg_relation_filenode(c.oid)::bigint,
          concat_ws('|', current_setting('server_version_num'), current_setting('block_size'),
            (SELECT string_agg(name || '=' || reset_val, ',' ORDER BY name) FROM pg_settings WHERE name IN ('bytea_output', 'xmlbinary', 'lc_monetary', 'lc_numeric')),
            f.types,
            (SELECT string_agg(concat_ws(':', a.attnum, a.atttypid, a.atttypmod, a.attisdropped, a.attgenerated, a.atthasmissing, a.attmissingval), ';' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0))
        FROM pg_class c JOIN fitting f ON f.relid = c.oid WHERE c.relpersistence = 'p'
        """;

    /// <summary>The shapes of tables by their numbers (oid). Those are missing whose text may change although no block does.</summary>
    /// <param name="session">A session that sees the present state, while the tables are locked.</param>
    /// <param name="tables">The tables.</param>
    /// <param name="cancellationToken">Cancels the question.</param>
    public static async Task<IReadOnlyDictionary<uint, TableShape>> OfAsync(PostgreSqlSession session, IReadOnlyList<RangedTable> tables, CancellationToken cancellationToken)
    {
        List<(uint Table, TableShape Shape)> found = await session.RowsAsync(
            Shapes,
            row => (row.GetFieldValue<uint>(0), new TableShape(row.GetInt64(1), row.GetString(2))),
            "reading the catalogue",
            cancellationToken,
            [tables.Select(table => (long)table.Table.ObjectId).ToArray()]).ConfigureAwait(false);
        return found.ToDictionary(table => table.Table, table => table.Shape);
    }
}
