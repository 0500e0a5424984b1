using DbBackup.Engine.Docker.Restore;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Facts;
using DbBackup.Engine.Engines.PostgreSql.Load;
using DbBackup.Engine.Engines.PostgreSql.Swap;
using DbBackup.Engine.Engines.PostgreSql.Text;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;
using System.Globalization;
using System.IO.Enumeration;

namespace DbBackup.Engine.Restores.PostgreSql;

/// <summary>Works out what a restore to a PostgreSQL server will do, and fails where it cannot be done. Changes nothing.</summary>
internal static class PostgreSqlRestorePlanner
{
    // A restored database is seldom larger than the one that was dumped, whose size with indexes is known; without it, indexes are guessed.
    private const double SizeOfUnknown = 1.5;

    /// <summary>Plans it.</summary>
    /// <exception cref="BackupException">It cannot be done.</exception>
    public static async Task<RestorePart> PlanAsync(
        BackupRepository repository, RestoreRequest request, bool changeNothing, IOperationObserver observer, CancellationToken cancellationToken)
    {
        Manifest manifest = request.Backup.Manifest!;
        PostgreSqlTarget.RequireNamed(request.Connection, manifest, request.Backup.ToString());
        List<Payload> payloads = Choose(request, manifest);
        bool isWhole = payloads.Count == manifest.Payloads.Count(payload => payload.Kind == PayloadKind.Database);
        // A server's own databases exist everywhere and are in use while others are restored.
        List<Payload> empty = payloads.Count > 1 && request.Databases.Count == 0 ? payloads.FindAll(IsUnusedOwn) : [];
        payloads = [.. payloads.Except(empty)];
        string? username = manifest.Payloads.Select(payload => payload.Database?.Username).FirstOrDefault(name => name is not null);
        PostgreSqlConnectionSettings server = await PostgreSqlTarget.ResolveAsync(request.Connection, PostgreSqlTarget.LocationOf(manifest), username, cancellationToken).ConfigureAwait(false);
        var warnings = new List<string>(server.Warnings);
        warnings.AddRange(empty.Select(payload => $"the database '{payload.Database!.Name}' of the backup has no tables and is left as it is on the server"));
        using PostgreSqlSession maintenance = await PostgreSqlSession.OpenMaintenanceAsync(
            server, request.NewName ?? (payloads.Count > 0 ? payloads[0].Database?.Name : null), cancellationToken).ConfigureAwait(false);
        await RequireWritableAsync(maintenance, cancellationToken).ConfigureAwait(false);
        await maintenance.RequireDirectAsync(cancellationToken).ConfigureAwait(false);
        // What a killed restore of files waits for on this server is decided before its databases are dropped.
        if (!changeNothing)
            await RestoreRecovery.RunAsync(PathsOfFiles(request, manifest), request.Connection, observer, cancellationToken).ConfigureAwait(false);
        if (!changeNothing)
        {
            foreach (string dropped in await WorkDatabase.SweepAsync(maintenance, cancellationToken).ConfigureAwait(false))
                observer.Warning($"Dropped the database '{dropped}', which a killed run had left.");
        }

        var key = new BackupKey(request.Backup.Source, request.Backup.Name);
        var content = repository.ContentOf(key, manifest);
        RoleScript? globals = await GlobalsAsync(request, content, cancellationToken).ConfigureAwait(false);
        IReadOnlyList<string> newRoles = await NewRolesAsync(globals, maintenance, warnings, cancellationToken).ConfigureAwait(false);
        IReadOnlyList<DumpedTablespace> newTablespaces = await NewTablespacesAsync(globals, maintenance, payloads, isWhole, warnings, cancellationToken).ConfigureAwait(false);
        var items = new List<PostgreSqlRestoreItem>();
        var targets = new List<RestoreTarget>();
        foreach (Payload payload in payloads)
        {
            PostgreSqlTarget.RequireVersion(maintenance, payload.Database);
            string name = TargetName(request, server, payload, payloads.Count);
            SingleDatabasePlan extensions = await SingleDatabasePlan.OfAsync(request, maintenance, payload, name, cancellationToken).ConfigureAwait(false);
            (PostgreSqlRestoreItem item, RestoreTarget target) = await PlanOneAsync(request, maintenance, payload, name, extensions.AtHome.Count > 0, warnings, cancellationToken).ConfigureAwait(false);
            item = extensions.ApplyTo(item, maintenance, request, warnings);
            await RequireObjectsAsync(request, maintenance, item, newRoles, cancellationToken).ConfigureAwait(false);
            items.Add(item with { LacksTablespaces = await LacksTablespacesAsync(request, maintenance, payload, newTablespaces, globals, warnings, cancellationToken).ConfigureAwait(false) });
            targets.Add(target);
        }

        await RequireSpaceAsync(maintenance, items, cancellationToken).ConfigureAwait(false);
        ServerUsers? users = targets.Exists(target => target.Action != RestoreAction.Create)
            ? await ServerUsers.FindAsync(maintenance, [.. items.Select(item => item.Name)], cancellationToken).ConfigureAwait(false) : null;
        var part = new RestorePart(Participants(repository, request, server, items, newRoles, newTablespaces, content), targets)
        {
            Warnings = warnings,
            SafetyBackup = targets.Exists(target => target.Action == RestoreAction.InPlace),
            PresentRevision = items is [var only] ? only.PresentRevision : null,
            Revision = items is [var one] ? one.Payload.SchemaRevision : null,
            NewRoles = newRoles,
        };
        return await part.StoppingAsync(users, cancellationToken).ConfigureAwait(false);
    }

