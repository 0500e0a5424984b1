using System.Text.RegularExpressions;
using DbBackup.Engine.Engines.PostgreSql.Swap;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Tunnels;

namespace DbBackup.Engine.Engines.PostgreSql.Connect;

/// <summary>What a server has, and what a dump needs of it: looked at before anything is touched.</summary>
internal static class PostgreSqlTarget
{
    /// <summary>How the reason ends for extensions that are on the server, and that only a superuser creates.</summary>
    public const string NeedsSuperuser = "(needs a superuser)";

    private const string Looking = "looking at the target's server";

    // By these libpq finds a server that nobody names on the command line.
    private static readonly string[] s_servers = ["PGHOST", "PGHOSTADDR", "PGSERVICE"];

    /// <summary>True if the environment names a server.</summary>
    public static bool EnvironmentNamesServer => s_servers.Any(name => Environment.GetEnvironmentVariable(name) is { Length: > 0 });

    /// <summary>Fails if nothing says to which server an imported dump is restored: libpq's default would be some server, with live databases.</summary>
    /// <exception cref="BackupException">Neither the person nor the environment names one.</exception>
    public static void RequireNamed(PostgreSqlConnectionRequest request, Manifest manifest, string backup)
    {
        bool isNamed = request.Server is ServerAddress.AtHost or ServerAddress.OfText or ServerAddress.Through { Place.NamesPlace: true };
        if (manifest.ImportedFrom is null || isNamed || EnvironmentNamesServer)
            return;
        throw new BackupFailure(
            ErrorCodes.TargetInvalid,
            FailureCategory.InvalidArgument,
            $"'{backup}' was imported from '{manifest.ImportedFrom}', which does not say to which server it belongs. Nothing was changed.",
            "Name the server: -HostName localhost, -ConnectionString, -Container or -ComposeProject with -Service. To leave a database of that name as it is, add -Database NEWNAME.")
        { Target = backup };
    }

    /// <summary>Where a backup goes when only a part of the address is given: the rest is where it came from.</summary>
    /// <param name="request">What a person said.</param>
    /// <param name="location">Where the backup came from; null where that is not known.</param>
    /// <param name="username">The role with which it was made.</param>
    /// <param name="cancellationToken">Stops the search for a container.</param>
    /// <exception cref="BackupException">The location names a server that is not known here, or it cannot be found.</exception>
    public static Task<PostgreSqlConnectionSettings> ResolveAsync(
        PostgreSqlConnectionRequest request, string? location, string? username, CancellationToken cancellationToken) =>
        ResolveAsync(request, location, username, KnownServers.OfUser, cancellationToken);

    /// <summary>The same with a memory of servers; null where the location was written by this user, in whose private files nobody else writes.</summary>
    internal static Task<PostgreSqlConnectionSettings> ResolveAsync(
        PostgreSqlConnectionRequest request, string? location, string? username, KnownServers? known, CancellationToken cancellationToken)
    {
        if (request.Server is ServerAddress.AtHost or ServerAddress.OfText)
            return Task.FromResult(ResolveAddress(request, null, username));
        ITunnelAddress? origin = TunnelAddresses.Parse(location);
        ITunnelAddress? named = (request.Server as ServerAddress.Through)?.Place;
        ITunnelAddress? place = origin is null ? named : named?.CompleteFrom(origin) ?? origin;
        if (place is not { NamesPlace: true })
            return Task.FromResult(RequireKnown(ResolveAddress(request, location, username), request, location, known));
        // The engine of another machine, which only the location names.
        if (named?.NamesEngine != true && place.NamesOtherEngine && KnownServers.ServerOf(location) is { } engine && known?.Knows(engine) == false)
            throw KnownServers.Unconfirmed(engine, EngineHint(engine));
        // The role is known to the server that the backup came from, and perhaps to no other.
        bool isOrigin = origin is not null && named is not { NamesPlace: true };
        return TunnelledServer.ResolveAsync(
            place, request with { Database = request.Database ?? origin?.Database, Username = request.Username ?? (isOrigin ? username : null) }, cancellationToken);
    }

    /// <summary>What a person types who knows an engine.</summary>
    public static string EngineHint(string engine) => $"If you know it and trust it, name it: -DockerHost {engine["docker+".Length..]}.";

