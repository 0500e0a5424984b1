namespace DbBackup.Engine.Engines.PostgreSql.Load;

/// <summary>
/// Statements that set views aside while their tables are dropped and loaded anew, and put them back as they were: definition, options, owner,
/// privileges, comments, rules, triggers, column defaults; of materialized views also indexes and rows, which are computed again. A view
/// that the loaded tables do not fit fails, and so undoes everything.
/// </summary>
internal static class DependentViews
{
    /// <summary>Notes the views that depend on tables, directly or by other views, and drops them.</summary>
    /// <param name="tables">SQL expressions of the tables' oids, separated by commas.</param>
    public static string SetAside(string tables) => $"""
        CREATE TEMP TABLE dbbackup_views ON COMMIT DROP AS
          WITH RECURSIVE found(id, depth) AS (
            SELECT r.ev_class, 1 FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
            WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid IN ({tables}) AND r.ev_class <> d.refobjid
            UNION
            SELECT r.ev_class, f.depth + 1 FROM found f JOIN pg_depend d ON d.refobjid = f.id JOIN pg_rewrite r ON r.oid = d.objid
            WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND r.ev_class <> f.id)
          SELECT c.oid AS id, max(f.depth) AS depth, c.oid::regclass::text AS name, CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END AS kind,
            pg_get_userbyid(c.relowner)::text AS owner, c.relacl AS privileges,
            format('CREATE %s %s%s%s%s AS %s%s',
              CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END, c.oid::regclass,
              (SELECT ' USING ' || quote_ident(m.amname) FROM pg_am m WHERE m.oid = c.relam),
              ' WITH (' || array_to_string(c.reloptions, ', ') || ')',
              (SELECT ' TABLESPACE ' || quote_ident(t.spcname) FROM pg_tablespace t WHERE t.oid = c.reltablespace),
              rtrim(pg_get_viewdef(c.oid), '; '),
              CASE WHEN c.relkind = 'm' AND NOT c.relispopulated THEN ' WITH NO DATA' ELSE '' END) AS definition,
            ARRAY(
              SELECT format('ALTER VIEW %s ALTER COLUMN %I SET DEFAULT %s', c.oid::regclass, a.attname, pg_get_expr(x.adbin, x.adrelid))
                FROM pg_attrdef x JOIN pg_attribute a ON a.attrelid = x.adrelid AND a.attnum = x.adnum WHERE x.adrelid = c.oid AND c.relkind = 'v'
              UNION ALL SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i WHERE i.indrelid = c.oid
              UNION ALL SELECT pg_get_ruledef(r.oid) FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN'
              UNION ALL SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
              UNION ALL SELECT format('COMMENT ON %s %s IS %L', CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END, c.oid::regclass, e.description)
                FROM pg_description e WHERE e.classoid = 'pg_class'::regclass AND e.objoid = c.oid AND e.objsubid = 0
              UNION ALL SELECT format('COMMENT ON COLUMN %s.%I IS %L', c.oid::regclass, a.attname, e.description)
                FROM pg_description e JOIN pg_attribute a ON a.attrelid = e.objoid AND a.attnum = e.objsubid WHERE e.classoid = 'pg_class'::regclass AND e.objoid = c.oid AND e.objsubid > 0
              UNION ALL SELECT format('GRANT %s (%I) ON %s TO %s%s', g.privilege_type, a.attname, c.oid::regclass,
                  CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END, CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
                FROM pg_attribute a, aclexplode(a.attacl) g WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS additions
          FROM found f JOIN pg_class c ON c.oid = f.id WHERE c.relkind IN ('v', 'm') AND c.oid NOT IN (SELECT o FROM unnest(ARRAY[{tables}]) o WHERE o IS NOT NULL)
          GROUP BY c.oid;
        DO $dbbackup$ DECLARE item record; BEGIN
          FOR item IN SELECT * FROM pg_temp.dbbackup_views ORDER BY depth DESC, id DESC LOOP EXECUTE format('DROP %s %s', item.kind, item.name); END LOOP;
        END $dbbackup$;
        """;

    /// <summary>Puts the views back that <see cref="SetAside"/> has noted.</summary>
    // Default privileges may give a new view more than the old one had.
    public const string PutBack = """
        DO $dbbackup$ DECLARE item record; addition text; held record; BEGIN
          FOR item IN SELECT * FROM pg_temp.dbbackup_views ORDER BY depth, id LOOP
            EXECUTE item.definition;
            EXECUTE format('ALTER %s %s OWNER TO %I', item.kind, item.name, item.owner);
            FOR held IN SELECT DISTINCT g.grantee FROM pg_class c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) g WHERE c.oid = item.name::regclass LOOP
              EXECUTE format('REVOKE ALL ON %s FROM %s', item.name, CASE held.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(held.grantee)) END);
            END LOOP;
            FOR held IN SELECT g.* FROM pg_class c, aclexplode(coalesce(item.privileges, acldefault('r', c.relowner))) g WHERE c.oid = item.name::regclass LOOP
              EXECUTE format('GRANT %s ON %s TO %s%s', held.privilege_type, item.name,
                CASE held.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(held.grantee)) END, CASE WHEN held.is_grantable AND held.grantee <> (SELECT relowner FROM pg_class WHERE oid = item.name::regclass) THEN ' WITH GRANT OPTION' ELSE '' END);
            END LOOP;
            FOREACH addition IN ARRAY item.additions LOOP EXECUTE addition; END LOOP;
          END LOOP;
        END $dbbackup$;
        """;
}
