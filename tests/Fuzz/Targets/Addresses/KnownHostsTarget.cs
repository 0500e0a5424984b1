using DbBackup.Engine.Repository.Stores.Sftp;

namespace DbBackup.Tests.Fuzz.Targets.Addresses;

/// <summary>A file of known hosts: whatever is in it, a key that it does not hold is never known.</summary>
internal sealed class KnownHostsTarget : FuzzTarget
{
    private static readonly byte[] s_stranger = [.. Enumerable.Range(0, 51).Select(i => (byte)(i * 37 + 11))];

    public override InputForm Form => InputForm.Text;

    public override int LongestInput => 1 << 13;

    public override IReadOnlyList<string> Words => ["@revoked ", "@cert-authority ", "|1|", "ssh-ed25519", "nas", "[nas]:2222", "!nas", "*", "?", ",", ",,", " ", "\t", "#", "AAAAC3NzaC1lZDI1NTE5", "=", "\n"];

    public override IEnumerable<byte[]> Seeds() =>
    [
        Utf8("nas,192.0.2.7 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGZvbw==\n[nas]:2222 ssh-rsa AAAA\n"),
        Utf8("# comment\n\n@revoked * ssh-ed25519 AAAA\n@cert-authority *.example.org ssh-rsa AAAA\n"),
        Utf8("|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-rsa AAAA\n!nas,* ssh-ed25519 AAAA\n"),
    ];

    public override object? Run(byte[] input)
    {
        string file = Folder["known_hosts"];
        File.WriteAllBytes(file, input);
        KnownHosts hosts = KnownHosts.Read(file);
        var found = new List<string>();
        foreach ((string host, int port) in ((string, int)[])[("nas", 22), ("nas", 2222), ("192.0.2.7", 22), ("::1", 22)])
        {
            HostTrust trust = hosts.Check(host, port, s_stranger);
            Require(trust is HostTrust.Unknown or HostTrust.Changed, "a key that the file does not hold is not known");
            found.Add($"{trust}{hosts.TypesOf(host, port).Count}");
        }

        return string.Join(' ', found);
    }
}
