using DbBackup.Engine.Docker.Api;

namespace DbBackup.Engine.Docker.Tunnel;

/// <summary>A connection to Docker that is open while something uses it: the first use connects, the last one to end closes.</summary>
/// <param name="endpoint">The Docker Engine.</param>
internal sealed class SharedDockerClient(DockerEndpoint endpoint)
{
    private readonly Lock _sync = new();
    private Task<DockerClient>? _client;
    private int _uses;

    /// <summary>Uses the connection until the lease is disposed.</summary>
    /// <exception cref="BackupException">Docker does not answer.</exception>
    public async Task<Lease> UseAsync(CancellationToken cancellationToken)
    {
        Task<DockerClient> client;
        lock (_sync)
        {
            _uses++;
            // Not cancelled with one of its users: others may wait for it by then.
            client = _client ??= DockerClient.ConnectAsync(endpoint, CancellationToken.None);
        }

        try
        {
            return new Lease(this, await client.WaitAsync(cancellationToken).ConfigureAwait(false));
        }
        catch
        {
            Release();
            throw;
        }
    }

    private void Release()
    {
        Task<DockerClient>? last = null;
        lock (_sync)
        {
            if (--_uses == 0)
                (last, _client) = (_client, null);
        }

        if (last is not null)
            _ = CloseAsync(last);
    }

    private static async Task CloseAsync(Task<DockerClient> client)
    {
        try
        {
            (await client.ConfigureAwait(false)).Dispose();
        }
        catch (BackupException)
        {
            // It was never open; those who wanted it know.
        }
    }

    /// <summary>A use of the connection.</summary>
    public sealed class Lease(SharedDockerClient owner, DockerClient client) : IDisposable
    {
        private int _ended;

        /// <summary>The connection.</summary>
        public DockerClient Client => client;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _ended, 1) == 0)
                owner.Release();
        }
    }
}