    // A server of this machine gets the password only as a proof that the password is known to both; of another machine, nothing.
    private static PostgreSqlConnectionSettings RequireKnown(PostgreSqlConnectionSettings settings, PostgreSqlConnectionRequest request, string? location, KnownServers? known)
    {
        string server = settings.LocationOf(null);
        if (location is null || known is null || known.Knows(server) || PostgreSqlConnectionSettings.Resolve(request).LocationOf(null) == server)
            return settings;
        if (settings.IsLocal)
            return settings with { ProvesPasswordAlone = true };
        throw KnownServers.Unconfirmed(server, NameHint(settings));
    }

    /// <summary>The failure of a server of this machine that a backup alone names, and that asks for a password without knowing it.</summary>
    public static BackupFailure Unproven(PostgreSqlConnectionSettings server, Exception cause) => new(
        ErrorCodes.ServerNotConfirmed,
        FailureCategory.Refused,
        $"The server '{server.LocationOf(null)}' asks for the password itself, and the backup alone names it: nothing was backed up from it by this user on this machine. The password was not sent.",
        NameHint(server),
        cause)
    { Target = server.LocationOf(null) };

    private static string NameHint(PostgreSqlConnectionSettings settings) =>
        FormattableString.Invariant($"If you know it and trust it, name it: -HostName {settings.Host} -Port {settings.Port}, in a test -TestServer {settings.LocationOf(null)}; or name another server.");

    // Another host is another server: nothing of the old address holds for it but the role's name.
    private static PostgreSqlConnectionSettings ResolveAddress(PostgreSqlConnectionRequest request, string? location, string? username)
    {
        PostgreSqlConnectionRequest origin = location is null ? new() : PostgreSqlConnectionSettings.FromLocation(location);
        return PostgreSqlConnectionSettings.Resolve(request with
        {
            Server = request.Server is ServerAddress.AtHost or ServerAddress.OfText ? request.Server : origin.Server,
            Port = request.Port ?? origin.Port,
            Database = request.Database ?? origin.Database,
            Username = request.Username ?? (request.Server is ServerAddress.OfText ? null : username),
        });
    }

    /// <summary>Where a backup's server was: of an application in containers, the database may be in another one than its files.</summary>
    public static string? LocationOf(Manifest manifest) =>
        manifest.Payloads.Select(payload => payload.Kind == PayloadKind.Files ? null : payload.OriginalPath).FirstOrDefault(location => TunnelAddresses.Parse(location) is not null) ?? manifest.Source.Location;

    /// <summary>Fails where a dump cannot go to a server.</summary>
    public static void RequireVersion(PostgreSqlSession session, DatabaseInfo? info)
    {
        if (info?.OldestServerMajor is not { } oldest || session.ServerMajor >= oldest)
            return;
        bool clientsFault = int.TryParse(info.ServerVersion?.Split('.')[0], out int source) && source < oldest;
        throw new BackupFailure(
            ErrorCodes.ServerTooOld,
            FailureCategory.NotSupported,
            $"The dump of '{info.Name}' needs PostgreSQL {oldest} or newer, and the target is {session.ServerVersion}{(clientsFault ? $": pg_dump {info.ClientVersion} wrote settings that older servers refuse" : $": it was taken from {info.ServerVersion}")}. Nothing was changed.",
            clientsFault
                ? $"Restore to a server of version {oldest} or newer; for the next backups install the client of the server's own version beside the newer one, and it will be used."
                : $"Restore to a server of version {oldest} or newer.")
        { Target = session.Server.LocationOf(info.Name) };
    }

    /// <summary>The roles that a dump needs and the server does not have.</summary>
    public static async Task<IReadOnlyList<string>> MissingRolesAsync(PostgreSqlSession session, DatabaseInfo? info, CancellationToken cancellationToken)
    {
        if (info is null)
            return [];
        string[] needed = [.. info.Roles.Concat(info.Owner is { } owner ? [owner] : []).Concat(info.Grants?.Select(grant => grant.Role).OfType<string>() ?? []).Distinct(StringComparer.Ordinal)];
        return await session.RowsAsync(
            "SELECT name FROM unnest($1) name WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = name) ORDER BY 1", row => row.GetString(0), Looking, cancellationToken, [needed]).ConfigureAwait(false);
    }

