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

    public CutConnections(int target)
    {
        _target = target;
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

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
                _ = CopyAsync(from, to);
                _ = CopyAsync(to, from);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // It was disposed.
        }
    }

    private static async Task CopyAsync(TcpClient from, TcpClient to)
    {
        try
        {
            await from.GetStream().CopyToAsync(to.GetStream());
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
