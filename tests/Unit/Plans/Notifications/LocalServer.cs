using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace DbBackup.Tests.Unit.Plans.Notifications;

/// <summary>A server of this machine that hears what is sent to it: a dialogue for each connection, until the test is over.</summary>
internal sealed class LocalServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _serving;

    public LocalServer(Func<Stream, CancellationToken, Task> dialogue)
    {
        _listener.Start();
        _serving = Task.Run(async () =>
        {
            while (!_stop.IsCancellationRequested)
            {
                try
                {
                    using TcpClient client = await _listener.AcceptTcpClientAsync(_stop.Token);
                    Interlocked.Increment(ref _connections);
                    await dialogue(client.GetStream(), _stop.Token);
                }
                catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException or System.Security.Authentication.AuthenticationException)
                {
                    // The client has gone, or refused the certificate.
                }
            }
        });
    }

    private int _connections;

    public int Connections => _connections;

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>A certificate that no authority has signed.</summary>
    public static X509Certificate2 Certificate()
    {
        using RSA key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null);
    }

    /// <summary>Secures a connection as a server.</summary>
    public static async Task<SslStream> SecureAsync(Stream stream, X509Certificate2 certificate, CancellationToken token)
    {
        var secured = new SslStream(stream);
        await secured.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, token);
        return secured;
    }

    /// <summary>Reads a request of HTTP/1.1, notes its line and body, and answers it.</summary>
    public static async Task AnswerHttpAsync(Stream stream, Func<string, string, string> answer, CancellationToken token)
    {
        string line = await ReadLineAsync(stream, token);
        if (line.Length == 0)
            throw new IOException("The client has gone without a word.");
        int length = 0;
        for (string header = await ReadLineAsync(stream, token); header.Length > 0; header = await ReadLineAsync(stream, token))
        {
            if (header.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))
                length = int.Parse(header[15..], System.Globalization.CultureInfo.InvariantCulture);
        }

        byte[] body = new byte[length];
        await stream.ReadExactlyAsync(body, token);
        string status = answer(line, Encoding.UTF8.GetString(body));
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"), token);
    }

    public static async Task<string> ReadLineAsync(Stream stream, CancellationToken token)
    {
        var line = new List<byte>();
        byte[] one = new byte[1];
        while (await stream.ReadAsync(one, token) == 1 && one[0] != '\n')
            line.Add(one[0]);
        return Encoding.UTF8.GetString([.. line]).TrimEnd('\r');
    }

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
        _serving.Wait(TimeSpan.FromSeconds(10));
        _stop.Dispose();
    }
}
