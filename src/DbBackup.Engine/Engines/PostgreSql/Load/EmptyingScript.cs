using System.Globalization;
using System.Text;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Facts;
using DbBackup.Engine.Engines.PostgreSql.Text;

namespace DbBackup.Engine.Engines.PostgreSql.Load;

/// <summary>
/// The statements that make room in a database for what is loaded next, within the same transaction. <c>pg_restore --clean</c> drops only
/// what the archive knows, and leaves what a newer migration has added.
/// </summary>
internal static class EmptyingScript
{
    /// <summary>Drops everything of the database's own, whatever made it; extensions stay.</summary>
    public static string ForDatabase(TimeSpan lockTimeout) => Block(lockTimeout, PostgreSqlCatalog.UserSchema, DropFirst, DropLast);

    // What users have put into the configuration tables of extensions, which a dump has; the extensions themselves stay.
    private const string EmptyConfigurations = """
        FOREACH statement IN ARRAY ARRAY(
            SELECT format('DELETE FROM %s %s', c.oid::regclass, k.condition) FROM pg_extension x, unnest(x.extconfig, x.extcondition) WITH ORDINALITY k(place, condition, number) JOIN pg_class c ON c.oid = k.place
            WHERE c.relkind IN ('r', 'p') AND has_schema_privilege(c.relnamespace, 'USAGE') AND has_table_privilege(c.oid, 'DELETE') AND has_table_privilege(c.oid, 'INSERT') ORDER BY x.oid DESC, k.number DESC) LOOP
            EXECUTE statement;
          END LOOP;
        """;

    // Event triggers first: they would see the rest go.
    private static string DropFirst => $"""
          PERFORM lo_unlink(oid) FROM pg_largeobject_metadata;
          {EmptyConfigurations}
          {DropDefaultPrivileges}
          {DropAll($"SELECT 'pg_event_trigger'::regclass AS kind, oid FROM pg_event_trigger UNION ALL SELECT 'pg_publication'::regclass, oid FROM pg_publication")}
        """;

    // What is left when the tables, functions and types have gone with all that hangs on them.
    private static string DropLast => DropAll(string.Join(
        " UNION ALL ",
        new[] { ("pg_collation", "collnamespace"), ("pg_conversion", "connamespace"), ("pg_operator", "oprnamespace"), ("pg_opclass", "opcnamespace"), ("pg_opfamily", "opfnamespace"), ("pg_ts_config", "cfgnamespace"), ("pg_ts_dict", "dictnamespace"), ("pg_ts_parser", "prsnamespace"), ("pg_ts_template", "tmplnamespace") }
            .Select(kind => $"SELECT '{kind.Item1}'::regclass AS kind, x.oid FROM {kind.Item1} x JOIN pg_namespace n ON n.oid = x.{kind.Item2} WHERE {PostgreSqlCatalog.UserSchema}")
            // A server goes with its wrapper, unless that is an extension's and stays.
            .Concat(s_outsideOfSchemas.Select(kind => $"SELECT '{kind}'::regclass, oid FROM {kind} WHERE oid >= {FirstOwnObject}"))));

    // Default privileges of the present database would be granted on what is loaded, and stay beside those of the dump. Those in schemas go
    // with these; of the others the row goes when it says what the server has without it.
    private const string DropDefaultPrivileges = """
        FOREACH statement IN ARRAY ARRAY(
            SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE %s %s %s ON %s %s %s', d.defaclrole::regrole, CASE WHEN d.defaclnamespace <> 0 THEN 'IN SCHEMA ' || d.defaclnamespace::regnamespace END,
              step.verb, CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END,
              step.preposition, CASE WHEN step.grantee = 0 THEN 'PUBLIC' ELSE step.grantee::regrole::text END)
            FROM pg_default_acl d, LATERAL (
              SELECT 1, 'REVOKE ALL', 'FROM', a.grantee FROM aclexplode(d.defaclacl) a GROUP BY a.grantee
              UNION ALL SELECT 2, 'GRANT ALL', 'TO', d.defaclrole WHERE d.defaclnamespace = 0
              UNION ALL SELECT 3, 'GRANT ALL', 'TO', 0::oid WHERE d.defaclnamespace = 0 AND d.defaclobjtype IN ('f', 'T')) AS step(number, verb, preposition, grantee)
            WHERE d.defaclobjtype IN ('r', 'S', 'f', 'T', 'n', 'L') AND pg_has_role(d.defaclrole, 'MEMBER') ORDER BY d.oid, step.number) LOOP
            EXECUTE statement;
          END LOOP;
        """;

    private static readonly string[] s_outsideOfSchemas = ["pg_foreign_server", "pg_foreign_data_wrapper", "pg_transform", "pg_cast", "pg_language", "pg_am"];

    // FirstNormalObjectId in the server's transam.h: what initdb makes has smaller oids.
    private const int FirstOwnObject = 16384;

