using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace DbBackup.Engine.Plans.Service;

/// <summary>
/// Answers GET and HEAD, one request a connection: all that a monitor needs. HttpListener cannot listen at one address for every host's name, and
/// Kestrel is no part of PowerShell.
/// </summary>
internal sealed class ServiceServer : IDisposable
{
    private const int LongestRequest = 8 * 1024;
    private const int MostConnections = 32;
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(10);
    private readonly TcpListener _listener;
    private readonly Func<string, ServiceAnswer> _answer;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _connections = new(MostConnections);

    private ServiceServer(TcpListener listener, Func<string, ServiceAnswer> answer)
    {
        _listener = listener;
        _answer = answer;
        Address = (IPEndPoint)listener.LocalEndpoint;
        _ = AcceptAsync();
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Address { get; }

    /// <summary>Begins to listen.</summary>
    /// <exception cref="BackupException">Nothing can listen there.</exception>
    public static ServiceServer Start(IPEndPoint address, Func<string, ServiceAnswer> answer)
    {
        var listener = new TcpListener(address);
        try
        {
            listener.Start();
        }
        catch (SocketException exception)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.Busy, $"Nothing can listen on {address}: {exception.Message}", "Choose another -Port or -ListenAddress, or end the program that listens there.", exception)
            { Target = address.ToString() };
        }

        return new ServiceServer(listener, answer);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await _connections.WaitAsync(_stop.Token).ConfigureAwait(false);
                TcpClient client = await _listener.AcceptTcpClientAsync(_stop.Token).ConfigureAwait(false);
                _ = ServeAsync(client);
            }
            catch (SocketException)
            {
                // A client that went before it was accepted, or no descriptor left at this moment.
                _connections.Release();
            }
            catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            using TcpClient connection = client;
            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            timeout.CancelAfter(s_timeout);
            NetworkStream stream = client.GetStream();
            await using (stream.ConfigureAwait(false))
            {
                (ServiceAnswer answer, bool isHead) = Answer(await ReadAsync(stream, timeout.Token).ConfigureAwait(false));
                byte[] body = Encoding.UTF8.GetBytes(answer.Text);
                byte[] head = Encoding.ASCII.GetBytes(string.Create(
                    CultureInfo.InvariantCulture,
                    $"HTTP/1.1 {answer.Status} {(HttpStatusCode)answer.Status}\r\nContent-Type: {answer.ContentType}\r\nContent-Length: {body.Length}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"));
                await stream.WriteAsync(isHead ? head : [.. head, .. body], timeout.Token).ConfigureAwait(false);
                client.Client.Shutdown(SocketShutdown.Send);
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The client has gone, or says nothing.
        }
        finally
        {
            _connections.Release();
        }
    }

    private (ServiceAnswer Answer, bool IsHead) Answer(string? request)
    {
        if (request?.Split('\n')[0].TrimEnd('\r').Split(' ') is not [var method, var target, _] || !target.StartsWith('/'))
            return (new ServiceAnswer(400, "text/plain; charset=utf-8", "This is no request of HTTP.\n"), false);
        return method is "GET" or "HEAD"
            ? (_answer(target.Split('?')[0]), method == "HEAD")
            : (new ServiceAnswer(405, "text/plain; charset=utf-8", "Use GET.\n"), false);
    }

    // To the empty line at the end of the headers; null for more than any client sends.
    private static async Task<string?> ReadAsync(NetworkStream stream, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[LongestRequest];
        for (int have = 0; have < buffer.Length;)
        {
            int read = await stream.ReadAsync(buffer.AsMemory(have), cancellationToken).ConfigureAwait(false);
            if (read == 0)
                return null;
            have += read;
            string text = Encoding.ASCII.GetString(buffer, 0, have);
            if (text.Contains("\r\n\r\n", StringComparison.Ordinal) || text.Contains("\n\n", StringComparison.Ordinal))
                return text;
        }

        return null;
    }
}
