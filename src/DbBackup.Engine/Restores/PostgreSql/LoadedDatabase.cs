using System.Globalization;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Engines.PostgreSql.Facts;
using DbBackup.Engine.Engines.PostgreSql.Load;
using DbBackup.Engine.Engines.PostgreSql.Verify;
using DbBackup.Engine.Payloads;

namespace DbBackup.Engine.Restores.PostgreSql;

/// <summary>A database that is loaded beside from a dump and compared with its fingerprint.</summary>
internal sealed class LoadedDatabase(RestoreRequest request, PostgreSqlConnectionSettings server, PostgreSqlRestoreItem item, BackupContent content) : IIncomingDatabase
{
    private const int MostTold = 20;

    private readonly DumpPart _part = new(request, item.Payload, content);
    private WorkDatabase? _database;
    private StagedDump? _dump;
    private RestoreStage? _stage;
    private readonly List<string> _differences = [];
    private bool _isInPlace;

    public string Name => item.Name;

    public string? PresentRevision => item.PresentRevision;

    public Guid? KeptFor => null;

    public BackupStatus Status { get; private set; } = BackupStatus.Matched;

    public IReadOnlyList<string> Differences => _differences;

    public async Task<string> StageAsync(PostgreSqlSession maintenance, RestoreStage stage, CancellationToken cancellationToken)
    {
        _stage = stage;
        StagedDump dump = _dump = await _part.PrepareAsync(maintenance, stage, cancellationToken).ConfigureAwait(false);
        DumpPart.RequireNoneNeeds(
            dump,
            [.. LoadOptions.WithoutExtensions],
            item.LateExtensions.Count > 0
                ? $"Create an empty database first (CREATE DATABASE {PostgreSqlSession.Quote(item.Name)};): it is then loaded in place, extension and all."
                : "Restore it to the server's database in which the extension works (-Database), or restore what you need of it: -Table, -Schema.");
        DatabaseInfo? like = item.Payload.Database is { Encoding: not null } own ? own : item.Present ?? item.Payload.Database;
        string? owner = request.NoOwner ? null : item.Payload.Database?.Owner ?? item.Present?.Owner;
        PostgreSqlSession holder = await PostgreSqlSession.OpenMaintenanceAsync(server, null, cancellationToken, item.Name).ConfigureAwait(false);
        _database = await WorkDatabase.CreateAsync(holder, WorkDatabasePurpose.New, like, owner, anyLocale: false, cancellationToken, tablespace: item.LacksTablespaces ? null : item.Payload.Database?.Tablespace).ConfigureAwait(false);
        stage.Report($"restoring {item.Name} beside");
        using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(server, _database.Name, cancellationToken).ConfigureAwait(false);
        var progress = new PayloadProgress(stage.Observer, stage.Activity, $"restoring {item.Name} beside", item.Payload.OriginalSize);
        ArchiveSelection? selection = _part.Select(dump, toExisting: false);
        _differences.AddRange(await LoadAsync(dump, session, selection, progress, cancellationToken).ConfigureAwait(false));
        await CompareAsync(session, dump, selection, stage, cancellationToken).ConfigureAwait(false);
        await ApplyPropertiesAsync(holder, _database.Name, cancellationToken).ConfigureAwait(false);
        // What is loaded when it has its name is read out of the archive once more.
        if (item.LateExtensions.Count == 0)
            ReleaseDump();
        return _database.Name;
    }

    public void InPlace(bool value) => _isInPlace = value;

    private DatabaseLoadOptions LoadOptions => _part.LoadOptions with { WithoutTablespaces = item.LacksTablespaces, WithoutExtensions = [.. item.WithoutExtensions, .. item.LateExtensions] };

    public async Task CompleteAsync()
    {
        // Not before: a template cannot be dropped, as a restore that fails must.
        if (item.Payload.Database?.IsTemplate == true && !request.NoOwner && request.NewName is null)
        {
            using PostgreSqlSession maintenance = await PostgreSqlSession.OpenMaintenanceAsync(server, null, CancellationToken.None, item.Name).ConfigureAwait(false);
            await maintenance.ExecuteAsync($"ALTER DATABASE {PostgreSqlSession.Quote(item.Name)} IS_TEMPLATE true", "setting the database's properties", CancellationToken.None).ConfigureAwait(false);
        }

        if (item.LateExtensions.Count > 0)
            await CreateLateExtensionsAsync().ConfigureAwait(false);
        await DumpPart.AnalyzeAsync(server, item.Name, _stage!).ConfigureAwait(false);
    }

