using System.Text;
using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Engine.Engines.PostgreSql.Facts;

/// <summary>Reads the catalogue of a database: what a dump must hold, and what is needed to create the database again.</summary>
internal static class PostgreSqlCatalog
{
    /// <summary>The condition under which pg_dump dumps what is in a schema (named <c>n</c>).</summary>
    public const string UserSchema = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

    // A revision has 12 characters, and there are as many as there are heads.
    private const int LongestRevisions = 1 << 16;

    private const string Looking = "reading the catalogue";

    /// <summary>The condition under which an object belongs to no extension; CREATE EXTENSION makes those again.</summary>
    public static string NotOfExtension(string catalogue, string oid) =>
        $"NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.classid = '{catalogue}'::regclass AND e.objid = {oid} AND e.deptype = 'e')";

    /// <summary>All tables that a dump of the whole database holds.</summary>
    public static Task<List<PostgreSqlTable>> TablesAsync(PostgreSqlSession session, CancellationToken cancellationToken) => session.RowsAsync(
        $"""
        SELECT c.oid, quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.relkind = 'r',
               has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'), CASE WHEN c.relkind = 'r' THEN pg_table_size(c.oid) ELSE 0 END,
               NOT c.relispartition AND EXISTS (SELECT 1 FROM pg_inherits i WHERE i.inhrelid = c.oid),
               {(session.ServerMajor >= 12 ? "(SELECT quote_ident(rn.nspname) || '.' || quote_ident(r.relname) FROM pg_class r JOIN pg_namespace rn ON rn.oid = r.relnamespace WHERE c.relispartition AND r.oid = pg_partition_root(c.oid))" : "NULL")}
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND {UserSchema} AND {NotOfExtension("pg_class", "c.oid")}
        ORDER BY n.nspname, c.relname
        """,
        row => new PostgreSqlTable(row.GetFieldValue<uint>(0), row.GetString(1), row.GetBoolean(2), row.GetBoolean(3), row.IsDBNull(4) ? 0 : row.GetInt64(4), row.GetBoolean(5), row.IsDBNull(6) ? null : row.GetString(6)),
        Looking,
        cancellationToken);

    /// <summary>True if the server marks columns with an option that only its own pg_dump leaves out, as 17.12 does.</summary>
    public static Task<bool> HasColumnMarksAsync(PostgreSqlSession session, CancellationToken cancellationToken) => session.IsTrueAsync(
        "SELECT EXISTS (SELECT 1 FROM pg_attribute, unnest(attoptions) o WHERE attrelid >= 16384 AND o LIKE 'pg\\_attver=%')", Looking, cancellationToken);

    /// <summary>The columns of tables as COPY gives them, by the tables' oids.</summary>
    public static async Task<IReadOnlyDictionary<uint, IReadOnlyList<string>>> ColumnsAsync(PostgreSqlSession session, IReadOnlyList<PostgreSqlTable> tables, CancellationToken cancellationToken)
    {
        List<(uint Table, string Column)> columns = await session.RowsAsync(
            $"""
            SELECT attrelid, attname::text FROM pg_attribute
            WHERE attrelid::bigint = ANY ($1) AND attnum > 0 AND NOT attisdropped{(session.ServerMajor >= 12 ? " AND attgenerated = ''" : string.Empty)} ORDER BY attrelid, attnum
            """,
            row => (row.GetFieldValue<uint>(0), row.GetString(1)),
            Looking,
            cancellationToken,
            [tables.Select(table => (long)table.ObjectId).ToArray()]).ConfigureAwait(false);
        return columns.GroupBy(pair => pair.Table).ToDictionary(group => group.Key, group => (IReadOnlyList<string>)[.. group.Select(pair => pair.Column)]);
    }

    /// <summary>What must be known to create the database again.</summary>
    public static async Task<DatabaseInfo> DescribeAsync(PostgreSqlSession session, CancellationToken cancellationToken)
    {
        // The columns of the locale have come and changed their names: https://www.postgresql.org/docs/18/catalog-pg-database.html
        string provider = session.ServerMajor >= 15 ? "CASE d.datlocprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END" : "'libc'";
        string locale = session.ServerMajor >= 17 ? "d.datlocale" : session.ServerMajor >= 15 ? "d.daticulocale" : "NULL::text";
        List<DatabaseInfo> found = await session.RowsAsync(
            $"""
            SELECT d.datname::text, pg_get_userbyid(d.datdba)::text, pg_encoding_to_char(d.encoding)::text, d.datcollate::text, d.datctype::text, {provider}, {locale},
                   d.datconnlimit, shobj_description(d.oid, 'pg_database'), d.datacl IS NULL,
                   CASE WHEN has_database_privilege(d.oid, 'CONNECT') THEN pg_database_size(d.oid) ELSE 0 END,
                   (SELECT nullif(spcname, 'pg_default')::text FROM pg_tablespace t WHERE t.oid = d.dattablespace), d.datistemplate
            FROM pg_database d WHERE d.datname = current_database()
            """,
            row => new DatabaseInfo
            {
                Name = row.GetString(0),
                Owner = row.GetString(1),
                Encoding = row.GetString(2),
                Collation = row.GetString(3),
                CharacterType = row.GetString(4),
                LocaleProvider = row.GetString(5),
                ProviderLocale = row.IsDBNull(6) ? null : row.GetString(6),
                ConnectionLimit = row.GetInt32(7),
                Comment = row.IsDBNull(8) ? null : row.GetString(8),
                Grants = row.GetBoolean(9) ? null : [],
                Size = row.GetInt64(10),
                Tablespace = row.IsDBNull(11) ? null : row.GetString(11),
                IsTemplate = row.GetBoolean(12),
            },
            Looking,
            cancellationToken).ConfigureAwait(false);
        DatabaseInfo database = found[0];
        if (database.Grants is not null)
            database = database with { Grants = await GrantsAsync(session, cancellationToken).ConfigureAwait(false) };
        return database with
        {
            Settings = await SettingsAsync(session, cancellationToken).ConfigureAwait(false),
            Roles = await RolesAsync(session, ownersToo: true, cancellationToken).ConfigureAwait(false),
            PolicyRoles = await RolesAsync(session, ownersToo: false, cancellationToken).ConfigureAwait(false),
            Extensions = await session.RowsAsync(
                "SELECT extname::text, extversion FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY extname COLLATE \"C\"",
                row => new DatabaseExtension(row.GetString(0), row.GetString(1)),
                Looking,
                cancellationToken).ConfigureAwait(false),
            Tablespaces = await session.RowsAsync(
                "SELECT DISTINCT t.spcname::text COLLATE \"C\" FROM pg_class c JOIN pg_tablespace t ON t.oid = c.reltablespace WHERE t.spcname <> 'pg_global' ORDER BY 1", row => row.GetString(0), Looking, cancellationToken).ConfigureAwait(false),
            ServerVersion = session.ServerVersion,
        };
    }

