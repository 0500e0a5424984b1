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
    private const string Bash = "exec 3<>/dev/tcp/@ADDRESS@/@PORT@ 4<&0 || exit 97; cat <&3 4<&- & r=$!; cat <&4 >&3 & w=$!; wait -n; kill $r $w 2>/dev/null; wait; exit 0";
    private const string Perl = "use IO::Select; @MODULES@ my $s = @SOCKET@ or die $@; binmode STDIN; binmode STDOUT; "
        + "my $w = IO::Select->new($s, \\*STDIN); while (1) { for my $r ($w->can_read) { my $n = sysread($r, my $b, 65536); exit 0 unless $n; "
        + "my $o = 0; while ($o < $n) { my $k = syswrite($r == $s ? \\*STDOUT : $s, $b, $n - $o, $o); exit 1 unless $k; $o += $k; } } }";
    private const string Python = "import os, select, socket\n@SOCKET@\n"
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

    // An address or path may hold no sign that a script or a shell takes for its own.
    private static readonly System.Buffers.SearchValues<char> s_plain = System.Buffers.SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/:");

    /// <summary>The command that passes bytes on in a container; null where it has nothing that can.</summary>
    /// <param name="host">The container.</param>
    /// <param name="address">The server's address there, or the path of its Unix socket.</param>
    /// <param name="port">The port of an address.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    public static async Task<IReadOnlyList<string>?> FindProgramAsync(ContainerHost host, string address, int port, CancellationToken cancellationToken)
    {
        if (address.AsSpan().ContainsAnyExcept(s_plain))
            return null;
        string number = port.ToString(CultureInfo.InvariantCulture);
        bool isSocket = address.StartsWith('/');
        string module = isSocket ? "IO::Socket::UNIX" : address.Contains(':', StringComparison.Ordinal) ? "IO::Socket::IP" : "IO::Socket::INET";
        string perl = Perl.Replace("@MODULES@", $"use {module};", StringComparison.Ordinal)
            .Replace("@SOCKET@", isSocket ? $"{module}->new(Peer => '{address}')" : $"{module}->new(PeerAddr => '{address}', PeerPort => {number})", StringComparison.Ordinal);
        string python = Python.Replace(
            "@SOCKET@", isSocket ? $"s = socket.socket(socket.AF_UNIX)\ns.connect('{address}')" : $"s = socket.create_connection(('{address}', {number}))", StringComparison.Ordinal);
        string bash = Bash.Replace("@ADDRESS@", address, StringComparison.Ordinal).Replace("@PORT@", number, StringComparison.Ordinal);
        (string Program, string[] Probe, string[] Command)[] candidates =
        [
            ("perl", [$"-M{module}", "-e", "exit 0"], ["perl", "-e", perl]),
            ("python3", ["-c", "pass"], ["python3", "-c", python]),
            ("socat", ["-V"], ["socat", "-", isSocket ? "UNIX-CONNECT:" + address : address.Contains(':', StringComparison.Ordinal) ? $"TCP6:[{address}]:{number}" : $"TCP:{address}:{number}"]),
            // One program for both directions is safer than two behind a shell, so this comes late. It knows no Unix sockets.
            .. isSocket ? Array.Empty<(string, string[], string[])>() : [("bash", ["-c", "exit 0"], ["bash", "-c", bash])],
            // Which of the many it is does not matter: all take a host and a port. None has an option that does nothing everywhere.
            ("sh", ["-c", "command -v nc"], isSocket ? ["nc", "-U", address] : ["nc", address, number]),
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
            _ = EndInputAsync(tool);
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

    // A server that refuses the connection ends the program at once. Without the end of the input its output would stay open, and the driver
    // would wait for an answer until its time is up.
    private async Task EndInputAsync(ToolProcess tool)
    {
        try
        {
            await tool.InputEnough.WaitAsync(_stop.Token).ConfigureAwait(false);
            await tool.Input.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The connection has ended another way.
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
