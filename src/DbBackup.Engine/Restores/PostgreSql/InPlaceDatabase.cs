using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Engines.PostgreSql.Load;
using DbBackup.Engine.Engines.PostgreSql.Text;
using DbBackup.Engine.Engines.PostgreSql.Verify;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Restores.PostgreSql;

/// <summary>
/// A database that is emptied and loaded in one transaction: for roles that cannot create databases, and for parts. It comes last in a
/// restore, because only the safety backup gives its previous state back.
/// </summary>
internal sealed class InPlaceDatabase(
    BackupRepository repository, RestoreRequest request, PostgreSqlConnectionSettings server, PostgreSqlRestoreItem item, BackupContent content) : IRestoreParticipant
{
    private readonly DumpPart _part = new(request, item.Payload, content);
    private PostgreSqlSession? _lock;
    private StagedDump? _dump;
    private RestoreStage? _stage;
    private bool _isSwapped;
    private int _serverMajor;
    private IReadOnlyList<ArchiveEntry> _staying = [];

    public RestoreOrder Order => RestoreOrder.InPlace;

    public long ScratchBytes => item.Payload.OriginalSize;

    public BackupStatus? Status { get; private set; } = BackupStatus.Matched;

    public CommitPoint? CommitPoint => new(PostgreSqlSource.EngineName, server.LocationOf(item.Name), server.Username, null);

    public async Task StageAsync(RestoreStage stage, CancellationToken cancellationToken)
    {
        _stage = stage;
        _lock = await PostgreSqlSession.OpenMaintenanceAsync(server, item.Name, cancellationToken).ConfigureAwait(false);
        _serverMajor = _lock.ServerMajor;
        await TargetLock.TakeAsync(_lock, item.Name, cancellationToken).ConfigureAwait(false);
        await KeptDatabases.WithdrawUnusedAsync(repository, request.Backup.Source, _lock, item.Name, stage.Observer, cancellationToken).ConfigureAwait(false);
        _dump = await _part.PrepareAsync(_lock, stage, cancellationToken).ConfigureAwait(false);
        // What cannot be done fails before anything is changed.
        if (_part.Select(_dump, toExisting: true) is null)
            await RequireRightsAsync(cancellationToken).ConfigureAwait(false);
    }

    public Task<PresentState> HoldAsync(CancellationToken cancellationToken) => Task.FromResult(request.NoSafetyBackup
        ? PresentState.None
        : new PresentState([new PostgreSqlSource(server, item.Name, new PostgreSqlDumpOptions { AllowEmpty = true, LockTimeout = request.LockTimeout })]));

    public async Task SwapAsync(CancellationToken cancellationToken)
    {
        ArchiveSelection? part = _part.Select(_dump!, toExisting: true);
        Fingerprint? expected = item.Payload.Fingerprint;
        string before = part is null ? EmptyingScript.ForDatabase(request.LockTimeout) + PreparePublic()
            : (request.Schemas.Count > 0 ? EmptyingScript.ForSchemas(request.LockTimeout, Schemas(part)) : string.Empty)
              + (request.Tables.Count > 0 ? EmptyingScript.ForTables(request.LockTimeout, [.. part.Tables.Select(DumpPart.QualifiedName)]) : string.Empty);
        HashSet<string>? chosen = part is null ? null : [.. part.Tables.Select(DumpPart.QualifiedName)];
        string after = expected is null ? string.Empty : EmptyingScript.RequireRows(expected.Tables.Where(table => chosen?.Contains(QuotedName.Always(table.Name)) != false));
        if (request.Tables.Count > 0)
            after += EmptyingScript.AfterTables;
        if (part is null && _dump!.SchemasOfSource is { } schemas)
            after += PublicSchema.ExistsNotBeside(schemas, isNew: false);
        IReadOnlyList<string> present = part is null ? await SchemasOfExtensionsAsync(cancellationToken).ConfigureAwait(false) : [];
        _stage!.Report($"loading {item.Name} in one transaction");
        await _dump!.LoadInOneTransactionAsync(
            server, item.Name, _serverMajor, _part.LoadOptions with { WithoutSubscriptions = true, PresentSchemas = present, WithoutTablespaces = item.LacksTablespaces, WithoutExtensions = part is null ? item.WithoutExtensions : [] }, part ?? WhatCounts(_dump), before, after, cancellationToken).ConfigureAwait(false);
        _isSwapped = true;
        Status = expected is null ? BackupStatus.Restored : Status;
        if (expected is not null && part is null)
            await CompareAsync(expected, cancellationToken).ConfigureAwait(false);
    }

    public async Task UndoAsync(Backup? safety)
    {
        if (!_isSwapped)
            return;
        if (safety is null)
        {
            throw new BackupFailure(
                ErrorCodes.RestoreMismatch,
                FailureCategory.InvalidData,
                $"The database '{item.Name}' has the restored state and keeps it, because no safety backup was taken.",
                "Restore an earlier backup of it.")
            { Target = server.LocationOf(item.Name) };
        }

        var key = new BackupKey(safety.Source, safety.Name);
        Manifest manifest = BackupRepository.RequireManifest(safety);
        Payload payload = manifest.Payloads.First(each => DatabaseEngines.IsOfServer(each) && each.Database?.Name == item.Name);
        var undo = new InPlaceDatabase(
            repository,
            request with { Backup = safety, Tables = [], Schemas = [], NoSafetyBackup = true },
            server,
            item with { Payload = payload },
            repository.ContentOf(key, manifest));
        // The lock of this database is held already.
        undo._stage = _stage;
        undo._serverMajor = _serverMajor;
        try
        {
            undo._dump = await undo._part.PrepareAsync(_lock!, _stage!, CancellationToken.None).ConfigureAwait(false);
            await undo.SwapAsync(CancellationToken.None).ConfigureAwait(false);
            _isSwapped = false;
        }
        finally
        {
            await undo.DisposeAsync().ConfigureAwait(false);
        }
    }

    public Task CompleteAsync() => DumpPart.AnalyzeAsync(server, item.Name, _stage!);

    public ValueTask DisposeAsync()
    {
        _dump?.Dispose();
        _dump = null;
        _lock?.Dispose();
        _lock = null;
        return ValueTask.CompletedTask;
    }

    private async Task CompareAsync(Fingerprint expected, CancellationToken cancellationToken)
    {
        using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(server, item.Name, cancellationToken).ConfigureAwait(false);
        Fingerprint actual = await RestoredFingerprint.TakeAsync(session, expected, item.Payload, otherLocale: true, cancellationToken, item.WithoutExtensions).ConfigureAwait(false);
        IReadOnlyList<string> differences = expected.DifferencesFrom(actual);
        if (differences.Count == 0)
            return;
        Status = BackupStatus.Restored;
        _stage!.Observer.Warning($"'{item.Name}' has all rows of the backup, but differs otherwise: {string.Join("; ", differences.Take(5))}.");
    }

    // Emptying leaves them, because an extension stays with its objects; a dump creates them.
    private async Task<IReadOnlyList<string>> SchemasOfExtensionsAsync(CancellationToken cancellationToken)
    {
        using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(server, item.Name, cancellationToken).ConfigureAwait(false);
        return await session.RowsAsync(
            "SELECT DISTINCT n.nspname::text FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace", row => row.GetString(0), "looking for extensions", cancellationToken).ConfigureAwait(false);
    }

    // Only a dump of the whole database that was made here surely says of the schema all that differs from a new one.
    private string PreparePublic() =>
        PublicSchema.Exists + (item.Payload.Database is { Encoding: not null, IsPartial: false } && !request.NoOwner ? PublicSchema.IsAsMade : string.Empty);

    private async Task RequireRightsAsync(CancellationToken cancellationToken)
    {
        DumpPart.RequireNoneNeeds(_dump!, item.WithoutExtensions, "Restore it to the server's database in which the extension works (-Database), or restore what you need of it: -Table, -Schema.");
        using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(server, item.Name, cancellationToken).ConfigureAwait(false);
        await InPlaceRights.RequireOwnershipAsync(session, cancellationToken).ConfigureAwait(false);
        if (_dump!.Listing is not { } listing)
            return;
        if (!request.NoOwner)
            await InPlaceRights.RequireOwnersAsync(session, listing.Entries, await SchemasOfExtensionsAsync(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        _staying = await InPlaceRights.UnwritableAsync(session, listing, cancellationToken).ConfigureAwait(false);
        string[] tables = [.. _staying.Where(entry => entry.Kind == "TABLE DATA").Select(entry => $"{entry.Schema}.{entry.Name}")];
        if (tables.Length > 0)
            _stage!.Observer.Warning($"The rows of {string.Join(", ", tables)} stay as they are: the tables belong to extensions, and the role '{server.Username}' may not write them. To restore them too, use a superuser.");
    }

    // A comment on an extension may be set by its owner alone, and is there already.
    private ArchiveSelection? WhatCounts(StagedDump dump) => dump.Listing is not { } listing ? null : new ArchiveSelection
    {
        Entries = [.. listing.Entries.Where(entry => entry.Kind != "COMMENT" || !entry.Name.StartsWith("EXTENSION ", StringComparison.Ordinal)).Except(_staying)],
        Tables = [.. listing.Entries.Where(entry => entry.Kind == "TABLE")],
        Needs = [],
        LeftOutForeignKeys = [],
    };

    private static List<string> Schemas(ArchiveSelection part) =>
        [.. part.Entries.Select(entry => entry.Kind == "SCHEMA" ? entry.Name : entry.Schema).Where(schema => schema.Length > 0).Distinct(StringComparer.Ordinal)];
}
