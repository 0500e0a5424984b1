using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Engine.Engines.PostgreSql.Swap;

/// <summary>
/// What of logical replication hangs on a database and not on its name: its subscriptions, which go on to receive in a database that is
/// kept under another name, and the slots from which its subscribers read.
/// </summary>
internal static class LogicalReplication
{
    private const string Looking = "looking for logical replication";

    /// <summary>What users must know of the slots of a database that is to be replaced.</summary>
    public static async Task<IReadOnlyList<string>> SlotsAsync(PostgreSqlSession session, string database, CancellationToken cancellationToken)
    {
        List<string> slots = await session.RowsAsync(
            "SELECT slot_name::text FROM pg_replication_slots WHERE slot_type = 'logical' AND database = $1 ORDER BY 1", row => row.GetString(0), Looking, cancellationToken, database).ConfigureAwait(false);
        return slots.Count == 0 ? [] :
            [$"the replication slots of the present database stay with it when it is kept, so their subscribers receive nothing from the restored one: {string.Join(", ", slots)}; drop them there (pg_drop_replication_slot) and create the subscriptions again"];
    }

    /// <summary>The subscriptions of a database.</summary>
    /// <param name="session">A session in any database of the server.</param>
    /// <param name="database">The database.</param>
    /// <param name="enabled">True for those that receive, false for those that do not, null for all.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    public static Task<List<string>> SubscriptionsAsync(PostgreSqlSession session, string database, bool? enabled, CancellationToken cancellationToken) => session.RowsAsync(
        $"""
        SELECT subname::text FROM pg_subscription
        WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = $1) {(enabled is null ? string.Empty : enabled.Value ? "AND subenabled" : "AND NOT subenabled")} ORDER BY 1
        """,
        row => row.GetString(0),
        Looking,
        cancellationToken,
        database);

    /// <summary>Disables the subscriptions of a database that receive.</summary>
    /// <returns>Their names.</returns>
    public static async Task<IReadOnlyList<string>> DisableAsync(PostgreSqlSession maintenance, string database, CancellationToken cancellationToken)
    {
        List<string> names = await SubscriptionsAsync(maintenance, database, enabled: true, cancellationToken).ConfigureAwait(false);
        await AlterAsync(maintenance.Server, database, names, "DISABLE", cancellationToken).ConfigureAwait(false);
        return names;
    }

    /// <summary>Enables subscriptions again.</summary>
    public static Task EnableAsync(PostgreSqlConnectionSettings server, string database, IReadOnlyList<string> names, CancellationToken cancellationToken) =>
        AlterAsync(server, database, names, "ENABLE", cancellationToken);

    /// <summary>
    /// Drops the subscriptions of a database that is to be dropped, which the server refuses while it has one. The slots on their publishers
    /// stay: the live database may read from them.
    /// </summary>
    public static async Task DropSubscriptionsAsync(PostgreSqlSession maintenance, string database, CancellationToken cancellationToken)
    {
        List<string> names = await SubscriptionsAsync(maintenance, database, enabled: null, cancellationToken).ConfigureAwait(false);
        if (names.Count == 0)
            return;
        using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(maintenance.Server, database, cancellationToken).ConfigureAwait(false);
        foreach (string name in names.Select(PostgreSqlSession.Quote))
        {
            await session.ExecuteAsync(
                $"ALTER SUBSCRIPTION {name} DISABLE; ALTER SUBSCRIPTION {name} SET (slot_name = NONE); DROP SUBSCRIPTION {name}", "dropping a subscription", cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task AlterAsync(PostgreSqlConnectionSettings server, string database, IReadOnlyList<string> names, string verb, CancellationToken cancellationToken)
    {
        if (names.Count == 0)
            return;
        using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(server, database, cancellationToken).ConfigureAwait(false);
        foreach (string name in names)
            await session.ExecuteAsync($"ALTER SUBSCRIPTION {PostgreSqlSession.Quote(name)} {verb}", "changing a subscription", cancellationToken).ConfigureAwait(false);
    }
}
