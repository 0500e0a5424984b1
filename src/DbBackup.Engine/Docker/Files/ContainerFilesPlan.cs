using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Pausing;
using DbBackup.Engine.Engines;

namespace DbBackup.Engine.Docker.Files;

/// <summary>How files of a container or volume are going to be backed up. Holds the connection to the engine until it is disposed.</summary>
internal sealed class ContainerFilesPlan : IAsyncDisposable
{
    private readonly DockerClient _client;
    private readonly TemporaryContainer? _temporary;

    internal ContainerFilesPlan(DockerClient client, TemporaryContainer? temporary)
    {
        _client = client;
        _temporary = temporary;
    }

    /// <summary>The sources, in the order of their capture.</summary>
    public required IReadOnlyList<IBackupSource> Sources { get; init; }

    /// <summary>The running containers that can write the files; empty if none is to be paused.</summary>
    public required IReadOnlyList<PausedContainer> Pausing { get; init; }

    /// <summary>Paused or stopped; null without a pause. The backup's pause must be of this kind then.</summary>
    public required PauseMode? Mode { get; init; }

    /// <summary>Where the files are, as the manifest has it.</summary>
    public required DockerLocation Location { get; init; }

    /// <summary>True if the bytes come through the engine; otherwise they are read where they lie on this machine.</summary>
    public required bool IsThroughEngine { get; init; }

    /// <summary>The engine on which the containers are.</summary>
    internal DockerClient Client => _client;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_temporary is not null)
            await _temporary.DisposeAsync().ConfigureAwait(false);
        _client.Dispose();
    }
}
