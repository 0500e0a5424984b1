using System.Net;
using System.Net.Sockets;

namespace DbBackup.Testing;

/// <summary>A second socket of a real server, which can be closed and opened again.</summary>
/// <param name="path">The unix socket to listen on.</param>
/// <param name="target">The server.</param>
internal sealed class SocketForwarder(string path, EndPoint target) : IDisposable
{
    private readonly List<Socket> _open = [];
    private Socket? _listener;
    private int _connections;

    public string Path => path;

    /// <summary>How many connections their clients have not closed.</summary>
    public int Connections => Volatile.Read(ref _connections);

    public void Open()
    {
        File.Delete(path);
        _listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        _listener.Listen();
        _ = AcceptAsync(_listener);
    }

    public void Close()
    {
        _listener?.Dispose();
        lock (_open)
        {
            _open.ForEach(socket => socket.Dispose());
            _open.Clear();
        }
    }

    public void Dispose() => Close();

    private async Task AcceptAsync(Socket listener)
    {
        try
        {
            while (true)
            {
                Socket near = await listener.AcceptAsync();
                var far = new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
                await far.ConnectAsync(target);
                lock (_open)
                    _open.AddRange([near, far]);
                _ = ServeAsync(near, far);
                _ = PassAsync(far, near);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // It was closed.
        }
    }

    private async Task ServeAsync(Socket near, Socket far)
    {
        Interlocked.Increment(ref _connections);
        await PassAsync(near, far);
        Interlocked.Decrement(ref _connections);
    }

    private static async Task PassAsync(Socket from, Socket to)
    {
        byte[] bytes = new byte[1 << 16];
        try
        {
            int read;
            while ((read = await from.ReceiveAsync(bytes)) > 0)
                await to.SendAsync(bytes.AsMemory(0, read));
            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // It was closed.
        }
    }
}
