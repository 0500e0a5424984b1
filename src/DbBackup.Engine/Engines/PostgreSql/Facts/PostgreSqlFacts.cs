namespace DbBackup.Engine.Engines.PostgreSql.Facts;

/// <summary>
/// The questions to the catalogue whose answers a dump and restore must leave as they are, in every major version: no text that the
/// server makes of an expression (which changes between versions), no oids, no owners (a restore may give everything to another role).
/// </summary>
internal static class PostgreSqlFacts
{
    private const string Name = "quote_ident(n.nspname) || '.' || quote_ident(c.relname)";

    private const string Tables = "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace";

    private static readonly string s_user = $"{PostgreSqlCatalog.UserSchema} AND {PostgreSqlCatalog.NotOfExtension("pg_class", "c.oid")}";

    // An index that is being built, or whose building failed, is in no dump (getIndexes in pg_dump.c); that of a partitioned table is, as it may
    // only lack a partition's.
    private static readonly string s_notLeftBehind = "NOT (c.relkind = 'i' AND EXISTS (SELECT 1 FROM pg_index x WHERE x.indexrelid = c.oid AND NOT (x.indisvalid AND x.indisready)))";

    // The indexes of an extension's tables are no members of the extension, but come and go with it.
    private const string NotOfExtensionsTable = """
        NOT (c.relkind IN ('i', 'I') AND EXISTS (SELECT 1 FROM pg_index x JOIN pg_depend e ON e.classid = 'pg_class'::regclass AND e.objid = x.indrelid AND e.deptype = 'e' WHERE x.indexrelid = c.oid))
        """;

    /// <summary>The kinds of objects of tables.</summary>
    public static IReadOnlyList<string> KindsOfTables { get; } =
        ["tables", "partitioned tables", "indexes", "primary keys", "unique constraints", "exclusion constraints", "check constraints"];

    /// <summary>All kinds of objects.</summary>
    public static IReadOnlyList<string> Kinds { get; } =
    [
        .. KindsOfTables, "views", "materialized views", "sequences", "foreign tables", "composite types", "foreign keys", "triggers", "functions", "enums", "domains",
        "range types", "policies", "rules", "statistics", "schemas", "extensions",
    ];

    /// <summary>How many objects of each kind the database has.</summary>
    public static string Objects { get; } = $"""
        SELECT CASE c.relkind WHEN 'r' THEN 'tables' WHEN 'p' THEN 'partitioned tables' WHEN 'v' THEN 'views' WHEN 'm' THEN 'materialized views'
                    WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'foreign tables' WHEN 'c' THEN 'composite types' ELSE 'indexes' END, count(*)
        FROM {Tables} WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c', 'i', 'I') AND {s_user} AND {s_notLeftBehind} AND {NotOfExtensionsTable} GROUP BY 1
        UNION ALL
        {Constraints(s_user)}
        UNION ALL
        SELECT 'triggers', count(*) FROM pg_trigger t JOIN {TablesOf("t.tgrelid")}
        WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND {s_user}
        UNION ALL
        SELECT 'functions', count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE {PostgreSqlCatalog.UserSchema} AND {PostgreSqlCatalog.NotOfExtension("pg_proc", "p.oid")} AND {Own("pg_proc", "p.oid")}
        UNION ALL
        SELECT CASE t.typtype WHEN 'e' THEN 'enums' WHEN 'd' THEN 'domains' ELSE 'range types' END, count(*) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
        WHERE t.typtype IN ('e', 'd', 'r') AND {PostgreSqlCatalog.UserSchema} AND {PostgreSqlCatalog.NotOfExtension("pg_type", "t.oid")} GROUP BY 1
        UNION ALL
        SELECT 'policies', count(*) FROM pg_policy p JOIN {TablesOf("p.polrelid")} WHERE {s_user}
        UNION ALL
        SELECT 'rules', count(*) FROM pg_rewrite r JOIN {Tables.Replace("pg_class c", "pg_class c ON c.oid = r.ev_class", StringComparison.Ordinal)}
        WHERE r.rulename <> '_RETURN' AND {s_user}
        UNION ALL
        SELECT 'statistics', count(*) FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE {PostgreSqlCatalog.UserSchema}
        UNION ALL
        SELECT 'schemas', count(*) FROM pg_namespace n WHERE {PostgreSqlCatalog.UserSchema} AND {PostgreSqlCatalog.NotOfExtension("pg_namespace", "n.oid")}
        UNION ALL
        SELECT 'extensions', count(*) FROM pg_extension WHERE extname <> 'plpgsql'
        """;

