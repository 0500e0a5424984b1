using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Org.BouncyCastle.Math.EC.Rfc8032;
using static DbBackup.Bench.ModuleShell;

namespace DbBackup.Bench;

/// <summary>A repository of many backups: one real one, again and again under other names, with a stub of its payload.</summary>
internal static class SampleRepository
{
    private const int Sources = 20;

    /// <summary>Makes the repository, unless it is there from an earlier run.</summary>
    public static string Ensure(string folder, int backups)
    {
        string repository = Path.Combine(folder, $"listed-repository-{backups}");
        if (Directory.Exists(repository))
            return repository;
        string unfinished = repository + ".making";
        if (Directory.Exists(unfinished))
            Directory.Delete(unfinished, recursive: true);
        JsonNode real = JsonNode.Parse(File.ReadAllText(MakeOne(folder)))!;
        // A signer of its own: whoever measures trusts it when the repository is first listed.
        byte[] key = RandomNumberGenerator.GetBytes(Ed25519.SecretKeySize);
        DateTime newest = DateTime.UtcNow.Date.AddHours(2);
        for (int i = 0; i < backups; i++)
        {
            string source = $"source-{i % Sources:D2}";
            DateTime created = newest.AddHours(-i);
            string name = created.ToString("yyyyMMdd'T'HHmmss'Z-full'", CultureInfo.InvariantCulture);
            real["id"] = Guid.NewGuid().ToString();
            real["name"] = name;
            string moment = created.ToString("O", CultureInfo.InvariantCulture);
            (real["created"], real["completed"]) = (moment, moment);
            real["sequence"] = (backups - i) / Sources + 1;
            real["source"]!["name"] = source;
            string place = Directory.CreateDirectory(Path.Combine(unfinished, source, name)).FullName;
            File.WriteAllText(Path.Combine(place, "backup.json"), Sealed(real, key));
            File.WriteAllText(Path.Combine(place, real["payloads"]![0]!["fileName"]!.GetValue<string>()), "stub");
        }

        // Without its id no signature is read.
        File.Copy(Path.Combine(OneOf(folder), "repository.json"), Path.Combine(unfinished, "repository.json"));
        Directory.Move(unfinished, repository);
        return repository;
    }

    // As the module writes it: with the signature and the hash of all before their lines, see docs/format.md.
    private static string Sealed(JsonNode manifest, byte[] key)
    {
        string repository = manifest["repository"]!.GetValue<string>();
        JsonObject rest = manifest.DeepClone().AsObject();
        foreach (string member in (string[])["repository", "signer", "signature", "sha256"])
            rest.Remove(member);
        byte[] publicKey = new byte[Ed25519.PublicKeySize], signature = new byte[Ed25519.SignatureSize];
        Ed25519.GeneratePublicKey(key, 0, publicKey, 0);
        string signer = Convert.ToBase64String([.. Convert.FromHexString("302a300506032b6570032100"), .. publicKey]);
        string body = rest.ToJsonString(new() { WriteIndented = true }).TrimEnd('}').TrimEnd() + $",\n  \"repository\": \"{repository}\",\n  \"signer\": \"{signer}\",\n";
        byte[] signed = Encoding.UTF8.GetBytes(body);
        Ed25519.Sign(key, 0, signed, 0, signed.Length, signature, 0);
        body += $"  \"signature\": \"{Convert.ToBase64String(signature)}\",\n";
        return $"{body}  \"sha256\": \"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(body)))}\"\n}}\n";
    }

    private static string OneOf(string folder) => Path.Combine(folder, "one-real-backup");

    /// <summary>Makes one real backup.</summary>
    /// <returns>Its manifest.</returns>
    public static string MakeOne(string folder)
    {
        string repository = OneOf(folder);
        if (Directory.Exists(repository))
            Directory.Delete(repository, recursive: true);
        using var shell = new ModuleShell(BenchRun.ModulePath);
        shell.Run($"New-DbBackup {Quote(SampleDatabase.Ensure(folder, 10))} -Name one -Source one -AllowNewRepository -Repository {Quote(repository)}");
        return Path.Combine(repository, "one", "one", "backup.json");
    }
}
