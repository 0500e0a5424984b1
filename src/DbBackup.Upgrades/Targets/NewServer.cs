using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Text;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Restores.PostgreSql;

namespace DbBackup.Upgrades.Targets;

/// <summary>A running server that gets the databases and roles of another one, which it does not have yet.</summary>
/// <param name="old">The other server.</param>
/// <param name="connection">The new server.</param>
/// <param name="request">The upgrade.</param>
internal sealed class NewServer(PostgreSqlConnectionRequest old, PostgreSqlConnectionRequest connection, UpgradeRequest request) : IServerRehearsal
{
    private const string Looking = "looking for what the new server has";
    private const string Emptying = "removing what was loaded into the new server";

    // Each new server has it, and PostgreSQL's own programs connect to it.
    private const string Maintenance = "postgres";
    private const string Template = "template1";

    // What initdb makes is in the schemas of the system, but for what extensions have.
    private const string ContentSql = """
        SELECT string_agg(what, ', ') FROM (
            SELECT c.oid::regclass::text AS what FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)' AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
            UNION ALL SELECT 'extension ' || extname FROM pg_extension WHERE extname <> 'plpgsql'
            LIMIT 5) found
        """;

    private const string DatabasesSql = "SELECT datname::text FROM pg_database WHERE datname NOT IN ('template0', 'template1') ORDER BY 1";
    private const string RolesSql = "SELECT rolname::text FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1";

    // What differs between two machines and is not the databases' matter: places, addresses, names, certificates, logs, and copies of the log.
    private const string SettingsSql = """
        SELECT name, setting FROM pg_file_settings f WHERE applied AND setting IS NOT NULL AND name NOT IN ('default_transaction_read_only', 'listen_addresses', 'port', 'cluster_name', 'external_pid_file', 'stats_temp_directory')
            AND name !~ '(_directory|_directories|_file|_command|_conninfo|_dir|_prefix|_timezone)$' AND name !~ '^(ssl|log_|unix_socket|recovery_|archive_|restore_|primary_|lc_)'
        ORDER BY seqno
        """;

    private const string RulesSql = "SELECT coalesce(string_agg(concat_ws(' ', type, database, user_name, address, netmask, auth_method, options), E'\\n' ORDER BY line_number), '') FROM pg_hba_file_rules";

    /// <summary>How it is reached.</summary>
    public PostgreSqlConnectionRequest Connection => connection;

    public PostgreSqlConnectionRequest? Upgraded => connection;

    /// <summary>Fails if the new server cannot take what the old one has.</summary>
    /// <returns>The databases and roles that the new server has already.</returns>
    /// <exception cref="BackupException">It is no other server, its role is no superuser, or it has some of the old one's databases.</exception>
    public async Task<NewServerRecord> RequireFitAsync(CancellationToken cancellationToken)
    {
        using PostgreSqlSession source = await TrialServer.OpenAsync(old, cancellationToken).ConfigureAwait(false);
        using PostgreSqlSession target = await TrialServer.OpenAsync(connection, cancellationToken).ConfigureAwait(false);
        if (!await PostgreSqlTarget.IsSuperuserAsync(target, cancellationToken).ConfigureAwait(false))
            throw Refused(target, $"is reached as role '{target.Server.Username}', which is no superuser", "Connect to it as a superuser (-To, -ToCredential).");
        if (await IdentityAsync(source, cancellationToken).ConfigureAwait(false) == await IdentityAsync(target, cancellationToken).ConfigureAwait(false))
            throw Refused(target, "is the old server itself", "Name another server with -To.");
        if (await PostgreSqlTarget.IsStandbyAsync(target, cancellationToken).ConfigureAwait(false))
            throw Refused(target, "is a standby", "Name its primary with -To.");
        List<string> wanted = await NamesAsync(source, DatabasesSql, cancellationToken).ConfigureAwait(false);
        List<string> databases = await NamesAsync(target, DatabasesSql, cancellationToken).ConfigureAwait(false);
        string[] same = [.. databases.Intersect(wanted).Where(name => name != Maintenance)];
        if (same.Length > 0)
            throw Refused(target, $"has databases of the same name: {string.Join(", ", same)}", "Drop or rename them there, or name an empty server.");
        if (databases.Contains(Maintenance) && wanted.Contains(Maintenance) && await ContentAsync(cancellationToken).ConfigureAwait(false) is { Length: > 0 } content)
            throw Refused(target, $"has something in its database '{Maintenance}', which would be replaced: {content}", "Drop it there, or name an empty server.");
        var before = new NewServerRecord(databases, await NamesAsync(target, RolesSql, cancellationToken).ConfigureAwait(false)) { Tablespaces = await NamesAsync(target, ServerTablespaces.NamesSql, cancellationToken).ConfigureAwait(false) };
        await RequireTablespacesAsync(source, target, before, cancellationToken).ConfigureAwait(false);
        return before;
    }

