using System.Globalization;
using System.Net.Sockets;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Docker.Tunnel;

/// <summary>
/// Relays connections from a Unix socket in a folder that only this user may enter to a server inside a container, each through a program there
/// that passes bytes on. A TCP port of this machine would be open to everybody on it, and servers trust what comes from their own loopback.
/// </summary>
internal sealed class ContainerRelay : ITunnelEnd
{
    // Each ends when either side does, and leaves no child behind: see ContainerHost for what that would do to the server.
    private const string Bash = "exec 3<>/dev/tcp/127.0.0.1/@PORT@ 4<&0 || exit 97; cat <&3 4<&- & r=$!; cat <&4 >&3 & w=$!; wait -n; kill $r $w 2>/dev/null; wait; exit 0";
    private const string Perl = "use IO::Socket::INET; use IO::Select; my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => @PORT@) or die $@; binmode STDIN; binmode STDOUT; "
        + "my $w = IO::Select->new($s, \\*STDIN); while (1) { for my $r ($w->can_read) { my $n = sysread($r, my $b, 65536); exit 0 unless $n; "
        + "my $o = 0; while ($o < $n) { my $k = syswrite($r == $s ? \\*STDOUT : $s, $b, $n - $o, $o); exit 1 unless $k; $o += $k; } } }";
    private const string Python = "import os, select, socket\ns = socket.create_connection(('127.0.0.1', @PORT@))\n"
        + "while True:\n for r in select.select([0, s], [], [])[0]:\n  b = os.read(0, 65536) if r == 0 else s.recv(65536)\n  if not b: os._exit(0)\n"
        + "  if r == 0: s.sendall(b)\n  else:\n   while b: b = b[os.write(1, b):]\n";

    private readonly IProgramHost _host;
    private readonly IDisposable _connection;
    private readonly IReadOnlyList<string> _command;
    private readonly Socket _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly DirectoryInfo _folder;

    private ContainerRelay(IProgramHost host, IDisposable connection, IReadOnlyList<string> command, DirectoryInfo folder, Socket listener)
    {
        _host = host;
        _connection = connection;
        _command = command;
        _folder = folder;
        _listener = listener;
    }

    public string Folder => _folder.FullName;

    public string? Failure { get; private set; }

    /// <summary>The command that passes bytes on in a container; null where it has nothing that can.</summary>
    public static async Task<IReadOnlyList<string>?> FindProgramAsync(ContainerHost host, int port, CancellationToken cancellationToken)
    {
        string number = port.ToString(CultureInfo.InvariantCulture);
        (string Program, string[] Probe, string[] Command)[] candidates =
        [
            ("perl", ["-MIO::Socket::INET", "-e", "exit 0"], ["perl", "-e", Perl.Replace("@PORT@", number, StringComparison.Ordinal)]),
            ("python3", ["-c", "pass"], ["python3", "-c", Python.Replace("@PORT@", number, StringComparison.Ordinal)]),
            ("socat", ["-V"], ["socat", "-", "TCP:127.0.0.1:" + number]),
            // One program for both directions is safer than two behind a shell, so this comes late.
            ("bash", ["-c", "exit 0"], ["bash", "-c", Bash.Replace("@PORT@", number, StringComparison.Ordinal)]),
            // Which of the many it is does not matter: all take a host and a port. None has an option that does nothing everywhere.
            ("sh", ["-c", "command -v nc"], ["nc", "127.0.0.1", number]),
        ];
        foreach ((string program, string[] probe, string[] command) in candidates)
        {
            if (await host.RunsAsync(program, probe, cancellationToken).ConfigureAwait(false))
                return command;
        }

        return null;
    }

    /// <summary>Opens the socket.</summary>
    /// <param name="host">The container.</param>
    /// <param name="connection">Held while it is open, so that each connection through it need not open one to Docker.</param>
    /// <param name="command">The program that passes bytes on.</param>
    /// <param name="socketName">The socket's file name.</param>
    public static ContainerRelay Open(IProgramHost host, IDisposable connection, IReadOnlyList<string> command, string socketName)
    {
        // A socket's path has at most 107 bytes on Linux and 103 on macOS, whose temporary folders have long names already.
        DirectoryInfo folder = Directory.CreateTempSubdirectory("dbb-");
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            listener.Bind(new UnixDomainSocketEndPoint(Path.Combine(folder.FullName, socketName)));
            listener.Listen();
        }
        catch
        {
            listener.Dispose();
            FolderRemoval.Delete(folder.FullName);
            throw;
        }

        var relay = new ContainerRelay(host, connection, command, folder, listener);
        _ = relay.AcceptAsync();
        return relay;
    }

    public void Dispose()
    {
        // The driver's farewell may still be on its way; without it the server notes a lost client.
        _stop.CancelAfter(TimeSpan.FromSeconds(2));
        _listener.Dispose();
        try
        {
            FolderRemoval.Delete(_folder.FullName);
        }
        catch (IOException)
        {
            // Gone already, or held on Windows: it is in the temporary folder.
        }

        _connection.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket client = await _listener.AcceptAsync(_stop.Token).ConfigureAwait(false);
                _ = ServeAsync(client);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Closed.
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var stream = new NetworkStream(client, ownsSocket: true);
        try
        {
            using ToolProcess tool = await _host.StartAsync(_command[0], _command.Skip(1), new Dictionary<string, string?>(), ToolUse.Feed, _stop.Token).ConfigureAwait(false);
            Task toServer = PumpAsync(stream, tool.Input, _stop.Token);
            await PumpAsync(tool.Output, stream, _stop.Token).ConfigureAwait(false);
            if (tool.Errors is { Length: > 0 } words)
                Failure = words;
            stream.Close();
            await toServer.ConfigureAwait(false);
        }
        catch (BackupException exception)
        {
            Failure = exception.Message;
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // One of the two ends has gone; the driver says what that means.
            Failure ??= exception is OperationCanceledException ? null : exception.Message;
        }
    }

    private static async Task PumpAsync(Stream from, Stream to, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[1 << 16];
        try
        {
            int read;
            while ((read = await from.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
            {
                await to.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
                await to.FlushAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // As above.
        }
        finally
        {
            await to.DisposeAsync().ConfigureAwait(false);
        }
    }
}
