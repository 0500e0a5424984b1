using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Upgrades.Targets;

namespace DbBackup.Upgrades.Deployments;

/// <summary>Finds what a new server could not be given by a dump, before anything stops.</summary>
internal static class ServerPreflight
{
    private const string ListingExtensions = "listing extensions";
    private const string Looking = "looking for what a dump does not have";

    // What a server has beside its data: log, and room to sort for indexes.
    private const double RoomFactor = 1.2;

    private static readonly (string Sql, string What, string Hint)[] s_always =
    [
        ("SELECT string_agg(datname, ', ' ORDER BY datname) FROM pg_database WHERE NOT datallowconn AND datname <> 'template0'",
            "databases that allow no connections, and so cannot be dumped", "Allow them (ALTER DATABASE … ALLOW_CONNECTIONS true), or drop the databases."),
    ];

    private static readonly (string Sql, string What, string Hint)[] s_unlessForced =
    [
        ("SELECT string_agg(slot_name, ', ' ORDER BY slot_name) FROM pg_replication_slots WHERE NOT temporary",
            "replication slots, which the new server does not get", "Drop them and set the replication up anew after the upgrade, or accept that: -Force."),
        ("SELECT string_agg(application_name, ', ') FROM pg_stat_replication WHERE application_name <> 'pg_basebackup'",
            "standbys, which cannot follow the new server", "Build the standbys anew after the upgrade, and accept that: -Force."),
        ("SELECT string_agg(subname, ', ' ORDER BY subname) FROM pg_subscription",
            "subscriptions, which stay disabled on the new server", "Enable them after the upgrade (ALTER SUBSCRIPTION … ENABLE), and accept that: -Force."),
    ];

    /// <summary>Fails if the server has something that the new one would lack, or there is no room for the new one.</summary>
    /// <param name="connection">The old server.</param>
    /// <param name="room">The server whose disk the new data need.</param>
    /// <param name="change">The upgrade, for messages.</param>
    /// <param name="force">True to accept what the new server does not get.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="BackupException">The upgrade would lose something; the hint says what to do.</exception>
    public static async Task RequireAsync(PostgreSqlConnectionRequest connection, PostgreSqlConnectionRequest room, ServerChange change, bool force, CancellationToken cancellationToken)
    {
        using PostgreSqlSession session = await TrialServer.OpenAsync(connection, cancellationToken).ConfigureAwait(false);
        if (!await PostgreSqlTarget.IsSuperuserAsync(session, cancellationToken).ConfigureAwait(false))
            throw Refused(change, $"role '{session.Server.Username}' is no superuser, and cannot dump the roles with their passwords", change.SuperuserHint);
        if (await PostgreSqlTarget.IsStandbyAsync(session, cancellationToken).ConfigureAwait(false))
            throw Refused(change, "it is a standby", "Upgrade its primary, and build the standby anew.");
        if (session.ServerMajor != change.From)
            throw Refused(change, $"its server is PostgreSQL {session.ServerMajor}, and not {change.From}", change.VersionHint);
        await RequireNoPreparedAsync(session, change, cancellationToken).ConfigureAwait(false);
        foreach ((string sql, string what, string hint) in force ? s_always : [.. s_always, .. s_unlessForced])
        {
            if (await session.TextAsync(sql, Looking, cancellationToken).ConfigureAwait(false) is { Length: > 0 } found)
                throw Refused(change, $"it has {what}: {found}", hint);
        }

        long size = await session.NumberAsync("SELECT sum(pg_database_size(oid))::bigint FROM pg_database", Looking, cancellationToken).ConfigureAwait(false);
        using PostgreSqlSession disk = await TrialServer.OpenAsync(room, cancellationToken).ConfigureAwait(false);
        if (await PostgreSqlTarget.FreeSpaceAsync(disk, cancellationToken).ConfigureAwait(false) is var (folder, free) && free < size * RoomFactor)
            throw new NotEnoughSpaceException(folder, (long)(size * RoomFactor), free, $"the new server beside the old one ({change.Name})", change.RoomHint);
    }

    /// <summary>Fails if a prepared transaction is open: no dump has it.</summary>
    public static async Task RequireNoPreparedAsync(PostgreSqlSession session, ServerChange change, CancellationToken cancellationToken)
    {
        if (await session.TextAsync("SELECT string_agg(quote_literal(gid) || ' in ' || database, ', ') FROM pg_prepared_xacts", Looking, cancellationToken).ConfigureAwait(false) is { Length: > 0 } prepared)
            throw Refused(change, $"it has prepared transactions, which no dump has: {prepared}", "Commit them or roll them back (COMMIT PREPARED, ROLLBACK PREPARED).");
    }

    /// <summary>Fails if the new server lacks extensions that the old one's databases use.</summary>
    /// <param name="old">The old server.</param>
    /// <param name="target">The new server.</param>
    /// <param name="place">What lacks them, as the subject of a sentence.</param>
    /// <param name="name">What lacks them, as the error's target.</param>
    /// <param name="hint">What to do.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="BackupException">It lacks some.</exception>
    public static async Task RequireExtensionsAsync(PostgreSqlConnectionRequest old, PostgreSqlConnectionRequest target, string place, string name, string hint, CancellationToken cancellationToken)
    {
        PostgreSqlConnectionSettings settings = await PostgreSqlServer.ResolveAsync(old, cancellationToken).ConfigureAwait(false);
        var needed = new HashSet<string>(StringComparer.Ordinal);
        foreach (string database in await PostgreSqlServer.DatabasesAsync(settings, cancellationToken).ConfigureAwait(false))
        {
            using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(settings, database, cancellationToken).ConfigureAwait(false);
            needed.UnionWith(await session.RowsAsync("SELECT extname::text FROM pg_extension", row => row.GetString(0), ListingExtensions, cancellationToken).ConfigureAwait(false));
        }

        using PostgreSqlSession next = await TrialServer.OpenAsync(target, cancellationToken).ConfigureAwait(false);
        List<string> available = await next.RowsAsync("SELECT name::text FROM pg_available_extensions", row => row.GetString(0), ListingExtensions, cancellationToken).ConfigureAwait(false);
        string[] missing = [.. needed.Except(available).Order(StringComparer.Ordinal)];
        if (missing.Length > 0)
        {
            throw new BackupFailure(
                ErrorCodes.TargetLacksObjects, FailureCategory.NotFound, $"{place} lacks extensions that the databases use: {string.Join(", ", missing)}. Nothing was changed.", hint)
            { Target = name };
        }
    }

    /// <summary>An upgrade that cannot be made.</summary>
    public static BackupFailure Refused(ServerChange change, string why, string hint) => new(
        ErrorCodes.TargetInvalid, FailureCategory.Refused, $"PostgreSQL {change.From} {change.Place} cannot be upgraded to {change.To}: {why}.", hint)
    { Target = change.Name };
}

/// <summary>The change of a server from one major version to another, for messages.</summary>
/// <param name="Name">The server.</param>
/// <param name="Place">Where it is, as in <c>in container 'db'</c>.</param>
/// <param name="From">Its major version.</param>
/// <param name="To">The new server's major version.</param>
internal sealed record ServerChange(string Name, string Place, int From, int To)
{
    /// <summary>What to do if the role is no superuser.</summary>
    public required string SuperuserHint { get; init; }

    /// <summary>What to do if the server has another version.</summary>
    public required string VersionHint { get; init; }

    /// <summary>What to do if there is no room.</summary>
    public required string RoomHint { get; init; }
}