    /// <summary>The tablespaces that a dump names and the server does not have.</summary>
    public static async Task<IReadOnlyList<string>> MissingTablespacesAsync(PostgreSqlSession session, DatabaseInfo? info, CancellationToken cancellationToken)
    {
        if (info is null || (info.Tablespace is null && info.Tablespaces.Count == 0))
            return [];
        string[] needed = [.. info.Tablespaces.Concat(info.Tablespace is { } own ? [own] : []).Distinct(StringComparer.Ordinal)];
        return await session.RowsAsync(
            "SELECT name FROM unnest($1) name WHERE NOT EXISTS (SELECT 1 FROM pg_tablespace WHERE spcname = name) ORDER BY 1", row => row.GetString(0), Looking, cancellationToken, [needed]).ConfigureAwait(false);
    }

    /// <summary>The extensions that a dump needs and the server, or the role, cannot create; each with the reason.</summary>
    /// <param name="session">A session on the server.</param>
    /// <param name="info">The database that was dumped.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    /// <param name="except">Extensions that are there already, or are left out; null for none.</param>
    public static async Task<IReadOnlyList<string>> MissingExtensionsAsync(
        PostgreSqlSession session, DatabaseInfo? info, CancellationToken cancellationToken, IReadOnlyCollection<string>? except = null)
    {
        string[] needed = [.. info?.Extensions.Select(extension => extension.Name).Where(name => except?.Contains(name) != true) ?? []];
        if (needed.Length == 0)
            return [];
        List<string> missing = await session.RowsAsync(
            "SELECT name || ' (not installed on the server)' FROM unnest($1) name WHERE name NOT IN (SELECT e.name FROM pg_available_extensions e) ORDER BY 1",
            row => row.GetString(0),
            Looking,
            cancellationToken,
            [needed]).ConfigureAwait(false);
        if (session.ServerMajor < 13 || await IsSuperuserAsync(session, cancellationToken).ConfigureAwait(false))
            return missing;
        missing.AddRange(await session.RowsAsync(
            $"SELECT DISTINCT v.name || ' {NeedsSuperuser}' FROM pg_available_extension_versions v WHERE v.name = ANY ($1) AND v.superuser AND NOT v.trusted ORDER BY 1",
            row => row.GetString(0),
            Looking,
            cancellationToken,
            [needed]).ConfigureAwait(false));
        return missing;
    }

    /// <summary>True if the server is a standby, which takes no writes.</summary>
    public static Task<bool> IsStandbyAsync(PostgreSqlSession session, CancellationToken cancellationToken) =>
        session.IsTrueAsync("SELECT pg_is_in_recovery()", Looking, cancellationToken);

    /// <summary>True if the role may do everything.</summary>
    public static Task<bool> IsSuperuserAsync(PostgreSqlSession session, CancellationToken cancellationToken) =>
        session.IsTrueAsync("SELECT rolsuper FROM pg_roles WHERE rolname = current_user", Looking, cancellationToken);

    /// <summary>True if the role may create databases.</summary>
    public static Task<bool> MayCreateDatabasesAsync(PostgreSqlSession session, CancellationToken cancellationToken) =>
        session.IsTrueAsync("SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user", Looking, cancellationToken);

    /// <summary>The databases of a server that applications use: none that every server has as a template, none of this product's own.</summary>
    public static Task<List<string>> DatabasesAsync(PostgreSqlSession session, CancellationToken cancellationToken) => session.RowsAsync(
        $"""
        SELECT datname::text FROM pg_database WHERE datname NOT IN ('template0', 'template1') AND datallowconn
          AND datname !~ '^dbbackup_(test|new)_[0-9a-f]+$' AND datname !~ '{KeptName.Pattern}' ORDER BY datname COLLATE "C"
        """,
        row => row.GetString(0),
        Looking,
        cancellationToken);