    private static List<IRestoreParticipant> Participants(
        BackupRepository repository, RestoreRequest request, PostgreSqlConnectionSettings server, List<PostgreSqlRestoreItem> items, IReadOnlyList<string> newRoles,
        IReadOnlyList<DumpedTablespace> newTablespaces, BackupContent content)
    {
        var participants = new List<IRestoreParticipant>();
        if (newRoles.Count > 0)
            participants.Add(new RoleParticipant(server, newRoles, content));
        // After the roles, which own them.
        if (newTablespaces.Count > 0)
            participants.Add(new TablespaceParticipant(server, newTablespaces));
        List<PostgreSqlRestoreItem> beside = items.FindAll(item => item.Action != RestoreAction.InPlace);
        if (beside.Count > 0)
        {
            // Dumps that are loaded beside are unpacked one after the other.
            participants.Add(new ServerParticipant(
                repository, request, server, [.. beside.Select(item => new LoadedDatabase(request, server, item, content))], beside.Max(item => item.Payload.OriginalSize)));
        }

        participants.AddRange(items.Where(item => item.Action == RestoreAction.InPlace).Select(item => new InPlaceDatabase(repository, request, server, item, content)));
        return participants;
    }

    private static IEnumerable<string> PathsOfFiles(RestoreRequest request, Manifest manifest) =>
        manifest.Payloads.Where(payload => !DatabaseEngines.IsOfServer(payload)).Select(payload => request.Destination is null ? payload.OriginalPath : Path.Combine(request.Destination, payload.RestoreName))
            .OfType<string>().Where(Path.IsPathRooted);

