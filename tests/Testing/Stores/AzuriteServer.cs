using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using Azure.Storage;
using Azure.Storage.Blobs;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Testing;

/// <summary>Azurite, Microsoft's own emulator of the blob service, with an account and a key of the test's own.</summary>
public sealed class AzuriteServer : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly string _program;
    private Process? _process;

    public AzuriteServer()
    {
        _program = Environment.GetEnvironmentVariable("DBBACKUP_TEST_AZURITE") is { Length: > 0 } named ? named : "azurite-blob";
        Require.That(File.Exists(_program) || Require.Has(_program), "There is no azurite: run tests/environment/prepare.sh.");
        Require.Tool("node");
        Start();
        Service.CreateBlobContainer(Container);
    }

    public int Port { get; } = LocalPort.Free();

    public string Account { get; } = "test" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6));

    public string Key { get; } = Convert.ToBase64String(RandomNumberGenerator.GetBytes(64));

    public string Container { get; } = "backups";

    public string Endpoint => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Port}/{Account}");

    /// <summary>The service, as its owner uses it.</summary>
    public BlobServiceClient Service => new(new Uri(Endpoint), new StorageSharedKeyCredential(Account, Key));

    internal StoreAddress Address(string prefix, string? container = null) => StoreAddress.Parse($"azblob://{Account}/{container ?? Container}/{prefix}?endpoint={Endpoint}", StoreKind.All["azblob"].Options);

    /// <summary>Opens a store whose login is the account's key.</summary>
    public IObjectStore Open(string prefix, string? container = null)
    {
        StoreAddress address = Address(prefix, container);
        StoreLogins.Remember(address, new NetworkCredential(Account, Key));
        return StoreKind.All["azblob"].Open(address);
    }

    private void Start()
    {
        var start = new ProcessStartInfo(_program, ["--blobHost", "127.0.0.1", "--blobPort", Port.ToString(CultureInfo.InvariantCulture), "--location", _folder.Path, "--silent", "--disableTelemetry", "--skipApiVersionCheck"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["AZURITE_ACCOUNTS"] = $"{Account}:{Key}";
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, _) => { };
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        Assert.True(SpinWait.SpinUntil(() => LocalPort.Answers(Port), TimeSpan.FromSeconds(90)), "azurite does not answer.");
    }

    private void Kill()
    {
        _process!.Kill(entireProcessTree: true);
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (_process is { HasExited: false })
            Kill();
        _process?.Dispose();
        _folder.Dispose();
    }
}
