using System.Diagnostics;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Facts;
using DbBackup.Engine.Engines.PostgreSql.Swap;
using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Restores;

/// <summary>
/// Undoes a restore: the database that was kept on its server gets its name back, and the one that has it now is kept in turn, so that the
/// undoing can be undone.
/// </summary>
internal sealed class KeptRestore : PreparedRestore
{
    private readonly BackupRepository _repository;
    private readonly RestoreRequest _request;
    private readonly PostgreSqlConnectionSettings _server;
    private readonly KeptDatabase _kept;
    private readonly string? _presentRevision;

    private KeptRestore(BackupRepository repository, RestoreRequest request, PostgreSqlConnectionSettings server, KeptDatabase kept, RestorePlan plan, string? presentRevision)
    {
        _repository = repository;
        _request = request;
        _server = server;
        _kept = kept;
        _presentRevision = presentRevision;
        Plan = plan;
    }

    public override RestorePlan Plan { get; }

    public static async Task<KeptRestore> PrepareAsync(BackupRepository repository, RestoreRequest request, CancellationToken cancellationToken)
    {
        KeptDatabase kept = request.Backup.Manifest!.Kept!;
        PostgreSqlConnectionSettings server = await PostgreSqlTarget.ResolveAsync(request.Connection, kept.Location, kept.Username, cancellationToken).ConfigureAwait(false);
        using PostgreSqlSession maintenance = await PostgreSqlSession.OpenMaintenanceAsync(server, null, cancellationToken).ConfigureAwait(false);
        string name = await PostgreSqlTarget.RequireKeptAsync(maintenance, kept, cancellationToken).ConfigureAwait(false);
        (long ObjectId, long Size, bool MayRename)? present = await PostgreSqlTarget.FindAsync(maintenance, kept.Replaced, cancellationToken).ConfigureAwait(false);
        string? presentRevision = null;
        var warnings = new List<string>();
        if (present is not null)
        {
            try
            {
                using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(server, kept.Replaced, cancellationToken).ConfigureAwait(false);
                presentRevision = await PostgreSqlCatalog.PresentRevisionAsync(session, cancellationToken).ConfigureAwait(false);
            }
            catch (BackupException failure) when (failure.Code is ErrorCodes.ServerFailed or ErrorCodes.PermissionDenied)
            {
                warnings.Add($"the present database cannot be looked into: {failure.Message}");
            }

            string sessions = await DatabaseSwap.DescribeSessionsAsync(maintenance, kept.Replaced, cancellationToken).ConfigureAwait(false);
            if (sessions.Length > 0)
                warnings.Add($"sessions in the present database are ended: {sessions}");
        }

        var payload = new Payload
        {
            FileName = name,
            Kind = PayloadKind.Database,
            Format = PayloadFormat.PostgreSqlCustom,
            Compression = PayloadCompression.None,
            OriginalSize = kept.Size,
            StoredSize = kept.Size,
            OriginalSha256 = string.Empty,
            StoredSha256 = string.Empty,
            RestoreName = name,
        };
        var plan = new RestorePlan
        {
            Backup = request.Backup,
            Targets = [new RestoreTarget(payload, server.LocationOf(kept.Replaced), RestoreAction.SwapBack, present?.Size ?? 0) { KeptAs = name }],
            SafetyBackup = false,
            PresentRevision = presentRevision,
            Warnings = warnings,
        };
        return new KeptRestore(repository, request, server, kept, plan, presentRevision);
    }

    public override async Task<RestoreResult> RunAsync(IOperationObserver observer, CancellationToken cancellationToken)
    {
        var duration = Stopwatch.StartNew();
        using PostgreSqlSession maintenance = await PostgreSqlSession.OpenMaintenanceAsync(_server, null, cancellationToken).ConfigureAwait(false);
        await TargetLock.TakeAsync(maintenance, _kept.Replaced, cancellationToken).ConfigureAwait(false);
        await KeptDatabases.WithdrawUnusedAsync(_repository, _request.Backup.Source, maintenance, _kept.Replaced, observer, cancellationToken).ConfigureAwait(false);
        string name = await PostgreSqlTarget.RequireKeptAsync(maintenance, _kept, cancellationToken).ConfigureAwait(false);
        var swap = new KeepingSwap(_repository, maintenance, _request.Backup.Source, _request.Backup.ToString());
        (Backup? safety, TimeSpan interruption) = await swap.RunAsync(_kept.Replaced, name, _presentRevision, _request.NoSafetyBackup, cancellationToken).ConfigureAwait(false);
        await KeptDatabases.WithdrawAsync(_repository, _request.Backup).ConfigureAwait(false);
        observer.Verbose($"'{name}' is '{_kept.Replaced}' again.");
        return new RestoreResult
        {
            Name = _request.Backup.Name,
            Source = _request.Backup.Source,
            Restored = [_server.LocationOf(_kept.Replaced)],
            Status = BackupStatus.Restored,
            SafetyBackup = safety,
            SchemaRevision = _request.Backup.SchemaRevision,
            PreviousSchemaRevision = _presentRevision,
            NextCommands = MigrationCommands.For(_request.Backup.SchemaRevision, _presentRevision),
            Interruption = interruption,
            Duration = duration.Elapsed,
        };
    }
}
