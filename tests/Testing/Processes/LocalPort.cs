using System.Net;
using System.Net.Sockets;

namespace DbBackup.Testing;

/// <summary>Ports and sockets of this machine, for servers that tests start.</summary>
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
    public static bool Answers(int port) => Answers(new IPEndPoint(IPAddress.Loopback, port), ProtocolType.Tcp);

    /// <summary>The same of a Unix socket, whose file is there before its process listens.</summary>
    public static bool Answers(string socketFile) => Answers(new UnixDomainSocketEndPoint(socketFile), ProtocolType.Unspecified);

    private static bool Answers(EndPoint server, ProtocolType protocol)
    {
        try
        {
            using var socket = new Socket(server.AddressFamily, SocketType.Stream, protocol);
            socket.Connect(server);
            return true;
        }
        catch (SocketException)
        {
            Thread.Sleep(PollMilliseconds);
            return false;
        }
    }
}
