using System.Net;

namespace DbBackup.Engine.Docker.Api;

/// <summary>
/// Sends HTTP requests over <see cref="DockerConnection"/>, so that ssh, TLS, sockets and named pipes are opened in one place. Connections are
/// pooled; a request that upgrades its connection to plain streams gets one of its own.
/// </summary>
internal sealed class DockerHandler(DockerEndpoint endpoint) : HttpMessageHandler
{
    /// <summary>What requests call the engine; the connection says which it is.</summary>
    public static Uri Address { get; } = new("http://docker/");

    private readonly HttpMessageInvoker _pool = new(new SocketsHttpHandler
    {
        // A connection that idles is a process of its own where ssh is between.
        PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
        UseProxy = false,
        ConnectCallback = async (_, token) => new OwnedStream(await DockerConnection.OpenAsync(endpoint, token).ConfigureAwait(false)),
    });

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        request.Headers.Upgrade.Count == 0 ? _pool.SendAsync(request, cancellationToken) : UpgradeAsync(request, cancellationToken);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _pool.Dispose();
        base.Dispose(disposing);
    }

    private async Task<HttpResponseMessage> UpgradeAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        DockerConnection connection = await DockerConnection.OpenAsync(endpoint, cancellationToken).ConfigureAwait(false);
        try
        {
            // Not disposed: it knows this connection alone, which its new owner closes.
            var invoker = new HttpMessageInvoker(
                new SocketsHttpHandler { UseProxy = false, ConnectCallback = (_, _) => ValueTask.FromResult<Stream>(new LentStream(connection)) });
            HttpResponseMessage answer = await invoker.SendAsync(request, cancellationToken).ConfigureAwait(false);
            if (answer.StatusCode == HttpStatusCode.SwitchingProtocols)
            {
                answer.Content = new UpgradedContent(connection, await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false));
            }
            else
            {
                await answer.Content.LoadIntoBufferAsync(cancellationToken).ConfigureAwait(false);
                connection.Dispose();
            }

            return answer;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>A connection's stream, which takes the connection with it when the pool lets it go.</summary>
    private sealed class OwnedStream(DockerConnection connection) : ForwardedStream(connection.Stream)
    {
        protected override void Dispose(bool disposing)
        {
            if (disposing)
                connection.Dispose();
            base.Dispose(disposing);
        }
    }

    /// <summary>A connection's stream that outlives HTTP: when a program's output has ended, its input is still open.</summary>
    private sealed class LentStream(DockerConnection connection) : ForwardedStream(connection.Stream);
}

/// <summary>The body of an answer after which a connection belongs to a program's streams.</summary>
/// <param name="connection">The connection.</param>
/// <param name="output">What the engine sends on it after the answer's head.</param>
internal sealed class UpgradedContent(DockerConnection connection, Stream output) : HttpContent
{
    public DockerConnection Connection => connection;

    public Stream Output => output;

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => output.CopyToAsync(stream);

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
