using System.Net;
using System.Net.Sockets;

namespace DbBackup.Testing;

/// <summary>Ports of this machine, for servers that tests start.</summary>
internal static class LocalPort
{
    private const int PollMilliseconds = 50;

    /// <summary>A port on which no process listens now.</summary>
    public static int Free()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>True if a server accepts a connection; waits a moment if none does, for who asks again.</summary>
    public static bool Answers(int port)
    {
        try
        {
            using var client = new TcpClient();
            client.Connect(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            Thread.Sleep(PollMilliseconds);
            return false;
        }
    }
}
