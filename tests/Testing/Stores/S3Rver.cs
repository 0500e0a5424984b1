using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Repository.Stores.Remote;
using DbBackup.Engine.Repository.Stores.S3;

namespace DbBackup.Testing;

/// <summary>
/// The S3 server s3rver of a test's own, over a folder. It knows no conditional writes, no checksums and no lists of uploads. tests/environment
/// installs it, and names its folder in DBBACKUP_TEST_S3RVER.
/// </summary>
internal sealed class S3Rver : IDisposable
{
    private const string KeyId = "S3RVER";
    private const string Secret = "S3RVER";
    private readonly TempFolder _folder = new();
    private readonly Process _process;
    private readonly string _bucket = $"bucket-{Guid.NewGuid():N}"[..20];

    public S3Rver()
    {
        string? installed = Environment.GetEnvironmentVariable("DBBACKUP_TEST_S3RVER");
        Require.That(installed is not null, "DBBACKUP_TEST_S3RVER does not name the folder of s3rver (tests/environment/prepare.sh).");
        Require.Tool("node");
        Port = LocalPort.Free();
        Directory.CreateDirectory(_folder["data/" + _bucket]);
        var start = new ProcessStartInfo("node") { RedirectStandardOutput = true, RedirectStandardError = true };

        // It hides its continuation tokens by DES, which OpenSSL 3 has with its old ciphers alone: else each listing of several pages fails.
        foreach (string argument in (string[])["--openssl-legacy-provider", Path.Join(installed, "node_modules", "s3rver", "bin", "s3rver.js"), "-d", _folder["data"], "-a", "127.0.0.1", "-p", Port.ToString(CultureInfo.InvariantCulture), "--silent"])
            start.ArgumentList.Add(argument);
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, _) => { };
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        WaitUntilItAnswers();
        StoreLogins.Remember(StoreAddress.Parse(Location(), S3Options.Names), new NetworkCredential(KeyId, Secret));
    }

    public int Port { get; }

    public string Location(string prefix = "") => $"s3://{_bucket}/{prefix}?endpoint={Uri.EscapeDataString($"http://127.0.0.1:{Port}")}";

    /// <summary>Tells a shell of this bucket, its login, and the folder in which its objects lie.</summary>
    public void AddTo(IDictionary<string, string?> environment)
    {
        environment["DBBACKUP_TEST_BUCKET"] = Location();
        environment["DBBACKUP_TEST_BUCKETFOLDER"] = _folder["data/" + _bucket];
        environment["AWS_ACCESS_KEY_ID"] = KeyId;
        environment["AWS_SECRET_ACCESS_KEY"] = Secret;
    }

    /// <summary>What is wrong with a bucket in which all backups are to be encrypted: files of backups in plain form, or no backup.</summary>
    public IEnumerable<string> PlainFiles()
    {
        const string Ending = "._S3rver_object";
        string[] objects = [.. Directory.EnumerateFiles(_folder["data/" + _bucket], "*" + Ending, SearchOption.AllDirectories).Select(path => path[..^Ending.Length])];
        if (!objects.Any(path => path.EndsWith(".age", StringComparison.Ordinal)))
            yield return "There is no encrypted backup in the bucket.";
        foreach (string plain in objects.Where(path => (string[])[".zst", ".gz", ".tar", ".dump", ".sql", ".db"] is var endings && endings.Any(ending => path.EndsWith(ending, StringComparison.Ordinal))))
            yield return $"'{plain}' is in plain form.";
    }

    public S3Store Open(string prefix = "", int partSize = 6 << 20) => new(StoreAddress.Parse(Location(prefix), S3Options.Names), new PartSizes(partSize, 4 * partSize), TimeSpan.FromSeconds(30));

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _folder.Dispose();
    }

    private void WaitUntilItAnswers()
    {
        var limit = Stopwatch.StartNew();
        while (true)
        {
            Assert.False(_process.HasExited, "s3rver ended.");
            try
            {
                using var connection = new TcpClient();
                connection.Connect(IPAddress.Loopback, Port);
                return;
            }
            catch (SocketException) when (limit.Elapsed < TimeSpan.FromMinutes(1))
            {
                Thread.Sleep(50);
            }
        }
    }
}
