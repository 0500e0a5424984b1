using System.Globalization;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Engines.PostgreSql.Facts;
using DbBackup.Engine.Engines.PostgreSql.Load;
using DbBackup.Engine.Engines.PostgreSql.Text;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Verification;

namespace DbBackup.Engine.Restores;

/// <summary>The databases of one restore on their way: first all are made beside and compared, then all take their places.</summary>
internal sealed class PostgreSqlRestoreRun(
    BackupRepository repository, RestoreRequest request, BackupContent content, string scratch, IOperationObserver observer, string activity)
{
    private const int MostJobs = 8;
    private readonly List<Waiting> _waiting = [];
    private readonly List<StagedInPlace> _inPlace = [];
    private readonly List<PostgreSqlSession> _locks = [];
    private readonly List<(PostgreSqlConnectionSettings Server, string Name)> _restored = [];

    /// <summary>How far the databases proved themselves: the least of them.</summary>
    public BackupStatus Status { get; private set; } = BackupStatus.Matched;

    /// <summary>What keeps the state before.</summary>
    public Backup? Safety { get; private set; }

    /// <summary>How long new connections waited; null where nothing was swapped.</summary>
    public TimeSpan? Interruption { get; private set; }

    private DatabaseLoadOptions LoadOptions => new() { Jobs = request.Jobs ?? Math.Clamp(Environment.ProcessorCount, 1, MostJobs), WithoutOwners = request.NoOwner };

    private bool IsPart => request.Tables.Count + request.Schemas.Count > 0;

    /// <summary>Makes a database ready to take its place; the present one is not touched.</summary>
    public async Task StageAsync(PostgreSqlConnectionSettings server, PostgreSqlRestoreItem item, CancellationToken cancellationToken)
    {
        PostgreSqlSession maintenance = await PostgreSqlSession.OpenMaintenanceAsync(server, item.Name, cancellationToken).ConfigureAwait(false);
        _locks.Add(maintenance);
        await TargetLock.TakeAsync(maintenance, item.Name, cancellationToken).ConfigureAwait(false);
        await KeptDatabases.WithdrawUnusedAsync(repository, request.Backup.Source, maintenance, item.Name, observer, cancellationToken).ConfigureAwait(false);
        var progress = new PayloadProgress(observer, activity, $"unpacking {item.Payload.FileName}", item.Payload.OriginalSize);
        StagedDump dump = await StagedDump.PrepareAsync(content, item.Payload, maintenance.Server.Route, maintenance.ServerMajor, scratch, progress, cancellationToken).ConfigureAwait(false);
        if (item.Action == RestoreAction.InPlace)
        {
            _inPlace.Add(new StagedInPlace(server, item, dump));
            return;
        }

        using (dump)
            await MakeBesideAsync(server, item, dump, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Puts everything in its place.</summary>
    public async Task FinishAsync(CancellationToken cancellationToken)
    {
        foreach (StagedInPlace staged in _inPlace)
            await LoadInPlaceAsync(staged, cancellationToken).ConfigureAwait(false);
        foreach (Waiting waiting in _waiting.ToArray())
        {
            observer.Progress(new OperationProgress(activity, $"putting {waiting.Item.Name} in place"));
            var swap = new KeepingSwap(repository, waiting.Database.Maintenance, request.Backup.Source, request.Backup.ToString());
            (Backup? safety, TimeSpan interruption) = await swap.RunAsync(
                waiting.Item.Name, waiting.Database.Name, waiting.Item.PresentRevision, request.NoSafetyBackup, cancellationToken).ConfigureAwait(false);
            _waiting.Remove(waiting);
            waiting.Database.Dispose();
            _restored.Add((waiting.Database.Maintenance.Server, waiting.Item.Name));
            Safety ??= safety;
            Interruption = (Interruption ?? TimeSpan.Zero) + interruption;
            observer.Verbose(string.Create(CultureInfo.InvariantCulture, $"'{waiting.Item.Name}' is in place; new connections waited {interruption.TotalMilliseconds:0} ms."));
        }
    }

    /// <summary>Has the server count what its planner needs to know; without it, the first queries would be slow.</summary>
    public async Task AnalyzeAsync(CancellationToken cancellationToken)
    {
        foreach ((PostgreSqlConnectionSettings server, string name) in _restored)
        {
            try
            {
                observer.Progress(new OperationProgress(activity, $"analyzing {name}"));
                using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(server, name, cancellationToken).ConfigureAwait(false);
                await session.ExecuteAsync("ANALYZE", "analyzing", cancellationToken).ConfigureAwait(false);
            }
            catch (BackupException failure)
            {
                observer.Warning($"'{name}' is restored, but ANALYZE did not run through: {failure.Message} Run it by hand; queries may be slow until then.");
            }
        }
    }

    /// <summary>Drops what did not get its place.</summary>
    public async Task AbandonAsync()
    {
        foreach (Waiting waiting in _waiting)
        {
            await waiting.Database.DropAsync().ConfigureAwait(false);
            waiting.Database.Dispose();
        }

        foreach (StagedInPlace staged in _inPlace)
            staged.Dump.Dispose();
        foreach (PostgreSqlSession session in _locks)
            session.Dispose();
    }

    private async Task MakeBesideAsync(PostgreSqlConnectionSettings server, PostgreSqlRestoreItem item, StagedDump dump, CancellationToken cancellationToken)
    {
        DatabaseInfo? like = item.Payload.Database is { Encoding: not null } own ? own : item.Present ?? item.Payload.Database;
        string? owner = request.NoOwner ? null : item.Payload.Database?.Owner ?? item.Present?.Owner;
        PostgreSqlSession maintenance = await PostgreSqlSession.OpenMaintenanceAsync(server, null, cancellationToken).ConfigureAwait(false);
        WorkDatabase database = await WorkDatabase.CreateAsync(maintenance, WorkDatabasePurpose.New, like, owner, anyLocale: false, cancellationToken).ConfigureAwait(false);
        _waiting.Add(new Waiting(item, database));
        observer.Progress(new OperationProgress(activity, $"restoring {item.Name} beside"));
        using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(server, database.Name, cancellationToken).ConfigureAwait(false);
        var progress = new PayloadProgress(observer, activity, $"restoring {item.Name} beside", item.Payload.OriginalSize);
        ArchiveSelection? part = SelectPart(dump, toExisting: false);
        await dump.LoadAsync(session, LoadOptions, part, progress, cancellationToken).ConfigureAwait(false);
        await RequireEqualAsync(session, item.Payload, part, cancellationToken).ConfigureAwait(false);
        await ApplyPropertiesAsync(maintenance, database.Name, item, cancellationToken).ConfigureAwait(false);
    }

    private async Task RequireEqualAsync(PostgreSqlSession session, Payload payload, ArchiveSelection? part, CancellationToken cancellationToken)
    {
        Fingerprint? expected = content.Manifest.FingerprintOf(payload);
        if (expected is null)
        {
            Status = BackupStatus.Restored;
            return;
        }

        observer.Progress(new OperationProgress(activity, "comparing it with its fingerprint"));
        if (part is not null)
        {
            HashSet<string> chosen = [.. part.Tables.Select(QualifiedName)];
            expected = expected with
            {
                Tables = [.. expected.Tables.Where(table => chosen.Contains(QuotedName.Always(table.Name)))],
                Objects = new Dictionary<string, long>(),
                Settings = new Dictionary<string, string>(),
                Sequences = [],
            };
        }

        Fingerprint actual = await RestoredFingerprint.TakeAsync(session, expected, payload, otherLocale: false, cancellationToken).ConfigureAwait(false);
        if (part is not null)
            actual = actual with { SchemaSha256 = expected.SchemaSha256, Tables = [.. actual.Tables.Where(table => expected.Tables.Any(chosen => chosen.Name == table.Name))] };
        IReadOnlyList<string> differences = expected.DifferencesFrom(actual);
        if (differences.Count > 0)
            throw DatabaseRestorer.Mismatch(payload, string.Join("; ", differences.Take(5)));
    }

    private async Task ApplyPropertiesAsync(PostgreSqlSession maintenance, string name, PostgreSqlRestoreItem item, CancellationToken cancellationToken)
    {
        // A dump that was imported does not know them; then those of the database that it replaces go on.
        DatabaseInfo? info = item.Payload.Database is { Encoding: not null } own ? own : item.Present;
        if (info is null || request.NoOwner)
            return;
        HashSet<string> roles = [.. await maintenance.RowsAsync("SELECT rolname::text FROM pg_roles", row => row.GetString(0), "looking for roles", cancellationToken).ConfigureAwait(false)];
        string sql = DatabaseProperties.Statements(name, info, roles.Contains);
        if (sql.Length > 0)
            await maintenance.ExecuteAsync(sql, "setting the database's properties", cancellationToken).ConfigureAwait(false);
    }

    private ArchiveSelection? SelectPart(StagedDump dump, bool toExisting)
    {
        if (!IsPart)
            return null;
        if (dump.Listing is null)
        {
            throw new BackupFailure(
                ErrorCodes.FormatNotSupported,
                FailureCategory.NotSupported,
                $"'{dump.Payload.FileName}' is SQL text, of which no part can be restored alone.",
                "Restore all of it under another name (-Database), and copy what you need from there.")
            { Target = dump.Payload.FileName };
        }

        ArchiveSelection selection = ArchiveSelection.ForTables(dump.Listing, request.Schemas, request.Tables, keepForeignKeys: toExisting);
        if (toExisting)
            return selection;
        // An empty database has nothing that the tables rely on.
        HashSet<int> ids = [.. selection.Entries.Concat(selection.Needs).Select(entry => entry.DumpId)];
        return selection with { Entries = [.. dump.Listing.Entries.Where(entry => ids.Contains(entry.DumpId))] };
    }

    private async Task LoadInPlaceAsync(StagedInPlace staged, CancellationToken cancellationToken)
    {
        (PostgreSqlConnectionSettings server, PostgreSqlRestoreItem item, StagedDump dump) = staged;
        ArchiveSelection? part = SelectPart(dump, toExisting: true);
        Fingerprint? expected = content.Manifest.FingerprintOf(item.Payload);
        if (!request.NoSafetyBackup)
            Safety ??= await BackUpPresentAsync(server, item, cancellationToken).ConfigureAwait(false);
        string before = part is null ? EmptyingScript.ForDatabase(request.LockTimeout) + PreparePublic(item.Payload)
            : (request.Schemas.Count > 0 ? EmptyingScript.ForSchemas(request.LockTimeout, Schemas(part)) : string.Empty)
              + (request.Tables.Count > 0 ? EmptyingScript.ForTables(request.LockTimeout, [.. part.Tables.Select(QualifiedName)]) : string.Empty);
        HashSet<string>? chosen = part is null ? null : [.. part.Tables.Select(QualifiedName)];
        string after = expected is null ? string.Empty : EmptyingScript.RequireRows(expected.Tables.Where(table => chosen?.Contains(QuotedName.Always(table.Name)) != false));
        if (request.Tables.Count > 0)
            after += EmptyingScript.AfterTables;
        if (part is null && dump.SchemasOfSource is { } schemas)
            after += PublicSchema.ExistsNotBeside(schemas, isNew: false);
        observer.Progress(new OperationProgress(activity, $"loading {item.Name} in one transaction"));
        await dump.LoadInOneTransactionAsync(
            server, item.Name, LoadOptions with { WithoutSubscriptions = true }, part ?? WithoutExtensionComments(dump), before, after, cancellationToken).ConfigureAwait(false);
        _restored.Add((server, item.Name));
        if (expected is null || part is not null)
        {
            Status = expected is null ? BackupStatus.Restored : Status;
            return;
        }

        using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(server, item.Name, cancellationToken).ConfigureAwait(false);
        Fingerprint actual = await RestoredFingerprint.TakeAsync(session, expected, item.Payload, otherLocale: true, cancellationToken).ConfigureAwait(false);
        IReadOnlyList<string> differences = expected.DifferencesFrom(actual);
        if (differences.Count > 0)
        {
            Status = BackupStatus.Restored;
            observer.Warning($"'{item.Name}' has all rows of the backup, but differs otherwise: {string.Join("; ", differences.Take(5))}.");
        }
    }

    // Only a dump of the whole database that was made here surely says of the schema all that differs from a new one.
    private string PreparePublic(Payload payload) =>
        PublicSchema.Exists + (payload.Database is { Encoding: not null, IsPartial: false } && !request.NoOwner ? PublicSchema.IsAsMade : string.Empty);

    // A comment on an extension may be set by its owner alone, and is there already.
    private static ArchiveSelection? WithoutExtensionComments(StagedDump dump) => dump.Listing is not { } listing ? null : new ArchiveSelection
    {
        Entries = [.. listing.Entries.Where(entry => entry.Kind != "COMMENT" || !entry.Name.StartsWith("EXTENSION ", StringComparison.Ordinal))],
        Tables = [.. listing.Entries.Where(entry => entry.Kind == "TABLE")],
        Needs = [],
        LeftOutForeignKeys = [],
    };

    private async Task<Backup> BackUpPresentAsync(PostgreSqlConnectionSettings server, PostgreSqlRestoreItem item, CancellationToken cancellationToken)
    {
        var source = new PostgreSqlSource(server, item.Name, new PostgreSqlDumpOptions { AllowEmpty = true, LockTimeout = request.LockTimeout });
        try
        {
            Backup safety = await new BackupService(repository).CreateAsync(
                new BackupRequest { Sources = [source], SourceName = request.Backup.Source, Type = BackupType.Safety }, observer, cancellationToken).ConfigureAwait(false);
            observer.Verbose($"The present state is kept as '{safety}'.");
            return safety;
        }
        catch (BackupException failure)
        {
            throw new BackupFailure(
                failure.Code,
                failure.Category,
                $"The safety backup of the present state failed, so nothing was restored: {failure.Message}",
                $"{failure.Hint} To restore without one, pass -NoSafetyBackup.",
                failure)
            { Target = failure.Target };
        }
    }

    private static List<string> Schemas(ArchiveSelection part) =>
        [.. part.Entries.Select(entry => entry.Kind == "SCHEMA" ? entry.Name : entry.Schema).Where(schema => schema.Length > 0).Distinct(StringComparer.Ordinal)];

    private static string QualifiedName(ArchiveEntry entry) => $"{QuotedName.Quote(entry.Schema)}.{QuotedName.Quote(entry.Name)}";

    private sealed record Waiting(PostgreSqlRestoreItem Item, WorkDatabase Database);

    private sealed record StagedInPlace(PostgreSqlConnectionSettings Server, PostgreSqlRestoreItem Item, StagedDump Dump);
}
