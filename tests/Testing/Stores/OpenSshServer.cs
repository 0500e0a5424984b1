using System.Diagnostics;
using System.Globalization;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Testing;

/// <summary>
/// An OpenSSH server of the test's own on the loopback, with its own host key, for the user that runs the test and a key made for it. Its SFTP is
/// the server's own.
/// </summary>
public sealed class OpenSshServer : IDisposable
{
    private const string Program = "/usr/sbin/sshd";
    private readonly TempFolder _folder = new();
    private Process? _process;

    public OpenSshServer()
    {
        Require.That(File.Exists(Program), "'sshd' is not installed (package openssh-server).");
        Require.Tool("ssh-keygen");
        MakeKey("host_key");
        MakeKey("user_key");
        File.Copy(_folder["user_key.pub"], _folder["authorized_keys"]);
        Port = LocalPort.Free();
        // As root, sshd wants a folder that its package makes at boot.
        if (Environment.UserName == "root")
            Directory.CreateDirectory("/run/sshd");
        WriteSettings();
        Trust("host_key");
        Start();
    }

    public int Port { get; private set; }

    public string KeyFile => _folder["user_key"];

    public string KnownHosts => _folder["known_hosts"];

    /// <summary>A path in the server's folder.</summary>
    public string this[string name] => _folder[name];

    /// <summary>The location of a folder of this server.</summary>
    /// <param name="path">An absolute path, or one that begins with <c>~/</c>.</param>
    /// <param name="options">Options in place of the key and the known hosts of this server.</param>
    public string Location(string path, string? options = null) => string.Create(
        CultureInfo.InvariantCulture, $"sftp://{Uri.EscapeDataString(Environment.UserName)}@127.0.0.1:{Port}/{path.TrimStart('/')}?{options ?? $"key={KeyFile}&knownHosts={KnownHosts}"}");

    public IObjectStore Open(string path, string? options = null) => StoreKind.All["sftp"].Open(StoreAddress.Parse(Location(path, options), StoreKind.All["sftp"].Options));

    /// <summary>Makes a key pair in the server's folder.</summary>
    public string MakeKey(string name, string passphrase = "", string type = "ed25519")
    {
        Shell.Run("ssh-keygen", "-q", "-t", type, "-N", passphrase, "-C", "dbbackup-test", "-f", _folder[name]);
        return _folder[name];
    }

    /// <summary>Lets a key log in.</summary>
    public void Authorize(string name) => File.AppendAllText(_folder["authorized_keys"], File.ReadAllText(_folder[name + ".pub"]));

    /// <summary>Writes the file of known hosts with a key of the server's folder.</summary>
    public void Trust(string name) => File.WriteAllText(KnownHosts, string.Create(CultureInfo.InvariantCulture, $"[127.0.0.1]:{Port} {File.ReadAllText(_folder[name + ".pub"])}"));

    public void Start()
    {
        _process = Shell.Start(Program, "-D", "-e", "-f", _folder["sshd_config"]);
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginErrorReadLine();
        Assert.True(SpinWait.SpinUntil(() => LocalPort.Answers(Port), TimeSpan.FromSeconds(30)), "sshd does not answer.");
    }

    /// <summary>Kills it with all its sessions, as the death of the machine does.</summary>
    public void Kill()
    {
        _process!.Kill(entireProcessTree: true);
        _process.WaitForExit();
    }

    /// <summary>Cuts all sessions; the server goes on.</summary>
    public void CutSessions()
    {
        // One that was cut before may just be connecting again.
        for (var waiting = Stopwatch.StartNew(); waiting.Elapsed < TimeSpan.FromSeconds(10); Thread.Sleep(20))
        {
            string children = Shell.Run("sh", "-c", string.Create(CultureInfo.InvariantCulture, $"pgrep -P {_process!.Id} || true"));
            bool[] cut = [.. children.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(child => IsCut(int.Parse(child, CultureInfo.InvariantCulture)))];
            if (cut.Contains(true))
                return;
        }

        throw new InvalidOperationException("There was no session to cut.");
    }

    private static bool IsCut(int process)
    {
        try
        {
            using Process session = Process.GetProcessById(process);
            session.Kill(entireProcessTree: true);
            return true;
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException)
        {
            // It ended by itself meanwhile.
            return false;
        }
    }

    public void Dispose()
    {
        if (_process is { HasExited: false })
            Kill();
        _process?.Dispose();
        _folder.Dispose();
    }

    private void WriteSettings() => File.WriteAllText(_folder["sshd_config"], string.Create(CultureInfo.InvariantCulture, $"""
        Port {Port}
        ListenAddress 127.0.0.1
        HostKey {_folder["host_key"]}
        AuthorizedKeysFile {_folder["authorized_keys"]}
        PidFile none
        StrictModes no
        UsePAM no
        PasswordAuthentication no
        KbdInteractiveAuthentication no
        PermitRootLogin yes
        Subsystem sftp internal-sftp
        LogLevel ERROR

        """));
}
