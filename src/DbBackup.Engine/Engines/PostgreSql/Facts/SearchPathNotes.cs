using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Engine.Engines.PostgreSql.Facts;

/// <summary>
/// Finds the functions that a restore runs under another search path than the application: pg_restore sets an empty one, and indexes, check
/// constraints, generated columns and materialized views evaluate functions while it loads. One that names an object without its schema
/// fails there, and the object with it.
/// </summary>
internal static class SearchPathNotes
{
    // pg_depend says who uses a function. A body is text: names of what is outside of pg_catalog, with no schema before them, as a call, a cast or
    // after FROM. SQL-standard bodies (BEGIN ATOMIC, since 14) hold no names any more.
    private static string Query(int serverMajor) => $$"""
        WITH used AS {{(serverMajor >= 12 ? "MATERIALIZED" : string.Empty)}} (
          SELECT d.refobjid AS fn, pg_describe_object(d.classid, d.objid, d.objsubid) AS place FROM pg_depend d
          WHERE d.refclassid = 'pg_proc'::regclass AND (
            (d.classid = 'pg_class'::regclass AND EXISTS (SELECT 1 FROM pg_index i WHERE i.indexrelid = d.objid AND i.indisvalid))
            OR (d.classid = 'pg_constraint'::regclass AND EXISTS (SELECT 1 FROM pg_constraint k WHERE k.oid = d.objid AND k.contype = 'c' AND k.conrelid <> 0))
            OR (d.classid = 'pg_rewrite'::regclass AND EXISTS (SELECT 1 FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE r.oid = d.objid AND c.relkind = 'm'))
            {{(serverMajor >= 12 ? "OR (d.classid = 'pg_attrdef'::regclass AND EXISTS (SELECT 1 FROM pg_attrdef t JOIN pg_attribute a ON a.attrelid = t.adrelid AND a.attnum = t.adnum WHERE t.oid = d.objid AND a.attgenerated <> ''))" : string.Empty)}})),
        suspects AS {{(serverMajor >= 12 ? "MATERIALIZED" : string.Empty)}} (
          SELECT u.place, p.oid, p.proname, p.prosrc, n.nspname FROM used u JOIN pg_proc p ON p.oid = u.fn JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
          WHERE l.lanname IN ('sql', 'plpgsql') AND n.nspname <> 'pg_catalog' {{(serverMajor >= 14 ? "AND p.prosqlbody IS NULL" : string.Empty)}}
            AND NOT EXISTS (SELECT 1 FROM unnest(p.proconfig) c WHERE c LIKE 'search_path=%')),
        names AS (
          SELECT f.proname::text AS name, '\s*\(' AS after, '' AS before, n.nspname FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace
          UNION SELECT t.typname::text, '\M', '::\s*', n.nspname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
          UNION SELECT c.relname::text, '\M', '(from|join)\s+', n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace)
        SELECT (array_agg(DISTINCT s.place))[1], quote_ident(s.nspname) || '.' || quote_ident(s.proname) || '(' || pg_get_function_identity_arguments(s.oid) || ')',
               min(m.name), string_agg(DISTINCT quote_ident(m.nspname), ', '), (SELECT e.extname::text FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid WHERE d.classid = 'pg_proc'::regclass AND d.objid = s.oid AND d.deptype = 'e')
        FROM suspects s JOIN names m ON m.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND m.name ~ '^[a-z_][a-z0-9_]*$'
             AND s.prosrc ~* ('(^|[^.[:alnum:]_"])' || m.before || m.name || m.after)
             AND NOT EXISTS (SELECT 1 FROM pg_proc b WHERE b.pronamespace = 'pg_catalog'::regnamespace AND b.proname = m.name)
        GROUP BY s.oid, s.nspname, s.proname ORDER BY 2 LIMIT 20
        """;

    /// <summary>The notes for a database, each with the statement that mends it.</summary>
    public static Task<List<string>> OfAsync(PostgreSqlSession session, CancellationToken cancellationToken) => session.RowsAsync(
        Query(session.ServerMajor),
        row => row.IsDBNull(4)
            ? $"A restore may not be able to make {row.GetString(0)}: {row.GetString(1)} names '{row.GetString(2)}' without its schema, and a restore runs it with an empty search_path. "
              + $"To mend it: ALTER FUNCTION {row.GetString(1)} SET search_path = {row.GetString(3)}, pg_temp;"
            : $"A restore may not be able to make {row.GetString(0)}: {row.GetString(1)} of the extension {row.GetString(4)} names '{row.GetString(2)}' without its schema, and a restore runs it with an empty search_path. "
              + "Wrap it in a function of your own that has SET search_path, and use that one there.",
        "looking for functions that need a search_path",
        cancellationToken);
}