    /// <summary>
    /// What Alembic says of the schema, in whichever schema its table is; several heads are given in order with commas. A query would run
    /// what the table's owner has put on it, in its indexes' expressions or its type's casts; COPY runs nothing.
    /// </summary>
    public static async Task<string?> SchemaRevisionAsync(PostgreSqlSession session, CancellationToken cancellationToken)
    {
        List<string> tables = await session.RowsAsync(
            $"""
            SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname)
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.relname = 'alembic_version' AND c.relkind = 'r' AND a.attname = 'version_num' AND {UserSchema}
              AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
            ORDER BY n.nspname = 'public' DESC, 1
            """,
            row => row.GetString(0),
            Looking,
            cancellationToken).ConfigureAwait(false);
        var heads = new SortedSet<string>(StringComparer.Ordinal);
        foreach (string table in tables)
        {
            var rows = new List<byte>();
            await session.CopyAsync(
                $"COPY {table} (version_num) TO STDOUT",
                bytes => rows.AddRange(bytes[..Math.Min(bytes.Length, LongestRevisions - rows.Count)]),
                Looking,
                cancellationToken).ConfigureAwait(false);
            heads.UnionWith(Encoding.UTF8.GetString([.. rows]).Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(row => !row.Contains('\\', StringComparison.Ordinal)));
        }

        return heads.Count == 0 ? null : string.Join(",", heads);
    }

    /// <summary>The same of a database that is about to be replaced; null also where it is locked or damaged, perhaps the very reason for the restore.</summary>
    public static async Task<string?> PresentRevisionAsync(PostgreSqlSession session, CancellationToken cancellationToken)
    {
        try
        {
            await session.LimitLockWaitAsync(TimeSpan.FromSeconds(2), cancellationToken).ConfigureAwait(false);
            return await SchemaRevisionAsync(session, cancellationToken).ConfigureAwait(false);
        }
        catch (BackupException failure) when (failure.Code is ErrorCodes.SourceLocked or ErrorCodes.ServerFailed)
        {
            return null;
        }
    }

    private static Task<List<DatabaseGrant>> GrantsAsync(PostgreSqlSession session, CancellationToken cancellationToken) => session.RowsAsync(
        """
        SELECT CASE WHEN a.grantee = 0 THEN NULL ELSE pg_get_userbyid(a.grantee)::text END, a.privilege_type, a.is_grantable
        FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = current_database() ORDER BY 1 NULLS FIRST, 2
        """,
        row => new DatabaseGrant(row.GetString(1), row.GetBoolean(2), row.IsDBNull(0) ? null : row.GetString(0)),
        Looking,
        cancellationToken);

    private static Task<List<DatabaseSetting>> SettingsAsync(PostgreSqlSession session, CancellationToken cancellationToken) => session.RowsAsync(
        """
        SELECT CASE WHEN s.setrole = 0 THEN NULL ELSE pg_get_userbyid(s.setrole)::text END, split_part(c, '=', 1), substr(c, strpos(c, '=') + 1)
        FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) c
        WHERE d.datname = current_database() ORDER BY 1 NULLS FIRST, 2
        """,
        row => new DatabaseSetting(row.GetString(1), row.GetString(2), row.IsDBNull(0) ? null : row.GetString(0)),
        Looking,
        cancellationToken);

    // Owners, grantees and roles of policies; the server's own roles exist everywhere.
    private static Task<List<string>> RolesAsync(PostgreSqlSession session, bool ownersToo, CancellationToken cancellationToken) => session.RowsAsync(
        $"""
        SELECT DISTINCT r.rolname::text COLLATE "C" FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid
        WHERE s.refclassid = 'pg_authid'::regclass AND s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND r.rolname !~ '^pg_'{(ownersToo ? string.Empty : " AND s.deptype = 'r'")}
        ORDER BY 1
        """,
        row => row.GetString(0),
        Looking,
        cancellationToken);
}
