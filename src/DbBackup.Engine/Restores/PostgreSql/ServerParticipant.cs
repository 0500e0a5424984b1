using System.Globalization;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Engines.PostgreSql.Load;
using DbBackup.Engine.Engines.PostgreSql.Swap;
using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Restores.PostgreSql;

/// <summary>
/// Databases of one server that get their names in one transaction of that server. What had the names stays on the server under others,
/// with an entry in the repository that is written before the rename, so that no database is ever kept unknown.
/// </summary>
/// <param name="repository">The repository of the entries.</param>
/// <param name="request">The restore.</param>
/// <param name="server">The server.</param>
/// <param name="databases">The databases.</param>
/// <param name="scratchBytes">The room that their dumps need.</param>
internal sealed class ServerParticipant(
    BackupRepository repository, RestoreRequest request, PostgreSqlConnectionSettings server, IReadOnlyList<IIncomingDatabase> databases, long scratchBytes) : IRestoreParticipant
{
    private readonly List<PostgreSqlSession> _locks = [];
    private readonly List<string> _staged = [];
    private readonly List<DatabaseRename> _renames = [];
    private readonly List<Backup> _entries = [];
    private readonly List<(string Database, IReadOnlyList<string> Names)> _disabled = [];
    private RestoreStage? _stage;
    private long? _identity;
    private bool _isSwapped;

    // No session of ours may be in one of them when they are renamed.
    private string[] Names => [.. databases.Select(database => database.Name)];

    public RestoreOrder Order => RestoreOrder.Server;

    public long ScratchBytes => scratchBytes;

    public BackupStatus? Status => databases.Min(database => database.Status);

    public IReadOnlyList<string> Differences => [.. databases.SelectMany(database => database.Differences)];

    public TimeSpan? Interruption { get; private set; }

    public CommitPoint? CommitPoint => _identity is null ? null : new CommitPoint(PostgreSqlSource.EngineName, server.LocationOf(databases[0].Name), server.Username, _identity);

    public async Task StageAsync(RestoreStage stage, CancellationToken cancellationToken)
    {
        _stage = stage;
        foreach (IIncomingDatabase database in databases)
        {
            PostgreSqlSession maintenance = await PostgreSqlSession.OpenMaintenanceAsync(server, database.Name, cancellationToken, Names).ConfigureAwait(false);
            _locks.Add(maintenance);
            await TargetLock.TakeAsync(maintenance, database.Name, cancellationToken).ConfigureAwait(false);
            await KeptDatabases.WithdrawUnusedAsync(repository, request.Backup.Source, maintenance, database.Name, stage.Observer, cancellationToken).ConfigureAwait(false);
            _staged.Add(await database.StageAsync(maintenance, stage, cancellationToken).ConfigureAwait(false));
        }
    }

    public Task<PresentState> HoldAsync(CancellationToken cancellationToken) => Task.FromResult(PresentState.None);

    public async Task<IReadOnlyList<string>> RetainAsync(CancellationToken cancellationToken)
    {
        using PostgreSqlSession maintenance = await PostgreSqlSession.OpenMaintenanceAsync(server, null, cancellationToken, Names).ConfigureAwait(false);
        _identity = (await PostgreSqlTarget.FindAsync(maintenance, _staged[0], cancellationToken).ConfigureAwait(false))?.ObjectId;
        string? serverIdentifier = await PostgreSqlTarget.ServerIdentifierAsync(maintenance, cancellationToken).ConfigureAwait(false);
        DateTimeOffset now = DateTimeOffset.UtcNow;
        for (int index = 0; index < databases.Count; index++)
        {
            string name = databases[index].Name;
            if (await PostgreSqlTarget.FindAsync(maintenance, name, cancellationToken).ConfigureAwait(false) is not { } present)
            {
                _renames.Add(new DatabaseRename(name, _staged[index], null) { NextMark = databases[index].KeptFor });
                continue;
            }

            string kept = KeptName.For(name, now);
            for (int number = 2; await PostgreSqlTarget.FindAsync(maintenance, kept, cancellationToken).ConfigureAwait(false) is not null; number++)
                kept = KeptName.For(name, now, number);
            _renames.Add(new DatabaseRename(name, _staged[index], kept) { NextMark = databases[index].KeptFor });
            if (request.NoSafetyBackup)
                continue;
            var entry = new KeptDatabase(server.LocationOf(kept), present.ObjectId, name, server.Username, present.Size, request.Backup.ToString(), serverIdentifier);
            Backup published = await KeptDatabases.PublishAsync(
                repository, request.Backup.Source, entry, databases[index].PresentRevision, maintenance.ServerVersion, now, cancellationToken).ConfigureAwait(false);
            _entries.Add(published);
            _renames[^1] = _renames[^1] with { KeptMark = published.Id };
        }

        return [.. _entries.Select(entry => entry.Name)];
    }

    public async Task SwapAsync(CancellationToken cancellationToken)
    {
        _stage!.Report($"putting {string.Join(", ", databases.Select(database => database.Name))} in place");
        await DisableSubscriptionsAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await RenameAsync(_renames, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await EnableSubscriptionsAsync().ConfigureAwait(false);
            throw;
        }

        SetInPlace(true);
        foreach (IIncomingDatabase database in databases)
            _stage.Observer.Verbose(string.Create(CultureInfo.InvariantCulture, $"'{database.Name}' is in place; new connections waited {Interruption!.Value.TotalMilliseconds:0} ms."));
    }

    public async Task UndoAsync(Backup? safety)
    {
        if (!_isSwapped)
            return;
        await RenameAsync([.. _renames.Select(rename => rename.Reverse)], CancellationToken.None).ConfigureAwait(false);
        SetInPlace(false);
        await EnableSubscriptionsAsync().ConfigureAwait(false);
    }

    public async Task CompleteAsync()
    {
        if (request.NoSafetyBackup)
        {
            using PostgreSqlSession maintenance = await PostgreSqlSession.OpenMaintenanceAsync(server, null, CancellationToken.None, Names).ConfigureAwait(false);
            foreach (DatabaseRename rename in _renames.Where(rename => rename.Kept is not null))
                await WorkDatabase.DropAsync(maintenance, rename.Kept!, CancellationToken.None).ConfigureAwait(false);
        }

        await TellOfSubscriptionsAsync().ConfigureAwait(false);
        foreach (IIncomingDatabase database in databases)
            await database.CompleteAsync().ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (IIncomingDatabase database in databases)
            await database.DisposeAsync().ConfigureAwait(false);
        if (!_isSwapped)
        {
            foreach (Backup entry in _entries)
                await KeptDatabases.WithdrawAsync(repository, entry).ConfigureAwait(false);
            _entries.Clear();
        }

        foreach (PostgreSqlSession session in _locks)
            session.Dispose();
        _locks.Clear();
    }

    // Before the rename: what a kept database receives from then on would be missing in the live one.
    private async Task DisableSubscriptionsAsync(CancellationToken cancellationToken)
    {
        using PostgreSqlSession maintenance = await PostgreSqlSession.OpenMaintenanceAsync(server, null, cancellationToken, Names).ConfigureAwait(false);
        foreach (DatabaseRename rename in _renames.Where(rename => rename.Kept is not null))
        {
            IReadOnlyList<string> names = await LogicalReplication.DisableAsync(maintenance, rename.Name, cancellationToken).ConfigureAwait(false);
            if (names.Count > 0)
                _disabled.Add((rename.Name, names));
        }
    }

    private async Task EnableSubscriptionsAsync()
    {
        foreach ((string database, IReadOnlyList<string> names) in _disabled)
        {
            try
            {
                await LogicalReplication.EnableAsync(server, database, names, CancellationToken.None).ConfigureAwait(false);
            }
            catch (BackupException failure)
            {
                _stage!.Observer.Warning($"The subscriptions {string.Join(", ", names)} of '{database}' could not be enabled again: {failure.Message}");
            }
        }

        _disabled.Clear();
    }

    private async Task TellOfSubscriptionsAsync()
    {
        using PostgreSqlSession maintenance = await PostgreSqlSession.OpenMaintenanceAsync(server, null, CancellationToken.None, Names).ConfigureAwait(false);
        foreach (DatabaseRename rename in _renames)
        {
            List<string> names = await LogicalReplication.SubscriptionsAsync(maintenance, rename.Name, enabled: false, CancellationToken.None).ConfigureAwait(false);
            if (names.Count > 0)
            {
                _stage!.Observer.Warning(
                    $"The subscriptions of '{rename.Name}' are disabled, also in what was kept of it, until you enable them: {string.Join(' ', names.Select(PostgreSqlSession.Quote).Select(name => $"ALTER SUBSCRIPTION {name} ENABLE; ALTER SUBSCRIPTION {name} REFRESH PUBLICATION WITH (copy_data = false);"))} What was published since the backup is missing.");
            }
        }
    }

    private async Task RenameAsync(IReadOnlyList<DatabaseRename> renames, CancellationToken cancellationToken)
    {
        using PostgreSqlSession maintenance = await PostgreSqlSession.OpenMaintenanceAsync(server, databases[0].Name, cancellationToken, Names).ConfigureAwait(false);
        Interruption = await DatabaseSwap.RunAsync(maintenance, renames, cancellationToken).ConfigureAwait(false);
    }

    private void SetInPlace(bool value)
    {
        _isSwapped = value;
        foreach (IIncomingDatabase database in databases)
            database.InPlace(value);
    }
}
