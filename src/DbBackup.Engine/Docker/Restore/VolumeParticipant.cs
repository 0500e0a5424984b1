using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Files;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Restores;

namespace DbBackup.Engine.Docker.Restore;

/// <summary>Files and SQLite databases in one place of a container or volume: unpacked beside, read back, and renamed into place.</summary>
/// <param name="client">The Docker Engine.</param>
/// <param name="dockerHost">The engine as the user named it; null for the one of the place's location.</param>
/// <param name="place">The place.</param>
/// <param name="content">The backup's content.</param>
/// <param name="lockTimeout">How long to wait for a database's lock.</param>
internal sealed class VolumeParticipant(DockerClient client, string? dockerHost, VolumePlace place, BackupContent content, TimeSpan lockTimeout) : IRestoreParticipant
{
    private RestoreStage? _stage;
    private VolumeSwap? _swap;
    private ContainerFilesPlan? _present;

    public RestoreOrder Order => RestoreOrder.Volume;

    // Databases are checked on this machine before they are sent.
    public long ScratchBytes => place.Databases.Sum(database => database.Payload.OriginalSize);

    public BackupStatus? Status => place.Databases.Count == 0 ? null
        : place.Databases.All(database => database.Payload.Fingerprint is not null) ? BackupStatus.Matched : BackupStatus.Restored;

    public async Task StageAsync(RestoreStage stage, CancellationToken cancellationToken)
    {
        _stage = stage;
        var databases = new List<(Payload, string, string)>();
        foreach ((Payload payload, string relative) in place.Databases)
        {
            string file = Path.Combine(stage.ScratchFolder!, $"{Guid.NewGuid():N}.db");
            var progress = new PayloadProgress(stage.Observer, stage.Activity, $"restoring {payload.RestoreName} beside", payload.OriginalSize);
            await DatabaseEngines.FileOf(payload).RestoreAsync(content, payload, file, progress, cancellationToken).ConfigureAwait(false);
            await Task.Run(() => DatabaseEngines.FileOf(payload).RequireEqual(payload, file, cancellationToken), cancellationToken).ConfigureAwait(false);
            databases.Add((payload, file, relative));
        }

        bool isSingleFile = place.Files is not null && databases.Count == 0 && await UploadArchive.IsSingleFileAsync(content, place.Files, cancellationToken).ConfigureAwait(false);
        _swap = await VolumeSwap.CreateAsync(client, place, isSingleFile, cancellationToken).ConfigureAwait(false);
        stage.Report($"unpacking beside {place.Location}");
        await _swap.StageAsync(content, databases, cancellationToken).ConfigureAwait(false);
        foreach ((_, string file, _) in databases)
            File.Delete(file);
    }

    // The application is stopped, so nothing else is needed for a consistent state.
    public async Task<PresentState> HoldAsync(CancellationToken cancellationToken)
    {
        if (!place.Exists)
            return PresentState.None;
        _present = await ContainerFiles.ResolveAsync(
            new ContainerFilesRequest { Subject = ContainerAddress.At(place.Location, dockerHost), Path = place.Location.Path, Consistency = Consistency.Live, LockTimeout = lockTimeout, AllowEmpty = true },
            cancellationToken).ConfigureAwait(false);
        return new PresentState([.. _present.Sources]);
    }

    public Task SwapAsync(CancellationToken cancellationToken) => _swap!.SwapAsync(CancellationToken.None);

    public Task UndoAsync(Backup? safety) => _swap!.IsSwapped ? _swap.UndoAsync() : Task.CompletedTask;

    public Task CompleteAsync() => _swap!.CleanAsync();

    public async ValueTask DisposeAsync()
    {
        if (_present is not null)
            await _present.DisposeAsync().ConfigureAwait(false);
        _present = null;
        if (_swap is null)
            return;
        if (!_swap.IsSwapped)
            await TryCleanAsync(_swap).ConfigureAwait(false);
        await _swap.DisposeAsync().ConfigureAwait(false);
        _swap = null;
    }

    private async Task TryCleanAsync(VolumeSwap swap)
    {
        try
        {
            await swap.CleanAsync().ConfigureAwait(false);
        }
        catch (BackupException failure)
        {
            _stage!.Observer.Warning($"What was unpacked beside '{swap.Place.Location}' could not be removed: {failure.Message}");
        }
    }
}
