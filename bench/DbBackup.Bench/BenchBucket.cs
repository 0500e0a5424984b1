using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Amazon.S3;
using Amazon.S3.Model;

namespace DbBackup.Bench;

/// <summary>The S3 server s3rver with a bucket in the work folder, which ends with the part that measures with it.</summary>
internal sealed class BenchBucket : IDisposable
{
    private const string Login = "S3RVER";
    private const string Bucket = "bench";
    private readonly Process _process;
    private readonly int _port;

    /// <summary>Starts it.</summary>
    /// <param name="folder">Where it keeps its objects.</param>
    public BenchBucket(string folder)
    {
        Directory.CreateDirectory(Path.Combine(folder, Bucket));
        using (var free = new TcpListener(IPAddress.Loopback, 0))
        {
            free.Start();
            _port = ((IPEndPoint)free.LocalEndpoint).Port;
        }

        var start = new ProcessStartInfo(
            "node", ["--openssl-legacy-provider", Path.Combine(Program!, "node_modules", "s3rver", "bin", "s3rver.js"), "-d", folder, "-a", "127.0.0.1", "-p", _port.ToString(CultureInfo.InvariantCulture), "--silent"])
        {
            RedirectStandardOutput = true,
        };
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, _) => { };
        _process.BeginOutputReadLine();
        for (int attempt = 0; !Answers(); attempt++)
        {
            if (attempt == 600 || _process.HasExited)
                throw new InvalidOperationException("s3rver does not answer.");
            Thread.Sleep(100);
        }
    }

    /// <summary>The folder in which s3rver is installed; null where it is not.</summary>
    public static string? Program => Environment.GetEnvironmentVariable("DBBACKUP_TEST_S3RVER") is { Length: > 0 } folder && Tool.IsInstalled("node") ? folder : null;

    /// <summary>The bucket as a repository.</summary>
    public string Location => $"s3://{Bucket}/repo?endpoint={Uri.EscapeDataString(Endpoint)}";

    private string Endpoint => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{_port}");

    /// <summary>A line of PowerShell that lets the module log in.</summary>
    public static string LogIn => $"$env:AWS_ACCESS_KEY_ID = '{Login}'; $env:AWS_SECRET_ACCESS_KEY = '{Login}'";

    /// <summary>An address to which any program may PUT an object.</summary>
    public string AddressToPut(string key)
    {
        using var client = new AmazonS3Client(Login, Login, new AmazonS3Config { ServiceURL = Endpoint, ForcePathStyle = true, AuthenticationRegion = "us-east-1" });
        return client.GetPreSignedURL(new GetPreSignedUrlRequest { BucketName = Bucket, Key = key, Verb = HttpVerb.PUT, Protocol = Protocol.HTTP, Expires = DateTime.UtcNow.AddHours(6) });
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private bool Answers()
    {
        try
        {
            using var client = new TcpClient();
            client.Connect(IPAddress.Loopback, _port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
