using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace DbBackup.Testing;

/// <summary>A port of the loopback that leads to another one, and whose connections can be cut.</summary>
internal sealed class CutConnections : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentBag<TcpClient> _clients = [];
    private readonly int _target;
    private long _sent;

    public CutConnections(int target)
    {
        _target = target;
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>How many bytes clients have sent.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    /// <summary>Cuts all connections; new ones are taken.</summary>
    /// <returns>How many there were.</returns>
    public int Cut()
    {
        int cut = 0;
        while (_clients.TryTake(out TcpClient? client))
        {
            cut += client.Connected ? 1 : 0;
            client.Dispose();
        }

        return cut;
    }

    public void Dispose()
    {
        _listener.Dispose();
        Cut();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                TcpClient from = await _listener.AcceptTcpClientAsync();
                var to = new TcpClient();
                await to.ConnectAsync(IPAddress.Loopback, _target);
                _clients.Add(from);
                _clients.Add(to);
                _ = CopyAsync(from, to, isSent: true);
                _ = CopyAsync(to, from, isSent: false);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // It was disposed.
        }
    }

    private async Task CopyAsync(TcpClient from, TcpClient to, bool isSent)
    {
        try
        {
            byte[] buffer = new byte[128 << 10];
            while (await from.GetStream().ReadAsync(buffer) is > 0 and var read)
            {
                await to.GetStream().WriteAsync(buffer.AsMemory(0, read));
                if (isSent)
                    Interlocked.Add(ref _sent, read);
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // Cut.
        }
        finally
        {
            to.Dispose();
        }
    }
}
