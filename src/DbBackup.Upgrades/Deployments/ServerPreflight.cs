using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Upgrades.Targets;

namespace DbBackup.Upgrades.Deployments;

/// <summary>Finds what a new server could not be given by a dump, before anything stops.</summary>
internal static class ServerPreflight
{
    private const string Looking = "looking for what a dump does not have";

    // What a server has beside its data: log, and room to sort for indexes.
    private const double RoomFactor = 1.2;

    private static readonly (string Sql, string What, string Hint)[] s_always =
    [
        ("SELECT string_agg(datname, ', ' ORDER BY datname) FROM pg_database WHERE NOT datallowconn AND datname <> 'template0'",
            "databases that allow no connections, and so cannot be dumped", "Allow them (ALTER DATABASE … ALLOW_CONNECTIONS true), or drop the databases."),
        ("SELECT string_agg(spcname, ', ' ORDER BY spcname) FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global')",
            "tablespaces, whose folders both servers would use", "Move their tables to the default tablespace first (ALTER DATABASE … SET TABLESPACE pg_default), or load a new server by hand: New-DbBackup -AllDatabases, Restore-DbBackup."),
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
    /// <returns>The size of all databases, in bytes.</returns>
    /// <exception cref="BackupException">The upgrade would lose something; the hint says what to do.</exception>
    public static async Task<long> RequireAsync(PostgreSqlConnectionRequest connection, UpgradeSubject.MajorVersion server, bool force, CancellationToken cancellationToken)
    {
        using PostgreSqlSession session = await TrialServer.OpenAsync(connection, cancellationToken).ConfigureAwait(false);
        if (!await PostgreSqlTarget.IsSuperuserAsync(session, cancellationToken).ConfigureAwait(false))
            throw Refused(server, $"role '{session.Server.Username}' is no superuser, and cannot dump the roles with their passwords", "Create the container with the superuser as POSTGRES_USER, or load a new server by hand: New-DbBackup -AllDatabases, Restore-DbBackup.");
        if (await PostgreSqlTarget.IsStandbyAsync(session, cancellationToken).ConfigureAwait(false))
            throw Refused(server, "it is a standby", "Upgrade its primary, and build the standby anew.");
        if (session.ServerMajor != server.From)
            throw Refused(server, $"its server is PostgreSQL {session.ServerMajor}, and its image says {server.From}", "Recreate the container from the image of the version that it runs.");
        await RequireNoPreparedAsync(session, server, cancellationToken).ConfigureAwait(false);
        foreach ((string sql, string what, string hint) in force ? s_always : [.. s_always, .. s_unlessForced])
        {
            if (await session.TextAsync(sql, Looking, cancellationToken).ConfigureAwait(false) is { Length: > 0 } found)
                throw Refused(server, $"it has {what}: {found}", hint);
        }

        long size = await session.NumberAsync("SELECT sum(pg_database_size(oid))::bigint FROM pg_database", Looking, cancellationToken).ConfigureAwait(false);
        // The volumes of an engine usually share one file system.
        if (await PostgreSqlTarget.FreeSpaceAsync(session, cancellationToken).ConfigureAwait(false) is var (folder, free) && free < size * RoomFactor)
            throw new NotEnoughSpaceException(folder, (long)(size * RoomFactor), free, $"the new server beside the old one ({server.Name})", "Free some room where Docker keeps its volumes (docker system df).");
        return size;
    }

    /// <summary>Fails if a prepared transaction is open: no dump has it.</summary>
    public static async Task RequireNoPreparedAsync(PostgreSqlSession session, UpgradeSubject.MajorVersion server, CancellationToken cancellationToken)
    {
        if (await session.TextAsync("SELECT string_agg(quote_literal(gid) || ' in ' || database, ', ') FROM pg_prepared_xacts", Looking, cancellationToken).ConfigureAwait(false) is { Length: > 0 } prepared)
            throw Refused(server, $"it has prepared transactions, which no dump has: {prepared}", "Commit them or roll them back (COMMIT PREPARED, ROLLBACK PREPARED).");
    }

    private static BackupFailure Refused(UpgradeSubject.MajorVersion server, string why, string hint) => new(
        ErrorCodes.TargetInvalid, FailureCategory.Refused, $"PostgreSQL {server.From} in container '{server.Name}' cannot be upgraded to {server.To}: {why}.", hint)
    { Target = server.Name };
}