    // The statements are collected first: one of them may take the object of another with it.
    private static string DropAll(string objects) => $"""
        FOREACH statement IN ARRAY ARRAY(
            SELECT format('DROP %s IF EXISTS %s CASCADE', replace(i.type, '-', ' '), i.identity) FROM ({objects}) o, LATERAL pg_identify_object(o.kind, o.oid, 0) i
            WHERE NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.classid = o.kind AND e.objid = o.oid AND e.deptype = 'e')) LOOP
            EXECUTE statement;
          END LOOP;
        """;


    /// <summary>Drops what is in schemas, unless something outside of them depends on it.</summary>
    public static string ForSchemas(TimeSpan lockTimeout, IReadOnlyList<string> schemas)
    {
        string names = string.Join(", ", schemas.Select(PostgreSqlSession.Literal));
        string guard = $"""
              SELECT string_agg(DISTINCT what, ', ') INTO outside FROM (
                SELECT format('the foreign key %I of %s', k.conname, k.conrelid::regclass) AS what
                FROM pg_constraint k JOIN pg_class f ON f.oid = k.confrelid JOIN pg_class c ON c.oid = k.conrelid
                WHERE k.contype = 'f' AND f.relnamespace::regnamespace::text = ANY (chosen) AND NOT c.relnamespace::regnamespace::text = ANY (chosen)
                UNION ALL
                SELECT format('the view %s', v.oid::regclass) FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
                  JOIN pg_class v ON v.oid = r.ev_class JOIN pg_class c ON c.oid = d.refobjid AND d.refclassid = 'pg_class'::regclass
                WHERE c.relnamespace::regnamespace::text = ANY (chosen) AND NOT v.relnamespace::regnamespace::text = ANY (chosen)
                UNION ALL
                SELECT format('the column %I of %s', a.attname, a.attrelid::regclass) FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_class c ON c.oid = a.attrelid
                WHERE t.typnamespace::regnamespace::text = ANY (chosen) AND NOT c.relnamespace::regnamespace::text = ANY (chosen) AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT a.attisdropped
              ) outsiders;
              IF outside IS NOT NULL THEN
                RAISE EXCEPTION 'other objects depend on it: %', outside;
              END IF;
            """;
        // A name's text as regnamespace prints it is quoted where it must be.
        guard = "  chosen := ARRAY(SELECT n.oid::regnamespace::text FROM pg_namespace n WHERE n.nspname IN (" + names + "));\n" + guard;
        return Block(lockTimeout, $"n.nspname IN ({names})", guard, string.Empty);
    }

    /// <summary>
    /// Drops tables. What hangs on them and is no part of them is set aside first, and <see cref="AfterTables"/> puts it back: foreign keys of
    /// other tables, which checks them against the restored rows, and views (see <see cref="DependentViews"/>). Anything else that depends
    /// on a table ends the restore.
    /// </summary>
    /// <param name="lockTimeout">How long to wait for a lock.</param>
    /// <param name="tables">Names with schemas, quoted where they must be.</param>
    public static string ForTables(TimeSpan lockTimeout, IReadOnlyList<string> tables)
    {
        string oids = string.Join(", ", tables.Select(table => $"to_regclass({PostgreSqlSession.Literal(table)})"));
        return $"""
            {LockTimeout(lockTimeout)}SELECT pg_catalog.set_config('search_path', 'pg_catalog', false);
            CREATE TEMP TABLE dbbackup_keys ON COMMIT DROP AS
              SELECT k.conrelid::regclass::text AS owner, k.conname::text AS name, pg_get_constraintdef(k.oid) AS definition FROM pg_constraint k
              WHERE k.contype = 'f' AND k.conparentid = 0 AND k.confrelid IN ({oids}) AND k.conrelid NOT IN (SELECT o FROM unnest(ARRAY[{oids}]) o WHERE o IS NOT NULL);
            DO $dbbackup$ DECLARE item record; BEGIN
              FOR item IN SELECT * FROM pg_temp.dbbackup_keys LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', item.owner, item.name); END LOOP;
            END $dbbackup$;
            {DependentViews.SetAside(oids)}
            DROP TABLE IF EXISTS {string.Join(", ", tables)};

            """;
    }

    /// <summary>Puts back what <see cref="ForTables"/> has set aside.</summary>
    public const string AfterTables = $"""
        SELECT pg_catalog.set_config('search_path', 'pg_catalog', false);
        DO $dbbackup$ DECLARE item record; BEGIN
          FOR item IN SELECT * FROM pg_temp.dbbackup_keys LOOP EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s', item.owner, item.name, item.definition); END LOOP;
        END $dbbackup$;
        {DependentViews.PutBack}

        """;

