using DbBackup.Engine.Repository.Stores.Sftp;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Repository.Stores.Sftp;

/// <summary>Files of known hosts as OpenSSH writes and reads them.</summary>
public sealed class KnownHostsTests : IDisposable
{
    private static readonly byte[] s_key = [0, 0, 0, 11, .. "ssh-ed25519"u8, 1, 2, 3];
    private static readonly byte[] s_other = [0, 0, 0, 11, .. "ssh-ed25519"u8, 4, 5, 6];

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("store.example.org ssh-ed25519 KEY", nameof(HostTrust.Known))]
    [InlineData("other,store.example.org,192.0.2.1 ssh-ed25519 KEY comment of several words", nameof(HostTrust.Known))]
    [InlineData("STORE.example.org ssh-ed25519 KEY", nameof(HostTrust.Known))]
    [InlineData("*.example.org ssh-ed25519 KEY", nameof(HostTrust.Known))]
    [InlineData("s?ore.example.org\tssh-ed25519\tKEY", nameof(HostTrust.Known))]
    [InlineData("*.example.org,!store.example.org ssh-ed25519 KEY", nameof(HostTrust.Unknown))]
    [InlineData("[store.example.org]:2222 ssh-ed25519 KEY", nameof(HostTrust.Unknown))]
    [InlineData("# store.example.org ssh-ed25519 KEY", nameof(HostTrust.Unknown))]
    [InlineData("store.example.org ssh-ed25519 OTHER", nameof(HostTrust.Changed))]
    [InlineData("store.example.org ssh-ed25519 OTHER\nstore.example.org ssh-ed25519 KEY", nameof(HostTrust.Known))]
    [InlineData("@revoked * ssh-ed25519 KEY\nstore.example.org ssh-ed25519 KEY", nameof(HostTrust.Revoked))]
    [InlineData("@cert-authority *.example.org ssh-ed25519 KEY", nameof(HostTrust.Unknown))]
    [InlineData("store.example.org ssh-ed25519 no!base64\n\nstore.example.org", nameof(HostTrust.Unknown))]
    public void A_line_is_read_as_the_stock_program_does(string lines, string expected) => Assert.Equal(expected, Read(lines).Check("store.example.org", 22, s_key).ToString());

    [Fact]
    public void A_port_belongs_to_the_name()
    {
        KnownHosts hosts = Read("[store.example.org]:2222 ssh-ed25519 KEY");

        Assert.Equal(HostTrust.Known, hosts.Check("store.example.org", 2222, s_key));
        Assert.Equal(HostTrust.Unknown, hosts.Check("store.example.org", 22, s_key));
        Assert.Equal(["ssh-ed25519"], hosts.TypesOf("store.example.org", 2222));
        Assert.Empty(hosts.TypesOf("store.example.org", 22));
    }

    [Fact]
    public void Names_that_the_stock_program_has_hashed_are_found()
    {
        // By "ssh-keygen -H", of store.example.org and of [store.example.org]:2222.
        KnownHosts hosts = Read(
            "|1|ag087TF8dbmYROGaM6ltkZFb6oM=|Fh3pvJe+YatXvM77fCzsj2EQ+1w= ssh-ed25519 KEY\n"
            + "|1|wD5zS7GTBjK8dC8ncoTd/cD82q8=|siaaNweoheRyUDi6jDdZZ9eOPC4= ssh-ed25519 OTHER\n");

        Assert.Equal(HostTrust.Known, hosts.Check("store.example.org", 22, s_key));
        Assert.Equal(HostTrust.Changed, hosts.Check("store.example.org", 2222, s_key));
        Assert.Equal(HostTrust.Unknown, hosts.Check("another.example.org", 22, s_key));
    }

    [Fact]
    public void A_file_that_is_missing_knows_nobody() => Assert.Equal(HostTrust.Unknown, KnownHosts.Read(_folder["none"]).Check("store.example.org", 22, s_key));

    private KnownHosts Read(string lines)
    {
        File.WriteAllText(_folder["hosts"], Lines(lines));
        return KnownHosts.Read(_folder["hosts"]);
    }

    private static string Lines(string text) => text
        .Replace("OTHER", Convert.ToBase64String(s_other), StringComparison.Ordinal)
        .Replace("KEY", Convert.ToBase64String(s_key), StringComparison.Ordinal);
}