    // The database is restored and has its name; without the extension it is still what was asked for, so nothing is undone.
    private async Task CreateLateExtensionsAsync()
    {
        StagedDump dump = _dump!;
        IReadOnlySet<int> own = SingleDatabaseExtensions.EntriesOf(dump.Listing!, item.LateExtensions).Own;
        try
        {
            using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(server, item.Name, CancellationToken.None).ConfigureAwait(false);
            var selection = new ArchiveSelection { Entries = [.. dump.Listing!.Entries.Where(entry => own.Contains(entry.DumpId))], Tables = [], Needs = [], LeftOutForeignKeys = [] };
            await dump.LoadAsync(session, _part.LoadOptions with { Jobs = 1, KeepsGoing = false }, selection, null, CancellationToken.None).ConfigureAwait(false);
        }
        catch (BackupException failure)
        {
            _stage!.Observer.Warning($"'{item.Name}' is restored, but without the extension {string.Join(", ", item.LateExtensions)} and its rows: {failure.Message} To load them too, restore again with -InPlace.");
        }
    }

    private void ReleaseDump()
    {
        _dump?.Dispose();
        _dump = null;
    }

    public async ValueTask DisposeAsync()
    {
        ReleaseDump();
        if (_database is null)
            return;
        if (!_isInPlace)
            await _database.DropAsync().ConfigureAwait(false);
        _database.Dispose();
        _database = null;
    }

    private async Task<IReadOnlyList<string>> LoadAsync(StagedDump dump, PostgreSqlSession session, ArchiveSelection? part, IProgress<long> progress, CancellationToken cancellationToken)
    {
        try
        {
            return await dump.LoadAsync(session, LoadOptions, part, progress, cancellationToken).ConfigureAwait(false);
        }
        catch (BackupException failure) when (LoadErrors.IsRefusal(failure) && part is null)
        {
            throw new BackupFailure(
                failure.Code, failure.Category, failure.Message, $"Nothing was changed. Leave out what the server refuses, and have it listed: {RestoreAnyway}", failure)
            { Target = failure.Target };
        }
    }

    private string RestoreAnyway => $"Restore-DbBackup {request.Backup.Name} -Source {request.Backup.Source} -AllowMismatch.";

    private async Task CompareAsync(PostgreSqlSession session, StagedDump dump, ArchiveSelection? part, RestoreStage stage, CancellationToken cancellationToken)
    {
        Fingerprint? expected = item.Payload.Fingerprint;
        if (expected is null)
        {
            Status = _differences.Count > 0 ? BackupStatus.Mismatched : BackupStatus.Restored;
            Tell(stage);
            return;
        }

        stage.Report("comparing it with its fingerprint");
        IReadOnlyList<string> differences = await _part.DifferencesAsync(session, expected, part, LoadOptions.WithoutExtensions, cancellationToken).ConfigureAwait(false);
        if (part is null && item.Payload.Database?.IsPartial != true)
            differences = [.. differences, .. await SchemaDifferencesAsync(session, dump, stage, cancellationToken).ConfigureAwait(false)];
        if (differences.Count > 0 && !request.AllowMismatch)
            throw PayloadCopy.Mismatch(item.Payload, string.Join("; ", differences.Take(5)), $"Use another backup of this source (Get-DbBackup), or restore it anyway: {RestoreAnyway}");
        _differences.AddRange(differences);
        if (_differences.Count > 0)
            Status = BackupStatus.Mismatched;
        Tell(stage);
    }

    private async Task<IReadOnlyList<string>> SchemaDifferencesAsync(PostgreSqlSession session, StagedDump dump, RestoreStage stage, CancellationToken cancellationToken)
    {
        SchemaFindings schema = await new SchemaComparison(dump, LoadOptions).RunAsync(
            session,
            async () => await WorkDatabase.CreateAsync(
                await PostgreSqlSession.OpenMaintenanceAsync(server, null, cancellationToken).ConfigureAwait(false),
                WorkDatabasePurpose.Test,
                item.Payload.Database,
                owner: null,
                anyLocale: false,
                cancellationToken).ConfigureAwait(false),
            cancellationToken).ConfigureAwait(false);
        stage.Observer.Verbose($"'{item.Name}': {schema.Detail}.");
        return schema.Differences;
    }

    private void Tell(RestoreStage stage)
    {
        foreach (string difference in _differences.Take(MostTold))
            stage.Observer.Warning($"'{item.Name}' is restored without or otherwise: {difference}.");
        if (_differences.Count > MostTold)
            stage.Observer.Warning(string.Create(CultureInfo.InvariantCulture, $"'{item.Name}' differs in {_differences.Count - MostTold} more points (Differences of the result, with -PassThru)."));
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