    /// <summary>The same of tables alone, whose oids are $1.</summary>
    public static string ObjectsOfTables { get; } = $"""
        SELECT CASE c.relkind WHEN 'r' THEN 'tables' ELSE 'partitioned tables' END, count(*) FROM {Tables} WHERE c.oid::bigint = ANY ($1) GROUP BY 1
        UNION ALL
        SELECT 'indexes', count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid::bigint = ANY ($1) AND {s_notLeftBehind}
        UNION ALL
        {Constraints("c.oid::bigint = ANY ($1) AND k.contype <> 'f'")}
        """;

    private const string Extensions = "SELECT 'extension ' || extname FROM pg_extension WHERE extname <> 'plpgsql'";

    /// <summary><see cref="Definitions"/> with the extensions in $1, which were left out when the database was restored.</summary>
    public static string DefinitionsWithLeftOut => Definitions.Replace(Extensions, Extensions + " UNION ALL SELECT 'extension ' || name FROM unnest($1) name", StringComparison.Ordinal);

    /// <summary>One line for each definition, in an order that does not depend on the database's collation.</summary>
    public static string Definitions { get; } = $"""
        SELECT line FROM (
        {Columns(s_user)}
        UNION ALL
        {Keys(s_user)}
        UNION ALL
        {Indexes(s_user)}
        UNION ALL
        SELECT 'trigger ' || {Name} || ' ' || t.tgname || ' ' || t.tgtype || ' ' || t.tgenabled::text
        FROM pg_trigger t JOIN {TablesOf("t.tgrelid")}
        WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND {s_user}
        UNION ALL
        SELECT 'function ' || quote_ident(n.nspname) || '.' || quote_ident(p.proname) || '(' || pg_get_function_identity_arguments(p.oid) || ') ' || md5(p.prosrc) || ' ' || l.lanname
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
        WHERE {PostgreSqlCatalog.UserSchema} AND {PostgreSqlCatalog.NotOfExtension("pg_proc", "p.oid")} AND {Own("pg_proc", "p.oid")}
        UNION ALL
        SELECT 'enum ' || quote_ident(n.nspname) || '.' || quote_ident(t.typname) || ' ' || string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder)
        FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_enum e ON e.enumtypid = t.oid
        WHERE {PostgreSqlCatalog.UserSchema} AND {PostgreSqlCatalog.NotOfExtension("pg_type", "t.oid")} GROUP BY n.nspname, t.typname
        UNION ALL
        SELECT 'domain ' || quote_ident(n.nspname) || '.' || quote_ident(t.typname) || ' ' || format_type(t.typbasetype, t.typtypmod) || ' ' || t.typnotnull
        FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
        WHERE t.typtype = 'd' AND {PostgreSqlCatalog.UserSchema} AND {PostgreSqlCatalog.NotOfExtension("pg_type", "t.oid")}
        UNION ALL
        SELECT 'sequence ' || {Name} || ' ' || format_type(s.seqtypid, NULL) || ' ' || s.seqstart || ' ' || s.seqincrement || ' ' || s.seqmin || ' ' || s.seqmax || ' ' || s.seqcycle
        FROM pg_sequence s JOIN {TablesOf("s.seqrelid")} WHERE {s_user}
        UNION ALL
        SELECT 'policy ' || {Name} || ' ' || quote_ident(p.polname) || ' ' || p.polcmd::text || ' ' || p.polpermissive
        FROM pg_policy p JOIN {TablesOf("p.polrelid")} WHERE {s_user}
        UNION ALL
        SELECT 'row security ' || {Name} || ' ' || c.relforcerowsecurity FROM {Tables} WHERE c.relrowsecurity AND {s_user}
        UNION ALL
        SELECT 'partition ' || {Name} || ' of ' || (SELECT quote_ident(pn.nspname) || '.' || quote_ident(pc.relname) FROM pg_class pc JOIN pg_namespace pn ON pn.oid = pc.relnamespace WHERE pc.oid = i.inhparent)
        FROM pg_inherits i JOIN {TablesOf("i.inhrelid")} WHERE c.relkind IN ('r', 'p', 'f') AND {s_user}
        UNION ALL
        SELECT 'comment ' || {Name} || ' ' || d.objsubid || ' ' || md5(d.description)
        FROM pg_description d JOIN {TablesOf("d.objoid")}
        WHERE d.classoid = 'pg_class'::regclass AND c.relkind IN ('r', 'p', 'v', 'm') AND d.objsubid = 0 AND {s_user}
        UNION ALL
        {Extensions}
        ) lines ORDER BY line COLLATE "C"
        """;

