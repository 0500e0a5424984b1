using System.Security.Cryptography;
using DbBackup.Engine.Encryption;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Encryption;

/// <summary>The stock age program opens what this module seals, and the reverse: both kinds of recipients.</summary>
[Trait("Category", "Tool")]
public sealed class AgeStockTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public AgeStockTests()
    {
        Require.Tool("age");
        Require.Tool("python3");
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65536)]
    [InlineData(65537)]
    [InlineData(5_000_000)]
    public void KeysFit(int length)
    {
        byte[] content = RandomNumberGenerator.GetBytes(length);
        string ours = IdentityFile.Create(_folder["ours.key"]);
        Shell.Run("age-keygen", "-o", _folder["theirs.key"]);
        string theirs = Shell.Run("age-keygen", "-y", _folder["theirs.key"]).Trim();
        Assert.Equal(ours, Shell.Run("age-keygen", "-y", _folder["ours.key"]).Trim());
        X25519Identity[] identities = [.. IdentityFile.Read(_folder["theirs.key"], null)];

        File.WriteAllBytes(_folder["by-us.age"], AgeFile.Seal(content, [X25519Recipient.TryParse(ours)!, X25519Recipient.TryParse(theirs)!]));
        foreach (string key in (string[])["ours.key", "theirs.key"])
        {
            Shell.Run("age", "-d", "-i", _folder[key], "-o", _folder["opened"], _folder["by-us.age"]);
            // The stock program makes no file where it writes no byte.
            Assert.Equal(content, File.Exists(_folder["opened"]) ? File.ReadAllBytes(_folder["opened"]) : []);
        }

        File.WriteAllBytes(_folder["plain"], content);
        Shell.Run("age", "-r", ours, "-r", theirs, "-o", _folder["by-them.age"], _folder["plain"]);
        Assert.Equal(content, AgeFile.Open(File.ReadAllBytes(_folder["by-them.age"]), identities));
        Shell.Run("age", "-a", "-r", theirs, "-o", _folder["armored.age"], _folder["plain"]);
        Assert.Equal(content, AgeFile.Open(File.ReadAllBytes(_folder["armored.age"]), identities));
    }

    [Fact]
    public void PassphrasesFit()
    {
        byte[] content = RandomNumberGenerator.GetBytes(100_000);
        File.WriteAllBytes(_folder["plain"], content);
        File.WriteAllBytes(_folder["by-us.age"], AgeFile.Seal(content, [new Passphrase("grüne Äpfel am Baum")]));
        Typed("grüne Äpfel am Baum", 1, "age", "-d", "-o", _folder["opened"], _folder["by-us.age"]);
        Assert.Equal(content, File.ReadAllBytes(_folder["opened"]));

        Typed("grüne Äpfel am Baum", 2, "age", "-p", "-o", _folder["by-them.age"], _folder["plain"]);
        Assert.Equal(content, AgeFile.Open(File.ReadAllBytes(_folder["by-them.age"]), [new Passphrase("grüne Äpfel am Baum")]));
        Assert.Throws<NoMatchingIdentityException>(() => AgeFile.Open(File.ReadAllBytes(_folder["by-them.age"]), [new Passphrase("rote Äpfel")]));

        // An identity file behind a passphrase.
        IdentityFile.Create(_folder["my.key"]);
        Typed("a b c", 2, "age", "-p", "-o", _folder["my.key.age"], _folder["my.key"]);
        Assert.True(IdentityFile.NeedsPassphrase(_folder["my.key.age"]));
        Assert.Equal(IdentityFile.Read(_folder["my.key"], null)[0].Recipient, IdentityFile.Read(_folder["my.key.age"], new Passphrase("a b c"))[0].Recipient);
    }

    /// <summary>Runs age in a terminal of its own, which it asks for passphrases.</summary>
    internal static string Typed(string passphrase, int times, params string[] command)
    {
        string[] arguments = ["-c", Terminal, passphrase, times.ToString(System.Globalization.CultureInfo.InvariantCulture), .. command];
        return Shell.Run("python3", arguments);
    }

    private const string Terminal =
        """
        import os, pty, sys, time
        passphrase, times, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
        child, terminal = pty.fork()
        if child == 0:
            os.execvp(command[0], command)
        seen = b''
        asked = 0
        while True:
            try:
                piece = os.read(terminal, 4096)
            except OSError:
                break
            if not piece:
                break
            seen += piece
            if asked < times and seen.count(b'passphrase') > asked and seen.rstrip().endswith(b':'):
                asked += 1
                time.sleep(0.2)
                os.write(terminal, passphrase.encode() + b'\n')
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(seen.decode(errors='replace'))
        sys.exit(code)
        """;
}
