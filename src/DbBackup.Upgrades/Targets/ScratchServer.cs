using System.Security.Cryptography;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Files;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Repository;

namespace DbBackup.Upgrades.Targets;

/// <summary>A server of the new version in a scratch volume, for a rehearsal.</summary>
internal sealed class ScratchServer : IAsyncDisposable
{
    private readonly DockerClient _client;
    private readonly IReadOnlyList<string> _volumes;

    private ScratchServer(DockerClient client, IReadOnlyList<string> volumes, TrialServer server)
    {
        _client = client;
        _volumes = volumes;
        Server = server;
    }

    /// <summary>The server.</summary>
    public TrialServer Server { get; }

    /// <summary>Returns the name of the rehearsal's container.</summary>
    public static string NameOf(UpgradeSubject.MajorVersion server) => $"dbbackup-rehearsal-{server.Name}";

    /// <summary>Starts it with the container's own variables, command and mounts.</summary>
    /// <exception cref="BackupException">The new image's server does not start with them.</exception>
    public static async Task<ScratchServer> StartAsync(UpgradeSubject.MajorVersion server, TimeSpan timeout, CancellationToken cancellationToken)
    {
        DockerClient client = await DockerClient.ConnectAsync(DockerContexts.OfUser.Resolve(server.DockerHost), cancellationToken).ConfigureAwait(false);
        string[] volumes = [.. server.Volumes.Select(_ => $"{NameOf(server)}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}")];
        try
        {
            await TemporaryContainer.SweepAsync(client, cancellationToken).ConfigureAwait(false);
            foreach (string volume in volumes)
                await client.VolumeCreateAsync(volume, TemporaryContainer.OwnLabels(), cancellationToken).ConfigureAwait(false);
            ContainerDefinition definition = await ServerDefinition.ForLoadingAsync(client, server.Name, server, volumes, cancellationToken).ConfigureAwait(false);
            return new ScratchServer(client, volumes, await TrialServer.StartAsync(client, definition, NameOf(server), server.DockerHost, timeout, cancellationToken).ConfigureAwait(false));
        }
        catch
        {
            await RemoveAsync(client, volumes).ConfigureAwait(false);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync().ConfigureAwait(false);
        await RemoveAsync(_client, _volumes).ConfigureAwait(false);
    }

    private static async Task RemoveAsync(DockerClient client, IReadOnlyList<string> volumes)
    {
        foreach (string volume in volumes)
        {
            try
            {
                await client.VolumeDeleteAsync(volume, CancellationToken.None).ConfigureAwait(false);
            }
            catch (BackupException)
            {
                // The next upgrade removes it.
            }
        }

        client.Dispose();
    }
}

/// <summary>Loads a backup into a scratch server beside the running one.</summary>
/// <param name="server">The upgrade's subject.</param>
/// <param name="request">The upgrade.</param>
internal sealed class ScratchRehearsal(UpgradeSubject.MajorVersion server, UpgradeRequest request) : IServerRehearsal
{
    public async Task<(PostgreSqlConnectionRequest Connection, IAsyncDisposable End)> LoadAsync(Backup backup, BackupRepository repository, IOperationObserver observer, CancellationToken cancellationToken)
    {
        ScratchServer scratch = await ScratchServer.StartAsync(server, request.Timeout, cancellationToken).ConfigureAwait(false);
        try
        {
            await ServerLoad.RunAsync(server, scratch.Server, backup, repository, request, observer, cancellationToken).ConfigureAwait(false);
            return (scratch.Server.Connection, scratch);
        }
        catch
        {
            await scratch.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        using DockerClient client = await DockerClient.ConnectAsync(DockerContexts.OfUser.Resolve(server.DockerHost), cancellationToken).ConfigureAwait(false);
        if (await client.ContainerFindAsync(ScratchServer.NameOf(server), cancellationToken).ConfigureAwait(false) is { } left)
            await client.TrialContainerDeleteAsync(left.Id, cancellationToken).ConfigureAwait(false);
        await TemporaryContainer.SweepAsync(client, cancellationToken).ConfigureAwait(false);
    }
}
