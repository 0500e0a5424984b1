using System.Globalization;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Engines.PostgreSql.Facts;

namespace DbBackup.Engine.Engines.PostgreSql.Load;

/// <summary>
/// The schema public, which every new database has. A dump tells of it only what differs from how it was made, in an entry that mostly does
/// not create it (pg_dump: "*not* creating schema, since initdb creates it"). So it is never dropped for a dump, but made what the dump says.
/// Where a dump of that schema alone does create it, the one that is there is taken all the same: the privileges that the dump leaves out
/// are those of a new database, not those of CREATE SCHEMA.
/// </summary>
internal static class PublicSchema
{
    // What a dump writes where it creates the schema; within a function's body or a row these lines do not follow each other.
    private static ReadOnlySpan<byte> Heading => "\n-- Name: public; Type: SCHEMA; Schema: -; Owner: "u8;

    private static ReadOnlySpan<byte> Creation => "CREATE SCHEMA public;"u8;

    /// <summary>The archive's entry of it; null where it says nothing of its owner.</summary>
    public static ArchiveEntry? EntryOf(IEnumerable<ArchiveEntry> entries) => entries.FirstOrDefault(IsEntry);

    /// <summary>True if an entry is the schema itself, not its comment or privileges.</summary>
    public static bool IsEntry(ArchiveEntry entry) => entry is { Kind: "SCHEMA", Name: "public" };

    /// <summary>True if an entry says something of it: its comment, its privileges.</summary>
    public static bool IsAbout(ArchiveEntry entry) => entry is { Schema: "", Name: "SCHEMA public", Kind: "ACL" or "COMMENT" or "SECURITY LABEL" };

    /// <summary>Gives it an owner, where it has another one.</summary>
    public static string OwnedBy(string role) => $"""
        DO $dbbackup$ BEGIN
          IF (SELECT pg_catalog.pg_get_userbyid(nspowner) FROM pg_catalog.pg_namespace WHERE nspname = 'public') <> {PostgreSqlSession.Literal(role)} THEN
            ALTER SCHEMA public OWNER TO {PostgreSqlSession.Quote(role)};
          END IF;
        END $dbbackup$;

        """;

    /// <summary>Makes it where it is missing, as it is in a new database.</summary>
    public static string Exists => $"""
        DO $dbbackup$ BEGIN
          IF pg_catalog.to_regnamespace('public') IS NULL THEN
            CREATE SCHEMA public;
            {AsMade}
          END IF;
        END $dbbackup$;

        """;

    /// <summary>
    /// Makes its owner, privileges and comment those of a new database, which is what a dump's entries build upon; they stay as they are where
    /// the connecting role may not change them.
    /// </summary>
    public static string IsAsMade => $"""
        DO $dbbackup$ DECLARE item record; BEGIN
          IF (SELECT pg_catalog.pg_has_role(n.nspowner, 'USAGE') AND pg_catalog.pg_has_role(r.oid, 'MEMBER') FROM pg_catalog.pg_namespace n, pg_catalog.pg_roles r
              WHERE n.nspname = 'public' AND r.oid = {OwnerAsMade}) THEN
            FOR item IN SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::pg_catalog.regrole::text END AS name
                        FROM pg_catalog.pg_namespace n, pg_catalog.aclexplode(n.nspacl) a WHERE n.nspname = 'public' AND a.grantee <> n.nspowner LOOP
              EXECUTE format('REVOKE ALL ON SCHEMA public FROM %s CASCADE', item.name);
            END LOOP;
            {AsMade}
          END IF;
        END $dbbackup$;

        """;

    /// <summary>
    /// Drops it where the database that was dumped had none, of which a dump says nothing: then there are as many schemas beside it as there
    /// were in all.
    /// </summary>
    /// <param name="schemas">How many schemas the database had.</param>
    /// <param name="isNew">True if the database was made for this; in another one, schemas may have stayed for the sake of extensions.</param>
    public static string ExistsNotBeside(long schemas, bool isNew) => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        DO $dbbackup$ BEGIN
          IF (SELECT count(*) FROM pg_catalog.pg_namespace n WHERE n.nspname <> 'public' AND {PostgreSqlCatalog.UserSchema} AND {PostgreSqlCatalog.NotOfExtension("pg_namespace", "n.oid")}) = {schemas}
             AND ({(isNew ? "true" : "false")} OR NOT EXISTS (SELECT 1 FROM pg_catalog.pg_extension x JOIN pg_catalog.pg_namespace n ON n.oid = x.extnamespace WHERE n.nspname <> 'public' AND {PostgreSqlCatalog.UserSchema})) THEN
            DROP SCHEMA IF EXISTS public;
          END IF;
        EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege THEN NULL;
        END $dbbackup$;

        """);

    /// <summary>Takes the creation of the schema out of the beginning of SQL text, unless the text itself drops it before.</summary>
    /// <param name="start">The beginning; a statement that is taken out becomes blanks.</param>
    public static void LeaveOutCreation(Span<byte> start)
    {
        int heading = start.IndexOf(Heading);
        if (heading < 0 || start[..heading].IndexOf("\nDROP SCHEMA public;"u8) >= 0 || start[..heading].IndexOf("\nDROP SCHEMA IF EXISTS public;"u8) >= 0)
            return;
        // The heading's own end, a line of dashes and an empty one.
        Span<byte> rest = start[(heading + Heading.Length)..];
        int creation = rest.IndexOf(Creation);
        if (creation >= 0 && rest[..creation].Count((byte)'\n') == 3 && rest[creation - 1] == '\n')
            rest.Slice(creation, Creation.Length).Fill((byte)' ');
    }

    private const string OwnerAsMade = "(CASE WHEN pg_catalog.current_setting('server_version_num')::integer >= 150000 THEN pg_catalog.to_regrole('pg_database_owner')::oid ELSE 10 END)";

    // Since 15 it belongs to the owner of the database, and only they create in it: https://www.postgresql.org/docs/15/release-15.html.
    // Before, it belonged to the superuser whom initdb makes, whose oid is 10 (BOOTSTRAP_SUPERUSERID).
    private static string AsMade => $"""
        EXECUTE (SELECT pg_catalog.format('ALTER SCHEMA public OWNER TO %I; GRANT ALL ON SCHEMA public TO %I; GRANT %s ON SCHEMA public TO PUBLIC',
              rolname, rolname, CASE oid WHEN 10 THEN 'ALL' ELSE 'USAGE' END)
            FROM pg_catalog.pg_roles WHERE oid = {OwnerAsMade});
            COMMENT ON SCHEMA public IS 'standard public schema';
        """;
}
