using System.Globalization;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Text;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Restores;
using DbBackup.Engine.Restores.PostgreSql;

namespace DbBackup.Upgrades.Targets;

/// <summary>Loads the backup of a whole server into a new, empty one: settings, roles, databases, and who may connect. Each database is compared by its fingerprint and its schema.</summary>
internal static class ServerLoad
{
    private const string Action = "copying the superuser";

    /// <summary>Loads it.</summary>
    /// <param name="server">The upgrade; the old server runs.</param>
    /// <param name="target">The new server.</param>
    /// <param name="backup">The backup of the old server.</param>
    /// <param name="repository">The backup's repository.</param>
    /// <param name="request">The upgrade.</param>
    /// <param name="observer">Receives progress.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>What was loaded, for the journal.</returns>
    /// <exception cref="BackupException">The new server refuses a part of it, or has something else than was backed up.</exception>
    public static async Task<string> RunAsync(
        UpgradeSubject.MajorVersion server, TrialServer target, Backup backup, BackupRepository repository, UpgradeRequest request, IOperationObserver observer, CancellationToken cancellationToken)
    {
        var source = new PostgreSqlConnectionRequest { Server = server.Server };
        string[] roles;
        IReadOnlyList<string> settings;
        using (PostgreSqlSession old = await TrialServer.OpenAsync(source, cancellationToken).ConfigureAwait(false))
        using (PostgreSqlSession session = await TrialServer.OpenAsync(target.Connection, cancellationToken).ConfigureAwait(false))
        {
            await WarnOfLeftOutAsync(old, backup, "in the old volume", observer, cancellationToken).ConfigureAwait(false);
            foreach ((_, string folder) in await ServerTablespaces.FoldersAsync(old, cancellationToken).ConfigureAwait(false))
                await target.MakeFolderAsync(session, folder, server.Volumes.Select(volume => volume.New.Path), cancellationToken).ConfigureAwait(false);
            settings = await ServerSettings.CopyAsync(old, session, observer, cancellationToken).ConfigureAwait(false);
            roles = [.. await session.RowsAsync("SELECT rolname::text FROM pg_roles WHERE rolname !~ '^pg_'", row => row.GetString(0), Action, cancellationToken).ConfigureAwait(false)];
        }

        if (settings.Count > 0)
            await target.RestartAsync(cancellationToken).ConfigureAwait(false);
        string loaded = await DatabasesAsync(target.Connection, backup, repository, request, observer, cancellationToken).ConfigureAwait(false);
        using (PostgreSqlSession old = await TrialServer.OpenAsync(source, cancellationToken).ConfigureAwait(false))
        using (PostgreSqlSession session = await TrialServer.OpenAsync(target.Connection, cancellationToken).ConfigureAwait(false))
        {
            await ServerTablespaces.RequireAllAsync(old, session, cancellationToken).ConfigureAwait(false);
            await CopyOwnRolesAsync(session, roles, backup, repository, cancellationToken).ConfigureAwait(false);
            settings = [.. settings, .. await ServerSettings.CopyRulesAsync(old, session, cancellationToken).ConfigureAwait(false)];
        }

        return settings.Count == 0 ? loaded : $"{loaded}, with {string.Join(", ", settings)}";
    }

    /// <summary>Loads the databases, and the roles that the new server does not have.</summary>
    /// <param name="target">The new server.</param>
    /// <param name="backup">The backup of the old server.</param>
    /// <param name="repository">The backup's repository.</param>
    /// <param name="request">The upgrade.</param>
    /// <param name="observer">Receives progress.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>What was loaded, for the journal.</returns>
    /// <exception cref="BackupException">The new server refuses a part of it, or has something else than was backed up.</exception>
    public static async Task<string> DatabasesAsync(
        PostgreSqlConnectionRequest target, Backup backup, BackupRepository repository, UpgradeRequest request, IOperationObserver observer, CancellationToken cancellationToken)
    {
        PreparedRestore restore = await PreparedRestore.PrepareAsync(
            repository,
            new RestoreRequest { Backup = backup, Connection = target, NoSafetyBackup = true, Force = true, LockTimeout = request.LockTimeout },
            changeNothing: false, observer, cancellationToken).ConfigureAwait(false);
        RestoreResult result = await restore.RunAsync(observer, cancellationToken).ConfigureAwait(false);
        int databases = backup.Manifest!.Payloads.Count(payload => payload.Kind == PayloadKind.Database);
        return string.Create(CultureInfo.InvariantCulture, $"{databases} {(databases == 1 ? "database" : "databases")} loaded, {result.Status}");
    }

    // The new server has its superuser already, with the password of the container's variables: that of the old one may have been changed since.
    private static async Task CopyOwnRolesAsync(PostgreSqlSession session, string[] roles, Backup backup, BackupRepository repository, CancellationToken cancellationToken)
    {
        Manifest manifest = backup.Manifest!;
        Payload globals = manifest.Payloads.First(payload => payload.Kind == PayloadKind.Globals);
        RoleScript script = await RoleParticipant.ReadAsync(repository.ContentOf(new BackupKey(backup.Source, backup.Name), manifest), globals, cancellationToken).ConfigureAwait(false);
        foreach (RoleStatement statement in script.For(roles).Where(statement => !statement.Creates))
            await session.ExecuteAsync(statement.Sql, Action, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Warns of databases that a restore kept under another name: they are in no backup of the server.</summary>
    /// <param name="old">The old server.</param>
    /// <param name="backup">Its backup.</param>
    /// <param name="place">Where they stay.</param>
    /// <param name="observer">Receives the warning.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static async Task WarnOfLeftOutAsync(PostgreSqlSession old, Backup backup, string place, IOperationObserver observer, CancellationToken cancellationToken)
    {
        string[] saved = [.. backup.Manifest!.Payloads.Select(payload => payload.Database?.Name).OfType<string>(), "template0", "template1"];
        List<string> left = await old.RowsAsync(
            "SELECT datname::text FROM pg_database WHERE datname <> ALL ($1) ORDER BY 1", row => row.GetString(0), "listing databases", cancellationToken, [saved]).ConfigureAwait(false);
        if (left.Count > 0)
            observer.Warning($"Not loaded into the new server, because no backup of the server has them (earlier restores kept them, or a killed one left them): {string.Join(", ", left)}. They stay {place}.");
    }
}
