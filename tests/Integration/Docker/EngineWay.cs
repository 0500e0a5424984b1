using System.Net.Sockets;

namespace DbBackup.Tests.Integration.Docker;

/// <summary>A second socket of the real engine, which can be closed and opened again.</summary>
internal sealed class EngineWay(string path) : IDisposable
{
    private readonly List<Socket> _open = [];
    private Socket? _listener;

    public string Path => path;

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
                var far = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await far.ConnectAsync(new UnixDomainSocketEndPoint(PauseBench.Endpoint.Address));
                lock (_open)
                    _open.AddRange([near, far]);
                _ = PassAsync(near, far);
                _ = PassAsync(far, near);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // It was closed.
        }
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