    // What the new server has not yet is created in the folder in which the old one has it; another machine's folders are its administrator's to make.
    private static async Task RequireTablespacesAsync(PostgreSqlSession source, PostgreSqlSession target, NewServerRecord before, CancellationToken cancellationToken)
    {
        DumpedTablespace[] missing =
        [
            .. (await ServerTablespaces.FoldersAsync(source, cancellationToken).ConfigureAwait(false))
                .Where(each => !before.Tablespaces.Contains(each.Name)).Select(each => new DumpedTablespace(each.Name, Maintenance, each.Folder)),
        ];
        DumpedTablespace[] impossible = [.. missing.Except(await TablespaceParticipant.CreatableAsync(target, missing, cancellationToken).ConfigureAwait(false))];
        if (impossible.Length > 0)
        {
            throw Refused(
                target, $"lacks tablespaces of the old one, and has no empty folder of its own where they were: {string.Join(", ", impossible.Select(each => $"{each.Name} ('{each.Location}')"))}",
                $"Create them there, each in a folder that belongs to the server: {string.Join(' ', impossible.Select(each => $"CREATE TABLESPACE {PostgreSqlSession.Quote(each.Name)} LOCATION '/FOLDER';"))}");
        }
    }

    /// <summary>Warns of what is set on the old server and not on the new one: a running server's own settings stay as they are.</summary>
    public async Task WarnOfDifferencesAsync(NewServerRecord before, IOperationObserver observer, CancellationToken cancellationToken)
    {
        using PostgreSqlSession source = await TrialServer.OpenAsync(old, cancellationToken).ConfigureAwait(false);
        using PostgreSqlSession target = await TrialServer.OpenAsync(connection, cancellationToken).ConfigureAwait(false);
        Dictionary<string, string> own = await SettingsAsync(target, cancellationToken).ConfigureAwait(false);
        string[] settings = [.. (await SettingsAsync(source, cancellationToken).ConfigureAwait(false)).Where(each => own.GetValueOrDefault(each.Key) != each.Value).Select(each => $"{each.Key} = {each.Value}")];
        if (settings.Length > 0)
            observer.Warning($"These settings of the old server are not set on the new one: {string.Join(", ", settings)}. Set there what is still right (ALTER SYSTEM SET).");
        if (await source.TextAsync(RulesSql, Looking, cancellationToken).ConfigureAwait(false) != await target.TextAsync(RulesSql, Looking, cancellationToken).ConfigureAwait(false))
            observer.Warning("The rules of who may connect (pg_hba.conf) differ between the servers. Adapt those of the new one before its users come.");
        string[] roles = [.. (await NamesAsync(source, RolesSql, cancellationToken).ConfigureAwait(false)).Intersect(before.Roles)];
        if (roles.Length > 0)
            observer.Warning($"These roles are on the new server already, and keep their passwords and attributes there: {string.Join(", ", roles)}.");
    }

    /// <summary>Loads a backup.</summary>
    /// <returns>What was loaded, for the journal.</returns>
    public async Task<string> RunAsync(Backup backup, BackupRepository repository, IOperationObserver observer, CancellationToken cancellationToken)
    {
        using (PostgreSqlSession source = await TrialServer.OpenAsync(old, cancellationToken).ConfigureAwait(false))
            await ServerLoad.WarnOfLeftOutAsync(source, backup, "on the old server", observer, cancellationToken).ConfigureAwait(false);
        string loaded = await ServerLoad.DatabasesAsync(connection, backup, repository, request, observer, cancellationToken).ConfigureAwait(false);
        using (PostgreSqlSession source = await TrialServer.OpenAsync(old, cancellationToken).ConfigureAwait(false))
        using (PostgreSqlSession target = await TrialServer.OpenAsync(connection, cancellationToken).ConfigureAwait(false))
            await ServerTablespaces.RequireAllAsync(source, target, cancellationToken).ConfigureAwait(false);
        return loaded;
    }

