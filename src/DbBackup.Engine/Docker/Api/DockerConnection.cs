using System.Diagnostics;
using System.IO.Pipes;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace DbBackup.Engine.Docker.Api;

/// <summary>One open connection to an engine: its bytes, and a way to say that no more will be sent.</summary>
internal sealed class DockerConnection : IDisposable
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(15);
    private readonly Func<ValueTask> _closeWrite;
    private readonly Process? _ssh;

    private DockerConnection(Stream stream, Func<ValueTask> closeWrite, Process? ssh = null)
    {
        Stream = stream;
        _closeWrite = closeWrite;
        _ssh = ssh;
    }

    /// <summary>Its bytes in both directions.</summary>
    public Stream Stream { get; }

    /// <summary>Connects.</summary>
    /// <exception cref="BackupException">The engine does not answer, or may not be used.</exception>
    public static async Task<DockerConnection> OpenAsync(DockerEndpoint endpoint, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(ConnectTimeout);
        try
        {
            return endpoint.Kind switch
            {
                DockerTransportKind.UnixSocket => await OpenSocketAsync(endpoint, limit.Token).ConfigureAwait(false),
                DockerTransportKind.NamedPipe => await OpenPipeAsync(endpoint, limit.Token).ConfigureAwait(false),
                DockerTransportKind.Tcp => await OpenTcpAsync(endpoint, limit.Token).ConfigureAwait(false),
                _ => OpenSsh(endpoint),
            };
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw DockerFailures.Unreachable(endpoint, $"no answer within {ConnectTimeout.TotalSeconds:0} s", null);
        }
        catch (Exception exception) when (exception is SocketException or IOException or UnauthorizedAccessException or TimeoutException or System.Security.Authentication.AuthenticationException)
        {
            throw DockerFailures.From(exception, endpoint);
        }
    }

    /// <summary>Says that no more will be sent, while the answer is still read.</summary>
    public ValueTask CloseWriteAsync() => _closeWrite();

    public void Dispose()
    {
        Stream.Dispose();
        if (_ssh is null)
            return;
        try
        {
            _ssh.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It ended by itself.
        }

        _ssh.Dispose();
    }

    private static async Task<DockerConnection> OpenSocketAsync(DockerEndpoint endpoint, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(endpoint.Address), cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        return new DockerConnection(new NetworkStream(socket, ownsSocket: true), () => ShutDown(socket));
    }

    private static async Task<DockerConnection> OpenPipeAsync(DockerEndpoint endpoint, CancellationToken cancellationToken)
    {
        var pipe = new NamedPipeClientStream(".", endpoint.Address, PipeDirection.InOut, PipeOptions.Asynchronous);
        try
        {
            await pipe.ConnectAsync((int)ConnectTimeout.TotalMilliseconds, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await pipe.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        // The engine's end takes an empty message for the end of the input.
        return new DockerConnection(pipe, () => NamedPipeEnd.Send(pipe));
    }

    private static async Task<DockerConnection> OpenTcpAsync(DockerEndpoint endpoint, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(endpoint.Address, endpoint.Port, cancellationToken).ConfigureAwait(false);
            var plain = new NetworkStream(socket, ownsSocket: true);
            if (!endpoint.UsesTls)
                return new DockerConnection(plain, () => ShutDown(socket));
            var secured = new SslStream(plain);
            await secured.AuthenticateAsClientAsync(DockerCertificates.Options(endpoint), cancellationToken).ConfigureAwait(false);
            return new DockerConnection(secured, async () => await secured.ShutdownAsync().ConfigureAwait(false));
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static DockerConnection OpenSsh(DockerEndpoint endpoint)
    {
        Process ssh = SshCommand.Start(endpoint);
        var stream = new SshStream(endpoint, ssh);
        return new DockerConnection(
            stream,
            () =>
            {
                ssh.StandardInput.Close();
                return ValueTask.CompletedTask;
            },
            ssh);
    }

    private static ValueTask ShutDown(Socket socket)
    {
        socket.Shutdown(SocketShutdown.Send);
        return ValueTask.CompletedTask;
    }
}

/// <summary>The certificates of a connection with TLS.</summary>
internal static class DockerCertificates
{
    public static SslClientAuthenticationOptions Options(DockerEndpoint endpoint)
    {
        var options = new SslClientAuthenticationOptions { TargetHost = endpoint.Address };
        string? folder = endpoint.CertificateFolder;
        if (folder is not null && File.Exists(Path.Combine(folder, "cert.pem")) && File.Exists(Path.Combine(folder, "key.pem")))
        {
            using X509Certificate2 pem = X509Certificate2.CreateFromPemFile(Path.Combine(folder, "cert.pem"), Path.Combine(folder, "key.pem"));
            // Windows' TLS takes no key that lives in memory alone.
            options.ClientCertificates = [X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null)];
        }

        if (!endpoint.VerifiesServer)
        {
#pragma warning disable CA5359 // The user said so: SkipTLSVerify of the context, or DOCKER_TLS without DOCKER_TLS_VERIFY.
            options.RemoteCertificateValidationCallback = (_, _, _, _) => true;
#pragma warning restore CA5359
        }
        else if (folder is not null && File.Exists(Path.Combine(folder, "ca.pem")))
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.ImportFromPemFile(Path.Combine(folder, "ca.pem"));
            options.CertificateChainPolicy = policy;
        }

        return options;
    }
}
