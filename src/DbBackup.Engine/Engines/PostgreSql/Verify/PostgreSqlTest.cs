using System.Globalization;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Load;
using DbBackup.Engine.Engines.PostgreSql.Rows;
using DbBackup.Engine.Engines.PostgreSql.Text;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Tunnels;

namespace DbBackup.Engine.Engines.PostgreSql.Verify;

/// <summary>
/// Tests a PostgreSQL payload. Without a server it is read to its end and its rows are counted; the restore test restores it into a scratch
/// database, compares that with the fingerprint, and drops it, however the restore test ends.
/// </summary>
internal static class PostgreSqlTest
{
    private const int MostJobs = 8;

    public static async Task<DatabaseTestOutcome> RunAsync(DatabaseTestRun run, CancellationToken cancellationToken)
    {
        if (run.Payload.Kind == PayloadKind.Globals)
            return await ReadGlobalsAsync(run, cancellationToken).ConfigureAwait(false);
        if (run.Payload.Database?.IsDataOnly == true && run.Options.Level == BackupTestLevel.Restore)
        {
            run.Observer.Warning($"'{run.Payload.FileName}' was read to its end but not restored: it holds rows without their tables.");
            run.Missing.Add("the tables for rows that were dumped without them");
            return await ReadAsync(run, null, cancellationToken).ConfigureAwait(false);
        }

        return run.Options.Level == BackupTestLevel.Restore
            ? await RestoreTestAsync(run, cancellationToken).ConfigureAwait(false)
            : await ReadAsync(run, null, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<DatabaseTestOutcome> ReadGlobalsAsync(DatabaseTestRun run, CancellationToken cancellationToken)
    {
        int roles;
        using (PayloadReader reader = run.Content.OpenOriginal(run.Payload, cancellationToken))
            roles = (await RoleScript.ReadAsync(reader, cancellationToken).ConfigureAwait(false)).Roles.Count;
        run.AddReadWhole();
        run.Checks.Add(new BackupCheck($"{run.Payload.FileName} roles", roles > 0, string.Create(CultureInfo.InvariantCulture, $"{roles} roles")));
        return DatabaseTestOutcome.Checked;
    }

    private static async Task<DatabaseTestOutcome> ReadAsync(DatabaseTestRun run, StagedDump? staged, CancellationToken cancellationToken)
    {
        Payload payload = run.Payload;
        var progress = new PayloadProgress(run.Observer, run.Activity, $"reading {payload.FileName}", payload.OriginalSize);
        StagedDump dump = staged ?? await UnpackAsync(run, progress, cancellationToken).ConfigureAwait(false);
        try
        {
            PlainDumpReport report;
            try
            {
                report = await dump.ReadToEndAsync(progress, cancellationToken).ConfigureAwait(false);
            }
            catch (ToolFailedException failure) when (!failure.WasKilled)
            {
                run.Checks.Add(new BackupCheck($"{payload.FileName} read to its end", false, failure.Message));
                return DatabaseTestOutcome.Checked;
            }

            run.AddReadWhole();
            run.Checks.Add(new BackupCheck(
                $"{payload.FileName} read to its end",
                report.IsComplete,
                report.IsComplete
                    ? string.Create(CultureInfo.InvariantCulture, $"{report.Tables.Count} tables with {report.Tables.Sum(table => table.Rows)} rows in it")
                    : "it lacks its last line, \"PostgreSQL database dump complete\": it was cut off"));
            if (report.UnsafeAt is { } place)
                run.Checks.Add(new BackupCheck($"{payload.FileName} has SQL alone", false, PsqlInput.Unsafe(payload.FileName, place).Message));
            if (payload.Fingerprint is { } expected && !report.UsesInserts)
                run.Checks.Add(CompareRows(payload, expected, report));
            return DatabaseTestOutcome.Checked;
        }
        finally
        {
            if (staged is null)
                dump.Dispose();
        }
    }

    // Where this machine has no pg_restore, the container has one that the backup came from.
    private static async Task<StagedDump> UnpackAsync(DatabaseTestRun run, IProgress<long> progress, CancellationToken cancellationToken)
    {
        try
        {
            return await StagedDump.PrepareAsync(run.Content, run.Payload, null, null, run.Scratch, progress, cancellationToken).ConfigureAwait(false);
        }
        catch (BackupFailure missing) when (missing.Code is ErrorCodes.ToolMissing or ErrorCodes.ClientTooOld && TunnelAddresses.Parse(PostgreSqlTarget.LocationOf(run.Content.Manifest)) is not null)
        {
            PostgreSqlConnectionSettings server = await PostgreSqlTarget.ResolveAsync(
                new PostgreSqlConnectionRequest(), PostgreSqlTarget.LocationOf(run.Content.Manifest), null, cancellationToken).ConfigureAwait(false);
            return await StagedDump.PrepareAsync(run.Content, run.Payload, server.Route, null, run.Scratch, progress, cancellationToken).ConfigureAwait(false);
        }
    }

    private static BackupCheck CompareRows(Payload payload, Fingerprint expected, PlainDumpReport report)
    {
        ILookup<string, DumpedTable> found = report.Tables.ToLookup(table => table.Name, StringComparer.Ordinal);
        var differences = new List<string>();
        foreach (TableFingerprint table in expected.Tables)
        {
            long rows = found[table.Name].Sum(dumped => dumped.Rows);
            if (rows != table.Rows)
                differences.Add(string.Create(CultureInfo.InvariantCulture, $"table {table.Name} has {rows} rows in the dump instead of {table.Rows}"));
            else if (CopyRows.IsKnown(table.ContentHash) && found[table.Name].SingleOrDefault() is { Hash: { } hash } && hash != table.ContentHash)
                differences.Add($"table {table.Name} has the right number of rows in the dump but another content");
        }

        return new BackupCheck(
            $"{payload.FileName} rows",
            differences.Count == 0,
            differences.Count == 0
                ? string.Create(CultureInfo.InvariantCulture, $"{expected.Tables.Count} tables have as many rows as the database had{(expected.Level == FingerprintLevel.Content ? ", all contents equal" : string.Empty)}")
                : string.Join("; ", differences.Take(5)))
        { IsOfRestore = true };
    }

    private static async Task<DatabaseTestOutcome> RestoreTestAsync(DatabaseTestRun run, CancellationToken cancellationToken)
    {
        Payload payload = run.Payload;
        Manifest manifest = run.Content.Manifest;
        PostgreSqlConnectionSettings server = await PostgreSqlTarget.ResolveAsync(
            run.Options.TestServer ?? new PostgreSqlConnectionRequest(), PostgreSqlTarget.LocationOf(manifest), payload.Database?.Username, cancellationToken).ConfigureAwait(false);
        PostgreSqlSession maintenance = await PostgreSqlSession.OpenMaintenanceAsync(server, server.Database, cancellationToken).ConfigureAwait(false);
        try
        {
            await maintenance.RequireDirectAsync(cancellationToken).ConfigureAwait(false);
            PostgreSqlTarget.RequireVersion(maintenance, payload.Database);
            bool isStandby = await PostgreSqlTarget.IsStandbyAsync(maintenance, cancellationToken).ConfigureAwait(false);
            foreach (string dropped in isStandby ? [] : await WorkDatabase.SweepAsync(maintenance, cancellationToken).ConfigureAwait(false))
                run.Observer.Warning($"Dropped the scratch database '{dropped}', which a killed run had left.");
            var progress = new PayloadProgress(run.Observer, run.Activity, $"unpacking {payload.FileName}", payload.OriginalSize);
            using StagedDump dump = await StagedDump.PrepareAsync(run.Content, payload, server.Route, maintenance.ServerMajor, run.Scratch, progress, cancellationToken).ConfigureAwait(false);
            IReadOnlyList<string> missing = isStandby ? ["the right to write: it is a standby"] : await MissingAsync(maintenance, dump, cancellationToken).ConfigureAwait(false);
            if (missing.Count > 0)
                return await ReadInsteadAsync(run, dump, missing, cancellationToken).ConfigureAwait(false);
            bool ownRole = (run.Options.IsSuspect || IsForeign(manifest)) && await PostgreSqlTarget.IsSuperuserAsync(maintenance, cancellationToken).ConfigureAwait(false);
            using WorkDatabase scratch = await WorkDatabase.CreateAsync(
                maintenance, WorkDatabasePurpose.Test, payload.Database, owner: null, anyLocale: true, cancellationToken, ownRole).ConfigureAwait(false);
            try
            {
                return await RestoreAndCompareAsync(run, dump, scratch, cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                run.Observer.Progress(new OperationProgress(run.Activity, "dropping the scratch database"));
                await scratch.DropAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            maintenance.Dispose();
        }
    }

    // Of a dump that somebody else has made, or that says it came from a server that this user does not know, nobody can tell what is in it.
    private static bool IsForeign(Manifest manifest) =>
        manifest.ImportedFrom is not null || PostgreSqlTarget.LocationOf(manifest) is not { } location || (KnownServers.ServerOf(location) is { } server && !KnownServers.OfUser.Knows(server));

    private static IReadOnlyCollection<string> LeftOut(Payload payload) => [.. SingleDatabaseExtensions.Of(payload.Database).Select(extension => extension.Name)];

    // The scratch database is not the one in which these extensions work.
    private static string? NeedsItsDatabase(StagedDump dump)
    {
        IReadOnlyCollection<string> extensions = LeftOut(dump.Payload);
        if (extensions.Count == 0)
            return null;
        string needed = $"a second database in which {string.Join(", ", extensions)} works";
        if (dump.Listing is null)
            return $"{needed}, and nothing can be left out of SQL text";
        IReadOnlyList<Dump.ArchiveEntry> dependents = SingleDatabaseExtensions.EntriesOf(dump.Listing, extensions).Dependents;
        return dependents.Count == 0 ? null : $"{needed}, which these objects need: {SingleDatabaseExtensions.Describe(dependents)}";
    }

    private static async Task<IReadOnlyList<string>> MissingAsync(PostgreSqlSession maintenance, StagedDump dump, CancellationToken cancellationToken)
    {
        List<string> missing = NeedsItsDatabase(dump) is { } database ? [database] : [];
        if (!await PostgreSqlTarget.MayCreateDatabasesAsync(maintenance, cancellationToken).ConfigureAwait(false))
            missing.Add($"the right to create databases for the role {maintenance.Server.Username}");
        missing.AddRange((await PostgreSqlTarget.MissingExtensionsAsync(maintenance, dump.Payload.Database, cancellationToken, LeftOut(dump.Payload)).ConfigureAwait(false)).Select(name => "the extension " + name));
        // Owners and privileges are left out of a restore test. Policies still name roles, and text cannot be told to leave anything out.
        DatabaseInfo? info = dump.Payload.Database;
        if (dump.Listing is not null)
            info = dump.Listing.Entries.Any(entry => entry.Kind == "POLICY") && info is not null ? info with { Owner = null, Grants = null, Roles = info.PolicyRoles ?? info.Roles } : null;
        else if (info is not null)
            info = info with { Grants = null };
        missing.AddRange((await PostgreSqlTarget.MissingRolesAsync(maintenance, info, cancellationToken).ConfigureAwait(false)).Select(name => "the role " + name));
        return missing;
    }

    // A good backup does not fail for what the test server lacks.
    private static async Task<DatabaseTestOutcome> ReadInsteadAsync(DatabaseTestRun run, StagedDump dump, IReadOnlyList<string> missing, CancellationToken cancellationToken)
    {
        run.Missing.AddRange(missing);
        run.Observer.Warning(
            $"'{run.Payload.FileName}' was read to its end but not restored, because the test server lacks {string.Join(", ", missing)}. Name another one with -TestServer.");
        await ReadAsync(run, dump, cancellationToken).ConfigureAwait(false);
        return DatabaseTestOutcome.Checked;
    }

    private static async Task<DatabaseTestOutcome> RestoreAndCompareAsync(DatabaseTestRun run, StagedDump dump, WorkDatabase scratch, CancellationToken cancellationToken)
    {
        Payload payload = run.Payload;
        string name = payload.Database?.Name ?? payload.RestoreName;
        if (scratch.HasOwnRole)
            await CreateUntrustedExtensionsAsync(scratch, payload, cancellationToken).ConfigureAwait(false);
        PostgreSqlSession? opened = await OpenAsync(run, dump, scratch, cancellationToken).ConfigureAwait(false);
        if (opened is null)
            return DatabaseTestOutcome.Checked;
        using PostgreSqlSession session = opened;
        var options = new DatabaseLoadOptions
        {
            Jobs = run.Options.Jobs ?? Math.Clamp(Environment.ProcessorCount, 1, MostJobs),
            WithoutOwners = true,
            TextWithoutOwners = scratch.HasOwnRole,
            WithoutPublications = true,
            WithoutSubscriptions = true,
            WithoutExtensionComments = scratch.HasOwnRole,
            WithoutExtensions = LeftOut(payload),
        };
        run.Observer.Progress(new OperationProgress(run.Activity, $"restoring {name} into a scratch database"));
        try
        {
            var progress = new PayloadProgress(run.Observer, run.Activity, $"restoring {name} into a scratch database", payload.OriginalSize);
            await dump.LoadAsync(session, options, null, progress, cancellationToken).ConfigureAwait(false);
        }
        catch (BackupException failure) when (scratch.HasOwnRole && LacksRights(failure.Message))
        {
            return await ReadInsteadAsync(
                run, dump, [$"a role other than a superuser that may do all that this dump does, which was not made here from a server that is known ({failure.Message.TrimEnd('.')})"], cancellationToken).ConfigureAwait(false);
        }
        catch (BackupException failure) when (failure is ToolFailedException { WasKilled: false } || failure.Code == ErrorCodes.DumpUnsafe || LoadErrors.IsRefusal(failure))
        {
            run.AddReadWhole();
            // What the server refuses is whole in the archive.
            run.Checks.Add(new BackupCheck($"{name} restored", false, failure.Message) { IsOfRestore = LoadErrors.IsRefusal(failure) });
            return DatabaseTestOutcome.Checked;
        }

        run.AddReadWhole();
        run.Checks.Add(new BackupCheck($"{name} restored", true, $"on PostgreSQL {session.ServerVersion}{await AsWhomAsync(session, scratch, cancellationToken).ConfigureAwait(false)}{(scratch.Note is null ? string.Empty : "; " + scratch.Note)}{WithoutOf(options)}"));
        DatabaseTestOutcome outcome = DatabaseTestOutcome.Restored;
        if (payload.Fingerprint is { } expected)
        {
            run.Observer.Progress(new OperationProgress(run.Activity, $"comparing {name} with its fingerprint"));
            Fingerprint actual = await RestoredFingerprint.TakeAsync(session, expected, payload, scratch.Note is not null, cancellationToken, options.WithoutExtensions, options.Jobs).ConfigureAwait(false);
            bool matched = run.AddComparison(name, expected, actual);
            run.Observer.Progress(new OperationProgress(run.Activity, $"comparing the schema of {name}"));
            SchemaFindings schema = await CompareSchemaAsync(session, dump, options, scratch, cancellationToken).ConfigureAwait(false);
            run.Checks.Add(new BackupCheck($"{name} schema", schema.Differences.Count == 0, schema.Detail) { IsOfRestore = true });
            if (matched && schema.Differences.Count == 0)
                outcome = DatabaseTestOutcome.Matched;
        }

        await run.Assertions.AskAsync(async assertion =>
        {
            // As an application would see it: names without a schema are looked for in public.
            await session.ExecuteAsync("RESET search_path", "running an assertion", cancellationToken).ConfigureAwait(false);
            return await session.ScalarAsync(assertion, "running an assertion", cancellationToken).ConfigureAwait(false);
        }, value => value is true).ConfigureAwait(false);
        return outcome;
    }

    private static async Task<SchemaFindings> CompareSchemaAsync(PostgreSqlSession session, StagedDump dump, DatabaseLoadOptions options, WorkDatabase scratch, CancellationToken cancellationToken)
    {
        if (dump.Payload.Database?.IsPartial == true)
            return SchemaFindings.NotCompared("the backup is a part of a database");
        return await new SchemaComparison(dump, options).RunAsync(
            session,
            async () =>
            {
                WorkDatabase second = await WorkDatabase.CreateAsync(
                    await PostgreSqlSession.OpenMaintenanceAsync(scratch.Maintenance.Server, null, cancellationToken).ConfigureAwait(false),
                    WorkDatabasePurpose.Test,
                    dump.Payload.Database,
                    owner: null,
                    anyLocale: true,
                    cancellationToken,
                    scratch.HasOwnRole).ConfigureAwait(false);
                if (second.HasOwnRole)
                    await CreateUntrustedExtensionsAsync(second, dump.Payload, cancellationToken).ConfigureAwait(false);
                return second;
            },
            cancellationToken).ConfigureAwait(false);
    }

    private static string WithoutOf(DatabaseLoadOptions options) => options.WithoutExtensions.Count == 0 ? string.Empty
        : $"; without the extension {string.Join(", ", options.WithoutExtensions)} and its rows, which works in one database of a server only: its rows are in the backup, and were read but not compared";

    // Whoever tests as a superuser lets the dump do what a superuser may.
    private static async Task<string> AsWhomAsync(PostgreSqlSession session, WorkDatabase scratch, CancellationToken cancellationToken) =>
        scratch.HasOwnRole ? " as a role without rights"
        : await PostgreSqlTarget.IsSuperuserAsync(session, cancellationToken).ConfigureAwait(false) ? $" as the superuser {session.Server.Username}" : string.Empty;

    // Those that only a superuser can create are the server's own; the dump's statement finds them there.
    private static async Task CreateUntrustedExtensionsAsync(WorkDatabase scratch, Payload payload, CancellationToken cancellationToken)
    {
        IReadOnlyCollection<string> leftOut = LeftOut(payload);
        DatabaseExtension[] extensions = [.. payload.Database?.Extensions.Where(extension => !leftOut.Contains(extension.Name)) ?? []];
        if (extensions.Length == 0)
            return;
        using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(scratch.Maintenance.Server, scratch.Name, cancellationToken).ConfigureAwait(false);
        string trusted = session.ServerMajor >= 13 ? "AND NOT v.trusted" : string.Empty;
        List<string> names = await session.RowsAsync(
            $"SELECT DISTINCT v.name::text FROM pg_available_extension_versions v WHERE v.name = ANY ($1) AND v.superuser {trusted} ORDER BY 1",
            row => row.GetString(0),
            "looking for extensions",
            cancellationToken,
            [extensions.Select(extension => extension.Name).ToArray()]).ConfigureAwait(false);
        foreach (string name in names)
            await session.ExecuteAsync($"SET search_path = public; CREATE EXTENSION IF NOT EXISTS {PostgreSqlSession.Quote(name)} CASCADE", "creating an extension", cancellationToken).ConfigureAwait(false);
    }

    private static async Task<PostgreSqlSession?> OpenAsync(DatabaseTestRun run, StagedDump dump, WorkDatabase scratch, CancellationToken cancellationToken)
    {
        try
        {
            return await PostgreSqlSession.OpenAsync(scratch.Server, scratch.Name, cancellationToken).ConfigureAwait(false);
        }
        catch (BackupException failure) when (scratch.HasOwnRole && failure.Code is ErrorCodes.AuthenticationFailed or ErrorCodes.PermissionDenied)
        {
            await ReadInsteadAsync(run, dump, [$"a way to log in with a password for the role of the test (pg_hba.conf: {failure.Message.TrimEnd('.')})"], cancellationToken).ConfigureAwait(false);
            return null;
        }
    }

    // aclcheck_error and the checks of single commands; the role's messages are English.
    private static bool LacksRights(string message) => s_lacking.Any(words => message.Contains(words, StringComparison.Ordinal));

    private static readonly string[] s_lacking =
        ["permission denied", "must be superuser", "must be owner", "must be member", "must be able to SET ROLE", "must have ", "only superuser", "Only superuser", "Only roles with", "Must be superuser", "is not trusted"];
}