    public async Task<(PostgreSqlConnectionRequest Connection, IAsyncDisposable End)> LoadAsync(Backup backup, BackupRepository repository, IOperationObserver observer, CancellationToken cancellationToken)
    {
        NewServerRecord before = await RequireFitAsync(cancellationToken).ConfigureAwait(false);
        var end = new Rehearsed(this, before);
        try
        {
            await RunAsync(backup, repository, observer, cancellationToken).ConfigureAwait(false);
            return (connection, end);
        }
        catch
        {
            await end.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    // The journal knows what was there before: who resumes the upgrade or rolls it back empties the server by it.
    public Task SweepAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Removes the databases, tablespaces and roles of the old server from the new one, but for those that it had before.</summary>
    /// <param name="before">What it had before.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task EmptyAsync(NewServerRecord before, CancellationToken cancellationToken)
    {
        List<string> databases;
        List<string> roles;
        List<string> tablespaces;
        using (PostgreSqlSession source = await TrialServer.OpenAsync(old, cancellationToken).ConfigureAwait(false))
        {
            databases = await NamesAsync(source, DatabasesSql, cancellationToken).ConfigureAwait(false);
            roles = await NamesAsync(source, RolesSql, cancellationToken).ConfigureAwait(false);
            tablespaces = await NamesAsync(source, ServerTablespaces.NamesSql, cancellationToken).ConfigureAwait(false);
        }

        // Of the databases that it had, only the one for maintenance can have been replaced; so the work is done in another one.
        PostgreSqlConnectionSettings settings = await PostgreSqlServer.ResolveAsync(connection, cancellationToken).ConfigureAwait(false);
        using PostgreSqlSession target = await PostgreSqlSession.OpenAsync(settings, Template, cancellationToken).ConfigureAwait(false);
        List<string> present = await NamesAsync(target, DatabasesSql, cancellationToken).ConfigureAwait(false);
        foreach (string database in present.Intersect(databases).Where(name => name != Maintenance && !before.Databases.Contains(name)))
            await target.ExecuteAsync($"DROP DATABASE IF EXISTS {PostgreSqlSession.Quote(database)} WITH (FORCE)", Emptying, cancellationToken).ConfigureAwait(false);
        if (databases.Contains(Maintenance) && before.Databases.Contains(Maintenance))
        {
            await target.ExecuteAsync($"DROP DATABASE IF EXISTS {Maintenance} WITH (FORCE)", Emptying, cancellationToken).ConfigureAwait(false);
            await target.ExecuteAsync($"CREATE DATABASE {Maintenance} TEMPLATE template0", Emptying, cancellationToken).ConfigureAwait(false);
        }

        foreach (string tablespace in (await NamesAsync(target, ServerTablespaces.NamesSql, cancellationToken).ConfigureAwait(false)).Intersect(tablespaces).Except(before.Tablespaces))
            await target.ExecuteAsync($"DROP TABLESPACE {PostgreSqlSession.Quote(tablespace)}", Emptying, cancellationToken).ConfigureAwait(false);
        foreach (string role in (await NamesAsync(target, RolesSql, cancellationToken).ConfigureAwait(false)).Intersect(roles).Except(before.Roles))
        {
            // It may have privileges for settings.
            await target.ExecuteAsync($"DROP OWNED BY {PostgreSqlSession.Quote(role)}", Emptying, cancellationToken).ConfigureAwait(false);
            await target.ExecuteAsync($"DROP ROLE {PostgreSqlSession.Quote(role)}", Emptying, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<string?> ContentAsync(CancellationToken cancellationToken)
    {
        PostgreSqlConnectionSettings settings = await PostgreSqlServer.ResolveAsync(connection, cancellationToken).ConfigureAwait(false);
        using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(settings, Maintenance, cancellationToken).ConfigureAwait(false);
        return await session.TextAsync(ContentSql, Looking, cancellationToken).ConfigureAwait(false);
    }

    private static Task<List<string>> NamesAsync(PostgreSqlSession session, string sql, CancellationToken cancellationToken) => session.RowsAsync(sql, row => row.GetString(0), Looking, cancellationToken);

    private static async Task<Dictionary<string, string>> SettingsAsync(PostgreSqlSession session, CancellationToken cancellationToken)
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach ((string name, string value) in await session.RowsAsync(SettingsSql, row => (row.GetString(0), row.GetString(1)), Looking, cancellationToken).ConfigureAwait(false))
            settings[name] = value;
        return settings;
    }

    private static Task<string?> IdentityAsync(PostgreSqlSession session, CancellationToken cancellationToken) =>
        session.TextAsync("SELECT system_identifier::text || ' ' || pg_postmaster_start_time() FROM pg_control_system()", Looking, cancellationToken);

    private static BackupFailure Refused(PostgreSqlSession target, string why, string hint)
    {
        string place = target.Server.LocationOf(null);
        return new BackupFailure(ErrorCodes.TargetInvalid, FailureCategory.Refused, $"The new server '{place}' {why}. Nothing was changed.", hint) { Target = place };
    }

    private sealed class Rehearsed(NewServer server, NewServerRecord before) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync() => await server.EmptyAsync(before, CancellationToken.None).ConfigureAwait(false);
    }
}

/// <summary>What a new server had before anything was loaded into it.</summary>
/// <param name="Databases">Its databases.</param>
/// <param name="Roles">Its roles.</param>
internal sealed record NewServerRecord(IReadOnlyList<string> Databases, IReadOnlyList<string> Roles)
{
    /// <summary>Its tablespaces, but for the two that each server has.</summary>
    public IReadOnlyList<string> Tablespaces { get; init => field = value ?? []; } = [];
}
