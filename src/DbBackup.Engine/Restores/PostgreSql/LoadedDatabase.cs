using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Engines.PostgreSql.Facts;
using DbBackup.Engine.Engines.PostgreSql.Load;
using DbBackup.Engine.Payloads;

namespace DbBackup.Engine.Restores.PostgreSql;

/// <summary>A database that is loaded beside from a dump and compared with its fingerprint.</summary>
internal sealed class LoadedDatabase(RestoreRequest request, PostgreSqlConnectionSettings server, PostgreSqlRestoreItem item, BackupContent content) : IIncomingDatabase
{
    private readonly DumpPart _part = new(request, item.Payload, content);
    private WorkDatabase? _database;
    private RestoreStage? _stage;
    private bool _isInPlace;

    public string Name => item.Name;

    public string? PresentRevision => item.PresentRevision;

    public Guid? KeptFor => null;

    public BackupStatus Status { get; private set; } = BackupStatus.Matched;

    public async Task<string> StageAsync(PostgreSqlSession maintenance, RestoreStage stage, CancellationToken cancellationToken)
    {
        _stage = stage;
        using StagedDump dump = await _part.PrepareAsync(maintenance, stage, cancellationToken).ConfigureAwait(false);
        DatabaseInfo? like = item.Payload.Database is { Encoding: not null } own ? own : item.Present ?? item.Payload.Database;
        string? owner = request.NoOwner ? null : item.Payload.Database?.Owner ?? item.Present?.Owner;
        PostgreSqlSession holder = await PostgreSqlSession.OpenMaintenanceAsync(server, null, cancellationToken).ConfigureAwait(false);
        _database = await WorkDatabase.CreateAsync(holder, WorkDatabasePurpose.New, like, owner, anyLocale: false, cancellationToken).ConfigureAwait(false);
        stage.Report($"restoring {item.Name} beside");
        using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(server, _database.Name, cancellationToken).ConfigureAwait(false);
        var progress = new PayloadProgress(stage.Observer, stage.Activity, $"restoring {item.Name} beside", item.Payload.OriginalSize);
        ArchiveSelection? selection = _part.Select(dump, toExisting: false);
        await dump.LoadAsync(session, _part.LoadOptions, selection, progress, cancellationToken).ConfigureAwait(false);
        await RequireEqualAsync(session, selection, stage, cancellationToken).ConfigureAwait(false);
        await ApplyPropertiesAsync(holder, _database.Name, cancellationToken).ConfigureAwait(false);
        return _database.Name;
    }

    public void InPlace(bool value) => _isInPlace = value;

    public Task CompleteAsync() => DumpPart.AnalyzeAsync(server, item.Name, _stage!);

    public async ValueTask DisposeAsync()
    {
        if (_database is null)
            return;
        if (!_isInPlace)
            await _database.DropAsync().ConfigureAwait(false);
        _database.Dispose();
        _database = null;
    }

    private async Task RequireEqualAsync(PostgreSqlSession session, ArchiveSelection? part, RestoreStage stage, CancellationToken cancellationToken)
    {
        Fingerprint? expected = item.Payload.Fingerprint;
        if (expected is null)
        {
            Status = BackupStatus.Restored;
            return;
        }

        stage.Report("comparing it with its fingerprint");
        IReadOnlyList<string> differences = await _part.DifferencesAsync(session, expected, part, cancellationToken).ConfigureAwait(false);
        if (differences.Count > 0)
            throw PayloadCopy.Mismatch(item.Payload, string.Join("; ", differences.Take(5)));
    }

    private async Task ApplyPropertiesAsync(PostgreSqlSession maintenance, string name, CancellationToken cancellationToken)
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
}
