using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using Renci.SshNet;
using Renci.SshNet.Common;

namespace DbBackup.Engine.Repository.Stores.Sftp;

/// <summary>
/// The connection to a server that all stores of this process share: a login takes longer than most calls. It is made by the first call, made
/// again after a cut, and closed when it has not been used for a while.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "It lives as long as the process.")]
internal sealed class SftpConnection
{
    private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(45);
    private static readonly TimeSpan s_answer = TimeSpan.FromSeconds(60);
    private static readonly ConcurrentDictionary<(SshServer, NetworkCredential?), SftpConnection> s_all = new();

    private readonly SshServer _server;
    private readonly NetworkCredential? _login;
    private readonly SemaphoreSlim _connecting = new(1);
    private readonly Timer _closing;
    private volatile SftpClient? _client;
    private int _users;
    private long _lastUse;

    private SftpConnection(SshServer server, NetworkCredential? login)
    {
        _server = server;
        _login = login;
        _closing = new Timer(_ => CloseIdle(), null, s_idle, s_idle);
    }

    /// <summary>True if a login has succeeded in this process: what cannot be reached now can be away for a moment.</summary>
    public bool HasWorked { get; private set; }

    /// <summary>Returns the connection for a location and the login that was given for it; connects nothing.</summary>
    public static SftpConnection For(StoreAddress address) =>
        s_all.GetOrAdd((SshServer.Of(address), StoreLogins.Find(address)), key => new SftpConnection(key.Item1, key.Item2));

    /// <summary>Makes a call.</summary>
    /// <exception cref="BackupException">The login is refused, or the host key is not the trusted one.</exception>
    public async Task<T> UseAsync<T>(Func<SftpClient, CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _users);
        try
        {
            SftpClient client = _client is { IsConnected: true } connected ? connected : await ConnectAsync(cancellationToken).ConfigureAwait(false);
            return await call(client, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Exchange(ref _lastUse, Environment.TickCount64);
            Interlocked.Decrement(ref _users);
        }
    }

    private async Task<SftpClient> ConnectAsync(CancellationToken cancellationToken)
    {
        await _connecting.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_client is { IsConnected: true } connected)
                return connected;
            _client?.Dispose();
            _client = null;
            return _client = await OpenAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _connecting.Release();
        }
    }

    private async Task<SftpClient> OpenAsync(CancellationToken cancellationToken)
    {
        KnownHosts hosts = ReadKnownHosts();
        using SshLogin login = SshLogin.For(_server, _login);
        if (login.Methods.Length == 0)
            throw SftpFailures.NoLogin(_server, login.Notes);
        var info = new ConnectionInfo(_server.Host, _server.Port, _server.User, login.Methods) { Timeout = TimeSpan.FromSeconds(20), RetryAttempts = 1 };
        AskForKnownKeys(info, hosts);
        var client = new SftpClient(info) { OperationTimeout = s_answer, KeepAliveInterval = TimeSpan.FromSeconds(15) };
        BackupFailure? distrust = null;
        client.HostKeyReceived += (_, key) =>
        {
            HostTrust trust = key.Certificate is null ? hosts.Check(_server.Host, _server.Port, key.HostKey) : HostTrust.Unknown;
            key.CanTrust = trust == HostTrust.Known;
            if (!key.CanTrust)
                distrust = SftpFailures.NotTrusted(_server, trust, hosts.Path, $"{key.HostKeyName} SHA256:{key.FingerPrintSHA256}");
        };
        try
        {
            await client.ConnectAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            client.Dispose();
            if (distrust is not null)
                throw distrust;
            if (exception is SshAuthenticationException or SshPassPhraseNullOrEmptyException || IsTooManyKeys(exception))
                throw SftpFailures.LoginRefused(_server, exception, login.Notes);
            throw;
        }

        // The protocol promises 32 KiB; OpenSSH takes more at once, and each answer is waited for.
        if (info.ServerVersion?.Contains("OpenSSH", StringComparison.Ordinal) == true)
            client.BufferSize = 240 << 10;
        HasWorked = true;
        return client;
    }

    private KnownHosts ReadKnownHosts()
    {
        try
        {
            return KnownHosts.Read(_server.KnownHostsFile);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new BackupFailure(
                ErrorCodes.ReadFailed, FailureCategory.ReadError, $"The file of known hosts cannot be read: {exception.Message}",
                "Let this user read it: it says which host keys to trust.", exception)
            { Target = _server.Host };
        }
    }

    // As the stock program does: a server with several keys shows the one by which it is known.
    private void AskForKnownKeys(ConnectionInfo info, KnownHosts hosts)
    {
        IReadOnlyList<string> types = hosts.TypesOf(_server.Host, _server.Port);
        bool IsKnown(string algorithm) => types.Contains(algorithm.StartsWith("rsa-sha2-", StringComparison.Ordinal) ? "ssh-rsa" : algorithm);
        bool hasAny = info.HostKeyAlgorithms.Keys.Any(IsKnown);
        foreach (string algorithm in info.HostKeyAlgorithms.Keys.ToArray())
        {
            if (algorithm.Contains("-cert-", StringComparison.Ordinal) || (hasAny && !IsKnown(algorithm)))
                info.HostKeyAlgorithms.Remove(algorithm);
        }
    }

    private static bool IsTooManyKeys(Exception exception) =>
        exception is SshConnectionException && exception.Message.Contains("authentication failures", StringComparison.OrdinalIgnoreCase);

    /// <summary>True if a failure may be gone at the next attempt, which connects again.</summary>
    public bool IsTransient(Exception exception) => HasWorked && (exception is SshConnectionException or SshOperationTimeoutException or SocketException or ObjectDisposedException or EndOfStreamException
        || exception.InnerException is SocketException);

    private void CloseIdle()
    {
        if (Volatile.Read(ref _users) > 0 || Environment.TickCount64 - Interlocked.Read(ref _lastUse) < s_idle.TotalMilliseconds || !_connecting.Wait(0))
            return;
        try
        {
            SftpClient? client = _client;
            _client = null;
            client?.Dispose();
        }
        catch (Exception exception) when (exception is SshException or SocketException or ObjectDisposedException)
        {
            // It is gone either way.
        }
        finally
        {
            _connecting.Release();
        }
    }
}
