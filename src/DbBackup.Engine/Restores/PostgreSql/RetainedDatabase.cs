using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Restores.PostgreSql;

/// <summary>A database that an earlier restore replaced and that stays on its server: it gets its name back.</summary>
internal sealed class RetainedDatabase(BackupRepository repository, Backup entry, string? presentRevision) : IIncomingDatabase
{
    private readonly KeptDatabase _kept = entry.Manifest!.Kept!;
    private RestoreStage? _stage;

    public string Name => _kept.Replaced;

    public string? PresentRevision => presentRevision;

    public BackupStatus Status => BackupStatus.Restored;

    public Guid? KeptFor => entry.Id;

    public async Task<string> StageAsync(PostgreSqlSession maintenance, RestoreStage stage, CancellationToken cancellationToken)
    {
        _stage = stage;
        return await PostgreSqlTarget.RequireKeptAsync(maintenance, entry.Manifest!, cancellationToken).ConfigureAwait(false);
    }

    public void InPlace(bool value)
    {
    }

    public async Task CompleteAsync()
    {
        await KeptDatabases.WithdrawAsync(repository, entry).ConfigureAwait(false);
        _stage!.Observer.Verbose($"'{PostgreSqlConnectionSettings.DatabaseOf(_kept.Location)}' is '{_kept.Replaced}' again.");
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