    private static List<Payload> Choose(RestoreRequest request, Manifest manifest)
    {
        if (request.Content == ContentKind.Globals)
            return [];
        List<Payload> databases = [.. manifest.Payloads.Where(payload => payload.Kind == PayloadKind.Database && DatabaseEngines.IsOfServer(payload))];
        if (request.Databases.Count > 0)
        {
            foreach (string pattern in request.Databases.Where(pattern => !databases.Exists(payload => Fits(payload, pattern))))
            {
                throw new BackupFailure(
                    ErrorCodes.SourceNotFound,
                    FailureCategory.NotFound,
                    $"Backup '{request.Backup}' holds no database '{pattern}'.",
                    $"It holds {string.Join(", ", databases.Select(payload => payload.Database?.Name ?? payload.RestoreName).Take(10))}.")
                { Target = pattern };
            }

            databases = databases.FindAll(payload => request.Databases.Any(pattern => Fits(payload, pattern)));
        }

        bool part = request.Tables.Count + request.Schemas.Count > 0;
        if (databases.Count > 1 && (request.NewName is not null || part))
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument,
                FailureCategory.InvalidArgument,
                $"Backup '{request.Backup}' holds {databases.Count} databases, and {(part ? "-Table and -Schema need exactly one" : "a new name needs exactly one")}.",
                "Choose one with -Database.")
            { Target = request.Backup.ToString() };
        }

        return databases;
    }

    // Without a fingerprint nobody knows what is in it.
    private static bool IsUnusedOwn(Payload payload) => payload is { Database.Name: "postgres" or "template1", Fingerprint: { Tables.Count: 0 } fingerprint }
        && fingerprint.Objects.All(kind => kind.Value == 0 || kind.Key is "schemas");

    private static bool Fits(Payload payload, string pattern) =>
        payload.Database?.Name is { } name && (name == pattern || FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false));

    private static string TargetName(RestoreRequest request, PostgreSqlConnectionSettings server, Payload payload, int count)
    {
        string? named = request.NewName ?? (request.Connection.Server is ServerAddress.OfText && count == 1 ? server.Database : null) ?? payload.Database?.Name;
        return named ?? throw new BackupFailure(
            ErrorCodes.TargetInvalid,
            FailureCategory.InvalidArgument,
            $"Backup '{request.Backup}' does not say what its database is called.",
            "Name it with -Database.")
        { Target = request.Backup.ToString() };
    }

    private static async Task<(PostgreSqlRestoreItem Item, RestoreTarget Target)> PlanOneAsync(
        RestoreRequest request, PostgreSqlSession maintenance, Payload payload, string name, bool isHome, List<string> warnings, CancellationToken cancellationToken)
    {
        if (payload.Database?.IsDataOnly == true)
            throw DataOnly(request, payload, name);
        (long ObjectId, long Size, bool MayRename)? present = await PostgreSqlTarget.FindAsync(maintenance, name, cancellationToken).ConfigureAwait(false);
        string part = string.Join(", ", request.Schemas.Select(schema => "the schema " + schema).Concat(request.Tables.Select(table => "the table " + table)));
        RestoreAction action = present is null ? RestoreAction.Create : request.InPlace || part.Length > 0 || isHome ? RestoreAction.InPlace : RestoreAction.Replace;
        if (payload.Scope != BackupScope.Whole && (action == RestoreAction.Replace || (action == RestoreAction.InPlace && part.Length == 0)))
            throw Partial(request, payload, name);
        string? revision = null;
        DatabaseInfo? properties = null;
        int[] own = [];
        if (present is not null)
        {
            try
            {
                using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(maintenance.Server, name, cancellationToken).ConfigureAwait(false);
                own = [session.BackendId];
                revision = await PostgreSqlCatalog.PresentRevisionAsync(session, cancellationToken).ConfigureAwait(false);
                properties = await PostgreSqlCatalog.DescribeAsync(session, cancellationToken).ConfigureAwait(false);
            }
            catch (BackupException failure) when (action == RestoreAction.Replace && (failure.Code is ErrorCodes.ServerFailed or ErrorCodes.PermissionDenied))
            {
                // Damaged, or closed to connections: its name can be given to another all the same.
                warnings.Add($"the present database cannot be looked into: {failure.Message}");
            }
        }

        if (action != RestoreAction.InPlace && !await PostgreSqlTarget.MayCreateDatabasesAsync(maintenance, cancellationToken).ConfigureAwait(false))
            throw MayNot(maintenance, name, "is not allowed to create databases", present is not null);
        if (action == RestoreAction.Replace && !present!.Value.MayRename)
            throw MayNot(maintenance, name, $"does not own the database '{name}' and cannot rename it", true);
        if (action == RestoreAction.InPlace && part.Length == 0)
            await RequireLocksAsync(maintenance, name, cancellationToken).ConfigureAwait(false);
        if (action == RestoreAction.Replace)
            warnings.AddRange(await LogicalReplication.SlotsAsync(maintenance, name, cancellationToken).ConfigureAwait(false));
        string sessions = present is null ? string.Empty : await DatabaseSwap.DescribeSessionsAsync(maintenance, name, cancellationToken, own).ConfigureAwait(false);
        if (sessions.Length > 0)
            warnings.Add(action == RestoreAction.Replace ? $"sessions in the present database are terminated: {sessions}" : $"the present database is in use, and its sessions wait: {sessions}");
        if (action == RestoreAction.Replace && request.NoSafetyBackup)
            warnings.Add($"the present database '{name}' is dropped afterwards (-NoSafetyBackup)");
        return (
            new PostgreSqlRestoreItem(payload, name, action, revision, properties),
            new RestoreTarget(payload, maintenance.Server.LocationOf(name), action, present?.Size ?? 0)
            {
                KeptAs = action == RestoreAction.Replace && !request.NoSafetyBackup ? $"{name}_before_…" : null,
                Part = part.Length > 0 ? part : null,
            });
    }

    // Whether the tables are those of the rows, and what is to become of the rows in them, only the user knows.
    private static BackupFailure DataOnly(RestoreRequest request, Payload payload, string name) => new(
        ErrorCodes.PartialBackup,
        FailureCategory.Refused,
        $"Backup '{request.Backup}' holds rows without their tables (-DataOnly), so no database can be made of it. Nothing was changed.",
        $"Make a database with the same tables, and load it by hand: Export-DbBackup {request.Backup} ./{payload.RestoreName}, then {(payload.Format == PayloadFormat.PostgreSqlPlain ? $"psql -X -1 -v ON_ERROR_STOP=1 -d '{name}' -f" : $"pg_restore --data-only --single-transaction -d '{name}'")} ./{payload.RestoreName}. RESTORE.txt in the backup has the steps.")
    { Target = request.Backup.ToString() };

    private static BackupFailure Partial(RestoreRequest request, Payload payload, string name) => new(
        ErrorCodes.PartialBackup,
        FailureCategory.Refused,
        $"Backup '{request.Backup}' is partial: it holds a part of its database, and would replace all of '{name}'. Nothing was changed.",
        payload.Format == PayloadFormat.PostgreSqlPlain
            ? "Restore all of it beside (-Database NEWNAME): no part of SQL text can be restored alone."
            : "Restore its tables into the present database (-Table '*', or the ones that you want), or all of it beside (-Database NEWNAME).")
    { Target = request.Backup.ToString() };

    // One transaction drops all that is there, and holds a lock of each until its end.
    private static async Task RequireLocksAsync(PostgreSqlSession maintenance, string name, CancellationToken cancellationToken)
    {
        using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(maintenance.Server, name, cancellationToken).ConfigureAwait(false);
        long objects = await session.NumberAsync("SELECT count(*) FROM pg_class WHERE oid >= 16384", "counting objects", cancellationToken).ConfigureAwait(false);
        long locks = await session.NumberAsync(
            "SELECT current_setting('max_locks_per_transaction')::bigint * (current_setting('max_connections')::bigint + current_setting('max_prepared_transactions')::bigint)", "counting objects", cancellationToken).ConfigureAwait(false);
        if (objects <= locks)
            return;
        throw new BackupFailure(
            ErrorCodes.TargetInvalid,
            FailureCategory.Refused,
            string.Create(CultureInfo.InvariantCulture, $"A restore in place drops the {objects} tables, indexes and other objects of '{name}' in one transaction, and the server has room for {locks} locks. Nothing was changed."),
            "Restore beside it (without -InPlace), or raise max_locks_per_transaction on the server.")
        { Target = maintenance.Server.LocationOf(name) };
    }

    private static async Task RequireWritableAsync(PostgreSqlSession maintenance, CancellationToken cancellationToken)
    {
        if (!await PostgreSqlTarget.IsStandbyAsync(maintenance, cancellationToken).ConfigureAwait(false))
            return;
        throw new BackupFailure(
            ErrorCodes.TargetInvalid,
            FailureCategory.Refused,
            $"{PostgreSqlFailures.Server(maintenance.Server)} is a standby: it repeats what its primary does and takes no restore. Nothing was changed.",
            "Restore to the primary (-HostName, -Port): the standby follows it.")
        { Target = maintenance.Server.LocationOf(null) };
    }

    private static BackupFailure MayNot(PostgreSqlSession maintenance, string name, string what, bool exists) => new(
        ErrorCodes.PermissionDenied,
        FailureCategory.PermissionDenied,
        $"The role '{maintenance.Server.Username}' {what}, which a restore beside the present state needs. Nothing was changed.",
        exists
            ? "Use a role that is allowed to (ALTER ROLE … CREATEDB), or empty and load the present database in one transaction: -InPlace."
            : "Use a role that is allowed to (ALTER ROLE … CREATEDB), or have the database created and restore into it with -InPlace.")
    { Target = maintenance.Server.LocationOf(name) };

    private static async Task RequireObjectsAsync(
        RestoreRequest request, PostgreSqlSession maintenance, PostgreSqlRestoreItem item, IReadOnlyList<string> newRoles, CancellationToken cancellationToken)
    {
        Payload payload = item.Payload;
        // In place, those that the database has stay: CREATE EXTENSION IF NOT EXISTS finds them, whoever asks.
        IEnumerable<string> present = item.Action == RestoreAction.InPlace ? item.Present?.Extensions.Select(extension => extension.Name) ?? [] : [];
        IReadOnlyList<string> extensions = await PostgreSqlTarget.MissingExtensionsAsync(maintenance, payload.Database, cancellationToken, [.. present, .. item.WithoutExtensions]).ConfigureAwait(false);
        IReadOnlyList<string> roles = request.NoOwner
            ? []
            : [.. (await PostgreSqlTarget.MissingRolesAsync(maintenance, payload.Database, cancellationToken).ConfigureAwait(false)).Except(newRoles)];
        if (extensions.Count + roles.Count == 0)
            return;
        string what = string.Join(", ", roles.Select(role => "the role " + role).Concat(extensions.Select(extension => "the extension " + extension)));
        throw new BackupFailure(
            ErrorCodes.TargetLacksObjects,
            FailureCategory.NotFound,
            $"The target server lacks objects that '{payload.Database?.Name}' needs: {what}. Nothing was changed.",
            roles.Count == 0 && extensions.All(extension => extension.EndsWith(PostgreSqlTarget.NeedsSuperuser, StringComparison.Ordinal))
                ? $"Restore as a superuser (-Username), or have one create them in '{item.Name}' (CREATE EXTENSION …) and load that in place: -InPlace."
                : roles.Count == 0
                ? "Install the extensions on the server (its packages, often postgresql-contrib), or restore to another server."
                : $"Create the roles ({string.Join(" ", roles.Take(3).Select(role => $"CREATE ROLE {PostgreSqlSession.Quote(role)};"))}), or give everything to the connecting role: -NoOwner.")
        { Target = maintenance.Server.LocationOf(payload.Database?.Name) };
    }

    private static async Task<bool> LacksTablespacesAsync(
        RestoreRequest request, PostgreSqlSession maintenance, Payload payload, IReadOnlyList<DumpedTablespace> created, RoleScript? globals, List<string> warnings, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> missing =
            [.. (await PostgreSqlTarget.MissingTablespacesAsync(maintenance, payload.Database, cancellationToken).ConfigureAwait(false)).Except(created.Select(tablespace => tablespace.Name))];
        string Create(string name) =>
            $"CREATE TABLESPACE {PostgreSqlSession.Quote(name)} LOCATION {PostgreSqlSession.Literal(globals?.Tablespaces.FirstOrDefault(tablespace => tablespace.Name == name)?.Location ?? "/FOLDER")};";
        if (missing.Count == 0)
            return false;
        if (payload.Format == PayloadFormat.PostgreSqlPlain && payload.Database!.Tablespaces.Intersect(missing, StringComparer.Ordinal).Any() && !request.NoOwner)
        {
            throw new BackupFailure(
                ErrorCodes.TargetLacksObjects,
                FailureCategory.NotFound,
                $"The target server lacks the tablespaces that '{payload.Database.Name}' names in its SQL text: {string.Join(", ", missing)}. Nothing was changed.",
                $"Create them, in a folder of the server's own: {string.Join(' ', missing.Select(Create))}")
            { Target = maintenance.Server.LocationOf(payload.Database.Name) };
        }

        warnings.Add($"the target server lacks the tablespaces {string.Join(", ", missing)}: all tables of '{payload.Database!.Name}' go to the database's default; to have them elsewhere, create these first, in empty folders of the server's own ({string.Join(' ', missing.Select(Create))})");
        return true;
    }

    // What a backup of a whole server holds beside its databases; null where it is not wanted.
    private static async Task<RoleScript?> GlobalsAsync(RestoreRequest request, BackupContent content, CancellationToken cancellationToken)
    {
        Payload? globals = content.Manifest.Payloads.FirstOrDefault(payload => payload.Kind == PayloadKind.Globals);
        return globals is null || request.NoOwner || request.Content == ContentKind.Database || request.Tables.Count + request.Schemas.Count > 0
            ? null : await RoleParticipant.ReadAsync(content, globals, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<IReadOnlyList<DumpedTablespace>> NewTablespacesAsync(
        RoleScript? globals, PostgreSqlSession maintenance, List<Payload> payloads, bool isWhole, List<string> warnings, CancellationToken cancellationToken)
    {
        if (globals is null)
            return [];
        var missing = new HashSet<string>(StringComparer.Ordinal);
        // A whole server has its empty tablespaces too: those for temporary tables, and those whose tables come later.
        if (isWhole)
        {
            List<string> present = await maintenance.RowsAsync("SELECT spcname::text FROM pg_tablespace", row => row.GetString(0), "listing tablespaces", cancellationToken).ConfigureAwait(false);
            missing.UnionWith(globals.Tablespaces.Select(tablespace => tablespace.Name).Except(present));
        }

        foreach (Payload payload in payloads)
            missing.UnionWith(await PostgreSqlTarget.MissingTablespacesAsync(maintenance, payload.Database, cancellationToken).ConfigureAwait(false));
        IReadOnlyList<DumpedTablespace> created = await TablespaceParticipant.CreatableAsync(maintenance, globals.Tablespaces.Where(tablespace => missing.Contains(tablespace.Name)), cancellationToken).ConfigureAwait(false);
        warnings.AddRange(created.Select(tablespace => $"the tablespace '{tablespace.Name}' is created in the server's folder '{tablespace.Location}', where it was"));
        return created;
    }

    // Those that exist are left as they are.
    private static async Task<IReadOnlyList<string>> NewRolesAsync(RoleScript? script, PostgreSqlSession maintenance, List<string> warnings, CancellationToken cancellationToken)
    {
        if (script is null)
            return [];
        string[] roles = [.. script.Roles];
        List<string> missing = await maintenance.RowsAsync(
            "SELECT DISTINCT name FROM unnest($1) name WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = name) ORDER BY 1",
            row => row.GetString(0),
            "looking for roles",
            cancellationToken,
            [roles]).ConfigureAwait(false);
        warnings.AddRange(script.For(missing).Where(statement => statement.Power is not null).Select(statement => $"the role '{statement.Role}' is created as {statement.Power}"));
        return missing;
    }

    private static async Task RequireSpaceAsync(PostgreSqlSession maintenance, List<PostgreSqlRestoreItem> items, CancellationToken cancellationToken)
    {
        if (await PostgreSqlTarget.FreeSpaceAsync(maintenance, cancellationToken).ConfigureAwait(false) is not var (folder, free))
            return;
        long required = items.Sum(item => item.Payload.Database?.Size is > 0 and var size ? size : (long)(item.Payload.OriginalSize * SizeOfUnknown));
        if (free < required)
            throw new NotEnoughSpaceException(folder, required, free, string.Create(CultureInfo.InvariantCulture, $"the server's restored copy beside the present database"));
    }
}

/// <summary>One database of a restore.</summary>
/// <param name="Payload">Its dump.</param>
/// <param name="Name">The name that it gets.</param>
/// <param name="Action">How.</param>
/// <param name="PresentRevision">The schema revision of what has the name now.</param>
/// <param name="Present">The properties of what has the name now; null if nothing has it.</param>
internal sealed record PostgreSqlRestoreItem(Payload Payload, string Name, RestoreAction Action, string? PresentRevision, DatabaseInfo? Present)
{
    /// <summary>True if the server lacks tablespaces that the dump names, so that it is loaded without any.</summary>
    public bool LacksTablespaces { get; init; }

    /// <summary>Extensions that work in another database of the server alone, and are left out with what is their own.</summary>
    public IReadOnlyList<string> WithoutExtensions { get; init; } = [];

    /// <summary>Extensions that work in the database of this name alone, and are created when it has it.</summary>
    public IReadOnlyList<string> LateExtensions { get; init; } = [];
}