    /// <summary>The same of tables alone, whose oids are $1: what can be restored without anything else.</summary>
    public static string DefinitionsOfTables { get; } = $"""
        SELECT line FROM (
        {Columns("c.oid::bigint = ANY ($1)")}
        UNION ALL
        {Keys("c.oid::bigint = ANY ($1) AND k.contype <> 'f'")}
        UNION ALL
        {Indexes("c.oid::bigint = ANY ($1)")}
        ) lines ORDER BY line COLLATE "C"
        """;

    private static string TablesOf(string oid) => $"pg_class c ON c.oid = {oid} JOIN pg_namespace n ON n.oid = c.relnamespace";

    // Functions that belong to a type (a range's constructors, say) come and go with it, in numbers that differ between versions.
    private static string Own(string catalogue, string oid) =>
        $"NOT EXISTS (SELECT 1 FROM pg_depend i WHERE i.classid = '{catalogue}'::regclass AND i.objid = {oid} AND i.deptype = 'i')";

    // Since 18, NOT NULL is a constraint with a name; before, it was a property of the column (which is in the columns' lines).
    private static string Constraints(string condition) => $"""
        SELECT CASE k.contype WHEN 'p' THEN 'primary keys' WHEN 'u' THEN 'unique constraints' WHEN 'f' THEN 'foreign keys' WHEN 'x' THEN 'exclusion constraints'
                    ELSE 'check constraints' END, count(*)
        FROM pg_constraint k JOIN {TablesOf("k.conrelid")}
        WHERE k.contype IN ('p', 'u', 'f', 'x', 'c') AND k.conparentid = 0 AND {condition} GROUP BY 1
        """;

    // A table that inherits gets its columns in another order from a restore than it may have had.
    private static string Columns(string condition) => $"""
        SELECT 'column ' || {Name} || ' ' || lpad((row_number() OVER (PARTITION BY c.oid
               ORDER BY CASE WHEN NOT c.relispartition AND EXISTS (SELECT 1 FROM pg_inherits i WHERE i.inhrelid = c.oid) THEN a.attname END, a.attnum))::text, 5, '0') || ' ' || quote_ident(a.attname)
               || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull || ' ' || a.atthasdef || ' ' || a.attidentity::text || ' ' || a.attgenerated::text || ' ' || c.relkind::text AS line
        FROM pg_attribute a JOIN {TablesOf("a.attrelid")}
        WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND {condition}
        """;

    private static string Keys(string condition) => $"""
        SELECT 'constraint ' || {Name} || ' ' || quote_ident(k.conname) || ' ' || k.contype::text || ' ' || k.convalidated || ' ' || k.condeferrable || ' ' || k.confdeltype::text || ' ' || k.confupdtype::text
               || ' ' || coalesce((SELECT string_agg(quote_ident(a.attname), ',' ORDER BY u.place) FROM unnest(k.conkey) WITH ORDINALITY u(number, place)
                                   JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number), '')
               || coalesce((SELECT ' -> ' || quote_ident(fn.nspname) || '.' || quote_ident(fc.relname) FROM pg_class fc JOIN pg_namespace fn ON fn.oid = fc.relnamespace WHERE fc.oid = k.confrelid), '')
        FROM pg_constraint k JOIN {TablesOf("k.conrelid")}
        WHERE k.contype IN ('p', 'u', 'f', 'x', 'c') AND k.conparentid = 0 AND {condition}
        """;

    // The word true stands where versions before 0.2 had the validity, which a restore gives back by itself.
    private static string Indexes(string condition) => $"""
        SELECT 'index ' || {Name} || ' ' || quote_ident(ic.relname) || ' ' || i.indisunique || ' true ' || am.amname || ' ' || i.indnatts || ' ' || (i.indpred IS NOT NULL) || ' ' || (i.indexprs IS NOT NULL)
        FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid JOIN pg_am am ON am.oid = ic.relam
             JOIN {TablesOf("i.indrelid")}
        WHERE {condition} AND {s_notLeftBehind.Replace("c.", "ic.", StringComparison.Ordinal)}
        """;
}
