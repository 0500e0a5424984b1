using System.Net;
using System.Net.Sockets;

namespace DbBackup.Tests.Integration.Docker;

/// <summary>This machine's engine under a TCP address, as if it were another machine's: nothing of its files counts as being here.</summary>
internal sealed class ForwardedEngine : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public ForwardedEngine()
    {
        _listener.Start();
        _ = AcceptAsync();
    }

    public string Address => $"tcp://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptSocketAsync());
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The test is over.
        }
    }

    private static async Task ServeAsync(Socket client)
    {
        using var engine = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        using (client)
        {
            await engine.ConnectAsync(new UnixDomainSocketEndPoint("/var/run/docker.sock"));
            await Task.WhenAll(PumpAsync(client, engine), PumpAsync(engine, client));
        }
    }

    private static async Task PumpAsync(Socket from, Socket to)
    {
        byte[] buffer = new byte[1 << 16];
        try
        {
            int read;
            while ((read = await from.ReceiveAsync(buffer)) > 0)
            {
                for (int sent = 0; sent < read;)
                    sent += await to.SendAsync(buffer.AsMemory(sent, read - sent));
            }

            // A half is closed alone: the end of a program's input is not the end of its output.
            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The other half has gone too.
        }
    }
}