    /// <summary>
    /// Statements that fail, and so undo everything, unless tables have got as many rows as they should. The server's own count of what this
    /// transaction has put into them is asked: a query would run code that came with the dump, with the rights of who restores.
    /// </summary>
    /// <remarks>A server that was told not to count (<c>track_counts</c>) cannot tell; what was loaded is compared once more afterwards.</remarks>
    public static string RequireRows(IEnumerable<TableFingerprint> tables)
    {
        var sql = new StringBuilder();
        foreach (TableFingerprint table in tables)
        {
            string name = InDollars(table.Name);
            sql.Append(CultureInfo.InvariantCulture, $"""
                DO $dbbackup$ DECLARE place oid := pg_catalog.to_regclass({InDollars(QuotedName.Always(table.Name))}); found bigint; BEGIN
                  IF place IS NULL THEN RAISE EXCEPTION 'table % does not exist', {name}; END IF;
                  found := CASE WHEN (SELECT relkind OPERATOR(pg_catalog.=) 'p' FROM pg_catalog.pg_class WHERE oid OPERATOR(pg_catalog.=) place)
                    THEN (SELECT pg_catalog.sum(pg_catalog.pg_stat_get_xact_tuples_inserted(relid) OPERATOR(pg_catalog.-) pg_catalog.pg_stat_get_xact_tuples_deleted(relid)) FROM pg_catalog.pg_partition_tree(place) WHERE isleaf)
                    ELSE pg_catalog.pg_stat_get_xact_tuples_inserted(place) OPERATOR(pg_catalog.-) pg_catalog.pg_stat_get_xact_tuples_deleted(place) END;
                  IF found OPERATOR(pg_catalog.<>) {table.Rows} AND pg_catalog.current_setting('track_counts') OPERATOR(pg_catalog.=) 'on' THEN
                    RAISE EXCEPTION 'table % has % rows instead of {table.Rows}', {name}, found;
                  END IF;
                END $dbbackup$;

                """);
        }

        return sql.ToString();
    }

    // Within dollar quotes nothing may end them.
    private static string InDollars(string text) => PostgreSqlSession.Literal(text.Replace("$dbbackup$", "$", StringComparison.Ordinal));

    private static string LockTimeout(TimeSpan timeout) => string.Create(CultureInfo.InvariantCulture, $"SET client_min_messages = error;\nSET lock_timeout = {(long)timeout.TotalMilliseconds};\n");

    private static string Block(TimeSpan lockTimeout, string condition, string first, string last)
    {
        string OfSchema(string catalogue, string alias, string schema) =>
            $"JOIN pg_namespace n ON n.oid = {alias}.{schema} WHERE {condition} AND {PostgreSqlCatalog.NotOfExtension(catalogue, alias + ".oid")}";
        return $"""
            {LockTimeout(lockTimeout)}SELECT pg_catalog.set_config('search_path', 'pg_catalog', false);
            DO $dbbackup$
            DECLARE item record; outside text; chosen text[]; statement text;
            BEGIN
            {first}
              FOR item IN SELECT format('DROP %s IF EXISTS %I.%I CASCADE', CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, n.nspname, c.relname) AS statement
                          FROM pg_class c {OfSchema("pg_class", "c", "relnamespace")} AND c.relkind IN ('v', 'm', 'r', 'p', 'f', 'S') AND NOT c.relispartition
                          ORDER BY CASE c.relkind WHEN 'v' THEN 1 WHEN 'm' THEN 1 WHEN 'S' THEN 3 ELSE 2 END LOOP
                EXECUTE item.statement;
              END LOOP;
              FOR item IN SELECT format('DROP %s IF EXISTS %I.%I(%s) CASCADE', CASE p.prokind WHEN 'a' THEN 'AGGREGATE' WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, n.nspname, p.proname, CASE WHEN p.prokind = 'a' AND p.pronargs = 0 THEN '*' ELSE pg_get_function_identity_arguments(p.oid) END) AS statement
                          FROM pg_proc p {OfSchema("pg_proc", "p", "pronamespace")} AND NOT EXISTS (SELECT 1 FROM pg_depend i WHERE i.classid = 'pg_proc'::regclass AND i.objid = p.oid AND i.deptype = 'i')
                          ORDER BY p.prokind <> 'a' LOOP
                EXECUTE item.statement;
              END LOOP;
              FOR item IN SELECT format('DROP %s IF EXISTS %I.%I CASCADE', CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, n.nspname, t.typname) AS statement
                          FROM pg_type t {OfSchema("pg_type", "t", "typnamespace")} AND (t.typtype IN ('d', 'e', 'r') OR t.typtype = 'c' AND EXISTS (SELECT 1 FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c')) LOOP
                EXECUTE item.statement;
              END LOOP;
            {last}
              FOR item IN SELECT format('DROP SCHEMA IF EXISTS %I CASCADE', n.nspname) AS statement
                          FROM pg_namespace n WHERE {condition} AND n.nspname <> 'public' AND {PostgreSqlCatalog.NotOfExtension("pg_namespace", "n.oid")}
                            AND NOT EXISTS (SELECT 1 FROM pg_extension x WHERE x.extnamespace = n.oid) LOOP
                EXECUTE item.statement;
              END LOOP;
            END $dbbackup$;

            """;
    }
}
