using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using DbBackup.Engine.Encryption;

namespace DbBackup.Tests.Unit.Encryption;

/// <summary>The public test vectors of the format (C2SP/CCTV): what must be opened is, and what must be refused is, before a wrong byte is given out.</summary>
public sealed class AgeTestkitTests
{
    private static readonly string s_folder = Path.Combine(AppContext.BaseDirectory, "Data", "age-testkit");

    public static TheoryData<string> Vectors => [.. Directory.GetFiles(s_folder).Select(Path.GetFileName).OfType<string>().Where(name => name != "README.md").Order(StringComparer.Ordinal)];

    [Fact]
    public void TheVectorsAreThere() => Assert.Equal(143, Vectors.Count);

    [Theory]
    [MemberData(nameof(Vectors))]
    public void AVectorHasItsOutcome(string name)
    {
        (ILookup<string, string> facts, byte[] file) = Read(name);
        string expected = facts["expect"].Single();
        // Hybrid identities are a kind that this module does not have: a file for them is for another.
        List<IAgeIdentity> identities = [.. facts["identity"].Select(X25519Identity.TryParse).OfType<IAgeIdentity>(), .. facts["passphrase"].Select(text => new Passphrase(text))];
        bool isHybrid = facts["identity"].Any() && identities.Count < facts["identity"].Count() + facts["passphrase"].Count();
        using var content = new MemoryStream();
        Exception? failure = Record.Exception(() =>
        {
            byte[] plain = facts["armored"].Contains("yes") ? AgeArmor.Read(file) : file;
            using var stream = new AgeDecryptionStream(new MemoryStream(plain), identities);
            stream.CopyTo(content);
        });
        if (isHybrid)
        {
            Assert.IsAssignableFrom<AgeException>(failure);
            Assert.Equal(0, content.Length);
            return;
        }

        switch (expected)
        {
            case "success":
                Assert.Null(failure);
                break;
            case "no match":
                Assert.IsType<NoMatchingIdentityException>(failure);
                break;
            default:
                Assert.IsType<AgeFormatException>(failure);
                break;
        }

        if (facts["payload"].FirstOrDefault() is { } hash)
            Assert.Equal(hash, Convert.ToHexStringLower(SHA256.HashData(content.ToArray())));
    }

    private static (ILookup<string, string> Facts, byte[] File) Read(string name)
    {
        byte[] vector = File.ReadAllBytes(Path.Combine(s_folder, name));
        int end = vector.AsSpan().IndexOf("\n\n"u8);
        ILookup<string, string> facts = Encoding.UTF8.GetString(vector, 0, end).Split('\n').Select(line => line.Split(": ", 2)).ToLookup(pair => pair[0], pair => pair[1]);
        byte[] file = vector[(end + 2)..];
        if (facts["compressed"].Contains("zlib"))
        {
            using var zlib = new ZLibStream(new MemoryStream(file), CompressionMode.Decompress);
            using var all = new MemoryStream();
            zlib.CopyTo(all);
            file = all.ToArray();
        }

        return (facts, file);
    }
}