    /// <summary>A database's oid and size; null where there is none of that name.</summary>
    public static async Task<(long ObjectId, long Size, bool MayRename)?> FindAsync(PostgreSqlSession session, string database, CancellationToken cancellationToken)
    {
        List<(long, long, bool)> found = await session.RowsAsync(
            """
            SELECT oid::bigint, CASE WHEN has_database_privilege(oid, 'CONNECT') THEN pg_database_size(oid) ELSE 0 END, pg_has_role(datdba, 'MEMBER')
            FROM pg_database WHERE datname = $1
            """,
            row => (row.GetInt64(0), row.GetInt64(1), row.GetBoolean(2)),
            Looking,
            cancellationToken,
            database).ConfigureAwait(false);
        return found.Count == 0 ? null : found[0];
    }

    /// <summary>The folder of the server's data and how many bytes are free there; null where this machine or the role cannot know.</summary>
    public static async Task<(string Folder, long Free)?> FreeSpaceAsync(PostgreSqlSession session, CancellationToken cancellationToken)
    {
        if (!session.Server.IsLocal && session.Server.Route is null)
            return null;
        string? folder = await session.TextAsync(
            "SELECT setting FROM pg_settings WHERE name = 'data_directory'", Looking, cancellationToken).ConfigureAwait(false);
        if (folder is null)
            return null;
        // A server in a container with a published port answers from this machine too, and its folder is another.
        long? free = session.Server.Route is { } route
            ? await route.Tunnel.AvailableBytesAsync(folder, cancellationToken).ConfigureAwait(false)
            : Directory.Exists(folder) ? VolumeSpace.Available(folder) : null;
        return free is null ? null : (folder, free.Value);
    }

    /// <summary>The identifier of the server's data, which initdb made; null where the role may not know it.</summary>
    public static async Task<string?> ServerIdentifierAsync(PostgreSqlSession session, CancellationToken cancellationToken)
    {
        try
        {
            return await session.TextAsync("SELECT system_identifier::text FROM pg_control_system()", Looking, cancellationToken).ConfigureAwait(false);
        }
        catch (BackupException failure) when (failure.Code is ErrorCodes.PermissionDenied or ErrorCodes.ServerFailed)
        {
            return null;
        }
    }

    /// <summary>
    /// The kept database as the server has it now. What the entry says is believed of a database only that has a kept one's name and the
    /// entry's own mark.
    /// </summary>
    /// <exception cref="BackupException">It is not there any more, another one has its name, or it was not kept for this entry.</exception>
    public static async Task<string> RequireKeptAsync(PostgreSqlSession maintenance, Manifest manifest, CancellationToken cancellationToken)
    {
        KeptDatabase kept = manifest.Kept!;
        string? name = await maintenance.TextAsync(
            "SELECT datname::text FROM pg_database WHERE oid::bigint = $1", "looking for the kept database", cancellationToken, kept.ObjectId).ConfigureAwait(false);
        string? server = await ServerIdentifierAsync(maintenance, cancellationToken).ConfigureAwait(false);
        if (kept.ServerIdentifier is not null && server is not null && kept.ServerIdentifier != server)
            name = null;
        string expected = PostgreSqlConnectionSettings.DatabaseOf(kept.Location)!;
        if (name == expected)
        {
            if (Regex.IsMatch(name, KeptName.Pattern, RegexOptions.CultureInvariant) && await KeptMark.OfAsync(maintenance, name, cancellationToken).ConfigureAwait(false) == manifest.Id)
                return name;
            throw new BackupFailure(
                ErrorCodes.KeptDatabaseGone,
                FailureCategory.Refused,
                $"The database '{name}' does not bear the mark that the restore which kept it left in its comment ({manifest.Id}): it was not kept for this entry.",
                "Nothing was changed. If the entry is yours and somebody changed the comment, put the database in place or drop it by hand, and remove the entry with Remove-DbBackup -Force.")
            { Target = kept.Location };
        }

        throw new BackupFailure(
            ErrorCodes.KeptDatabaseGone,
            FailureCategory.NotFound,
            name is null
                ? $"The database '{expected}', which was kept on its server, is not there any more."
                : $"The database that was kept as '{expected}' is now named '{name}', so it is used for something else.",
            "Nothing was changed. Remove the entry with Remove-DbBackup -Force, or put the database in place by hand (ALTER DATABASE … RENAME TO …).")
        { Target = kept.Location };
    }
}
