using System.Globalization;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Engines.PostgreSql.Facts;
using DbBackup.Engine.Engines.PostgreSql.Load;

namespace DbBackup.Engine.Restores.PostgreSql;

/// <summary>
/// What a role needs to empty a database and load it in place. The server would say it in the middle of the load, one object after the other,
/// each time after everything before it was done and undone.
/// </summary>
internal static class InPlaceRights
{
    private const string Looking = "looking at the rights of the role";
    private const int MostNamed = 5;

    // Rows and values of extensions' tables have the extension's owner, who stays.
    private static readonly HashSet<string> s_withoutOwner = new(StringComparer.Ordinal) { "TABLE DATA", "SEQUENCE SET", "DATABASE", "DATABASE PROPERTIES", "COMMENT" };

    /// <summary>Fails if the database has objects that the role cannot drop.</summary>
    /// <param name="session">A session in the database.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public static async Task RequireOwnershipAsync(PostgreSqlSession session, CancellationToken cancellationToken)
    {
        // The owner of a schema may drop what is in it.
        string OfSchema(string catalogue, string alias, string owner, string schema) =>
            $"SELECT '{catalogue}'::regclass AS kind, {alias}.oid, {alias}.{owner} AS owner, n.nspowner AS other FROM {catalogue} {alias} JOIN pg_namespace n ON n.oid = {alias}.{schema}"
            + $" WHERE {PostgreSqlCatalog.UserSchema} AND {PostgreSqlCatalog.NotOfExtension(catalogue, alias + ".oid")}";
        string OfDatabase(string catalogue, string owner) =>
            $"SELECT '{catalogue}'::regclass, o.oid, o.{owner}, o.{owner} FROM {catalogue} o WHERE {PostgreSqlCatalog.NotOfExtension(catalogue, "o.oid")}";
        List<string> found = await session.RowsAsync(
            $"""
            SELECT pg_describe_object(o.kind, o.oid, 0) FROM (
              {OfSchema("pg_class", "c", "relowner", "relnamespace")} AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND NOT c.relispartition
              UNION ALL {OfSchema("pg_proc", "p", "proowner", "pronamespace")}
              UNION ALL {OfSchema("pg_type", "t", "typowner", "typnamespace")} AND (t.typtype IN ('d', 'e', 'r') OR t.typtype = 'c' AND EXISTS (SELECT 1 FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))
              UNION ALL SELECT 'pg_namespace'::regclass, n.oid, n.nspowner, n.nspowner FROM pg_namespace n WHERE {PostgreSqlCatalog.UserSchema} AND n.nspname <> 'public'
                AND {PostgreSqlCatalog.NotOfExtension("pg_namespace", "n.oid")} AND NOT EXISTS (SELECT 1 FROM pg_extension x WHERE x.extnamespace = n.oid)
              UNION ALL {OfDatabase("pg_event_trigger", "evtowner")}
              UNION ALL {OfDatabase("pg_publication", "pubowner")}
              UNION ALL {OfDatabase("pg_foreign_data_wrapper", "fdwowner")}
              UNION ALL SELECT 'pg_largeobject'::regclass, m.oid, m.lomowner, m.lomowner FROM pg_largeobject_metadata m
            ) o WHERE NOT pg_has_role(o.owner, 'USAGE') AND NOT pg_has_role(o.other, 'USAGE') ORDER BY 1
            """,
            row => row.GetString(0),
            Looking,
            cancellationToken).ConfigureAwait(false);
        if (found.Count == 0)
            return;
        throw new BackupFailure(
            ErrorCodes.PermissionDenied,
            FailureCategory.PermissionDenied,
            string.Create(CultureInfo.InvariantCulture, $"A restore in place drops what '{session.Database}' has, and the role '{session.Server.Username}' does not own {found.Count} of its objects: {string.Join(", ", found.Take(MostNamed))}. Nothing was changed."),
            "Restore as their owner or as a superuser (-Username), or beside the present database, with a role that may create databases and without -InPlace.")
        { Target = session.Server.LocationOf(session.Database) };
    }

    /// <summary>Fails if the role cannot give objects to their owners.</summary>
    /// <param name="session">A session in the database.</param>
    /// <param name="entries">What the archive holds.</param>
    /// <param name="presentSchemas">Schemas that stay, and are not loaded.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public static async Task RequireOwnersAsync(
        PostgreSqlSession session, IEnumerable<ArchiveEntry> entries, IReadOnlyCollection<string> presentSchemas, CancellationToken cancellationToken)
    {
        string[] owners = [.. entries.Where(entry => entry.Owner.Length > 0 && !s_withoutOwner.Contains(entry.Kind) && !PublicSchema.IsEntry(entry) && !(entry.Kind == "SCHEMA" && presentSchemas.Contains(entry.Name))).Select(entry => entry.Owner).Distinct(StringComparer.Ordinal)];
        string right = session.ServerMajor >= 16 ? "SET" : "MEMBER";
        List<string> others = await session.RowsAsync(
            $"SELECT rolname::text FROM pg_roles WHERE rolname = ANY ($1) AND NOT pg_has_role(oid, '{right}') ORDER BY 1", row => row.GetString(0), Looking, cancellationToken, [owners]).ConfigureAwait(false);
        if (others.Count == 0)
            return;
        throw new BackupFailure(
            ErrorCodes.PermissionDenied,
            FailureCategory.PermissionDenied,
            $"In the backup of '{session.Database}' objects belong to other roles, to which '{session.Server.Username}' cannot give them: {string.Join(", ", others.Take(MostNamed))}. Nothing was changed.",
            "Restore as a superuser (-Username), or give everything to the connecting role: -NoOwner.")
        { Target = session.Server.LocationOf(session.Database) };
    }

    /// <summary>The rows of extensions' tables, and values of their sequences, that the role may not write: they stay as they are.</summary>
    /// <param name="session">A session in the database.</param>
    /// <param name="listing">What the archive holds.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public static async Task<IReadOnlyList<ArchiveEntry>> UnwritableAsync(PostgreSqlSession session, ArchiveListing listing, CancellationToken cancellationToken)
    {
        HashSet<int> there = [.. listing.Entries.Select(entry => entry.DumpId)];
        ArchiveEntry[] ofExtensions = [.. listing.Entries.Where(entry => entry.Kind is "TABLE DATA" or "SEQUENCE SET" && !entry.DependsOn.Any(there.Contains))];
        // to_regclass would fail in a schema that the role may not use.
        List<int> unwritable = await session.RowsAsync(
            """
            SELECT e.place::integer FROM unnest($1, $2) WITH ORDINALITY e(schema, name, place) JOIN pg_namespace n ON n.nspname = e.schema JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = e.name
            WHERE NOT has_schema_privilege(n.oid, 'USAGE') OR NOT CASE c.relkind
              WHEN 'S' THEN has_sequence_privilege(c.oid, 'UPDATE') ELSE has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'DELETE') END
            """,
            row => row.GetInt32(0),
            Looking,
            cancellationToken,
            ofExtensions.Select(entry => entry.Schema).ToArray(),
            ofExtensions.Select(entry => entry.Name).ToArray()).ConfigureAwait(false);
        return [.. unwritable.Select(place => ofExtensions[place - 1])];
    }
}
