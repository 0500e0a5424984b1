using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;

namespace DbBackup.Engine.Engines.PostgreSql.Load;

/// <summary>An extension that can be created in one database of a server alone.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Setting">The server's setting that names this database; a server that has not loaded the extension's library has no such setting.</param>
/// <param name="Schema">The schema that its script creates, with the tables whose rows a dump has.</param>
internal sealed record SingleDatabaseExtension(string Name, string Setting, string Schema);

/// <summary>What of an archive belongs to extensions that are left out.</summary>
/// <param name="Own">The numbers of the entries that are the extensions' own: they themselves, comments, privileges, rows of their tables.</param>
/// <param name="Dependents">The user's objects that need them.</param>
internal sealed record ExtensionEntries(IReadOnlySet<int> Own, IReadOnlyList<ArchiveEntry> Dependents);

/// <summary>
/// Extensions that live in a single database of a server. Wherever else a dump of that database is restored, beside it or for a test,
/// <c>CREATE EXTENSION</c> fails, so there they are left out.
/// </summary>
internal static class SingleDatabaseExtensions
{
    // pg_cron--1.0.sql raises "can only create extension in database %" by cron.database_name; https://github.com/citusdata/pg_cron, "pg_cron
    // may only be installed to one database in a cluster". Those that are similar have no such rule: pgagent, pg_partman, pg_net, timescaledb,
    // citus and pglogical can be created in every database.
    private static readonly SingleDatabaseExtension[] s_all = [new("pg_cron", "cron.database_name", "cron")];

    // What a dump has of an extension's own objects. The objects themselves are made by CREATE EXTENSION.
    private static readonly HashSet<string> s_kindsOfOwn = new(StringComparer.Ordinal) { "TABLE DATA", "SEQUENCE SET", "ACL", "SECURITY LABEL" };

    /// <summary>Those that a database had.</summary>
    public static IReadOnlyList<SingleDatabaseExtension> Of(DatabaseInfo? info) =>
        info is null ? [] : [.. s_all.Where(extension => info.Extensions.Any(each => each.Name == extension.Name))];

    /// <summary>The database of a server in which an extension can be created; null if the server has not loaded it.</summary>
    public static Task<string?> HomeAsync(PostgreSqlSession session, SingleDatabaseExtension extension, CancellationToken cancellationToken) =>
        session.TextAsync("SELECT current_setting($1, true)", "looking for extensions", cancellationToken, extension.Setting);

    /// <summary>Finds what of an archive belongs to extensions, and what needs them.</summary>
    /// <param name="listing">The archive's content, with dependencies.</param>
    /// <param name="extensions">The names of extensions that live in a single database.</param>
    public static ExtensionEntries EntriesOf(ArchiveListing listing, IReadOnlyCollection<string> extensions)
    {
        SingleDatabaseExtension[] chosen = [.. s_all.Where(extension => extensions.Contains(extension.Name))];
        HashSet<int> roots = [.. listing.Entries.Where(entry => entry.Kind == "EXTENSION" && extensions.Contains(entry.Name)).Select(entry => entry.DumpId)];
        HashSet<int> there = [.. listing.Entries.Select(entry => entry.DumpId)];
        HashSet<int> own = [.. roots];
        foreach (ArchiveEntry entry in listing.Entries)
        {
            bool isComment = entry.Kind == "COMMENT" && entry.DependsOn.Any(roots.Contains) && entry.Name.StartsWith("EXTENSION ", StringComparison.Ordinal);
            // The object that it is about is in no entry.
            bool isOfMember = s_kindsOfOwn.Contains(entry.Kind) && !entry.DependsOn.Any(there.Contains)
                && Array.Exists(chosen, extension => entry.Schema == extension.Schema || (entry.Schema.Length == 0 && entry.Name == "SCHEMA " + extension.Schema));
            if (isComment || isOfMember)
                own.Add(entry.DumpId);
        }

        // Entries come after what they depend on, or nearly so: a few rounds reach all.
        HashSet<int> needing = [.. roots];
        var dependents = new List<ArchiveEntry>();
        int before;
        do
        {
            before = dependents.Count;
            foreach (ArchiveEntry entry in listing.Entries.Where(entry => !own.Contains(entry.DumpId) && !needing.Contains(entry.DumpId) && entry.DependsOn.Any(needing.Contains)))
            {
                needing.Add(entry.DumpId);
                dependents.Add(entry);
            }
        }
        while (dependents.Count > before);
        return new ExtensionEntries(own, dependents);
    }

    /// <summary>The user's objects that need extensions, for a message; empty if there are none.</summary>
    public static string Describe(IReadOnlyList<ArchiveEntry> dependents) =>
        string.Join(", ", dependents.Select(entry => $"{entry.Kind} {(entry.Schema.Length == 0 ? string.Empty : entry.Schema + ".")}{entry.Name}").Take(5)) + (dependents.Count > 5 ? " …" : string.Empty);

    /// <summary>True if an object of a schema, as pg_dump names it, is an extension's own.</summary>
    public static bool IsOwn(string kind, string schema, string name, IReadOnlyCollection<string> extensions) => extensions.Count > 0 && kind switch
    {
        "EXTENSION" => extensions.Contains(name),
        "COMMENT" => schema.Length == 0 && extensions.Any(extension => name == "EXTENSION " + extension),
        "ACL" or "SECURITY LABEL" => s_all.Any(extension => extensions.Contains(extension.Name) && (schema == extension.Schema || (schema.Length == 0 && name == "SCHEMA " + extension.Schema))),
        _ => false,
    };
}
