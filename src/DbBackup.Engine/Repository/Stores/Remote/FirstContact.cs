using System.Diagnostics;
using System.Net.Sockets;

namespace DbBackup.Engine.Repository.Stores.Remote;

/// <summary>
/// Tells a server that is away for a moment from one that was never there. A mistyped name must not be tried for two minutes; a server that
/// has answered before is worth them.
/// </summary>
internal sealed class FirstContact
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(8);
    private long _begun;
    private volatile bool _answered;

    /// <summary>To be called before each attempt.</summary>
    public void Begin() => Interlocked.CompareExchange(ref _begun, Stopwatch.GetTimestamp(), 0);

    /// <summary>To be called after each answer of the server, also one that refuses.</summary>
    public void Answered() => _answered = true;

    /// <summary>Returns false for a connection that is refused, or a name that is not found, where none was ever made.</summary>
    public bool MayComeBack(Exception exception)
    {
        if (_answered)
            return true;
        for (Exception? each = exception; each is not null; each = each.InnerException)
        {
            if (each is SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.ConnectionRefused or SocketError.HostUnreachable or SocketError.NetworkUnreachable or SocketError.TryAgain })
                return Stopwatch.GetElapsedTime(Interlocked.Read(ref _begun)) < s_patience;
        }

        return true;
    }
}
