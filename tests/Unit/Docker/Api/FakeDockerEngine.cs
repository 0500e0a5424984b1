using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using DbBackup.Engine.Docker.Api;

namespace DbBackup.Tests.Unit.Docker.Api;

/// <summary>A TCP port that answers as a Docker engine would, or as it should not.</summary>
internal sealed class FakeDockerEngine : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly string? _version;
    private readonly Func<string, string?> _answer;

    /// <param name="version">The API's version that it offers; null for none.</param>
    /// <param name="answer">The whole answer to a request, by its first line; null to close the connection without one.</param>
    public FakeDockerEngine(string? version, Func<string, string?> answer)
    {
        _version = version;
        _answer = answer;
        _listener.Start();
        _ = AcceptAsync();
    }

    /// <summary>The first lines of the requests, but that for the version.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    public static string Answer(int status, string body, string contentType = "application/json") =>
        $"HTTP/1.1 {status} X\r\nContent-Type: {contentType}\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\nConnection: close\r\n\r\n{body}";

    /// <summary>The value of DOCKER_HOST for it.</summary>
    public string Address => $"tcp://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    public Task<DockerClient> ConnectAsync() => DockerClient.ConnectAsync(DockerEndpoint.Parse(Address, "a test"), CancellationToken.None);

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptTcpClientAsync());
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            byte[] buffer = new byte[1 << 16];
            string text = string.Empty;
            while (!text.Contains("\r\n\r\n", StringComparison.Ordinal))
            {
                int read = await client.GetStream().ReadAsync(buffer);
                if (read == 0)
                    return;
                text += Encoding.UTF8.GetString(buffer, 0, read);
            }

            string request = text[..text.IndexOf("\r\n", StringComparison.Ordinal)];
            if (request.StartsWith("GET /_ping", StringComparison.Ordinal))
            {
                string offer = _version is null ? string.Empty : $"Api-Version: {_version}\r\n";
                await client.GetStream().WriteAsync(Encoding.UTF8.GetBytes($"HTTP/1.1 200 OK\r\n{offer}Content-Length: 2\r\nConnection: close\r\n\r\nOK"));
                return;
            }

            Requests.Enqueue(request);
            if (_answer(request) is { } answer)
                await client.GetStream().WriteAsync(Encoding.UTF8.GetBytes(answer));
            // What is left of the request would turn the end of the connection into a reset.
            client.Client.Shutdown(SocketShutdown.Send);
            client.ReceiveTimeout = 2000;
            while (await client.GetStream().ReadAsync(buffer).AsTask().WaitAsync(TimeSpan.FromSeconds(5)) > 0)
            {
            }
        }
    }
}
