using DbBackup.Engine.Repository.Manifests;
using DbBackup.Engine.Repository.Signatures;

namespace DbBackup.TestHost;

/// <summary>Rewrites manifests as the user who made them would have written them at another time.</summary>
internal static class ManifestRun
{
    /// <summary>Gives a backup another date; one that is signed is signed again, with this user's key.</summary>
    public static void Date(string file, DateTimeOffset created)
    {
        byte[] json = File.ReadAllBytes(file);
        Manifest manifest = ManifestJson.Read(json, out string? problem) ?? throw new InvalidDataException(problem);
        manifest = manifest with { Created = created.ToUniversalTime() };
        byte[] dated = ManifestSignature.Read(json) is { } signed && SignerMemory.OfUser.FindKey() is { } key
            ? ManifestJson.Write(manifest, body => ManifestSignature.Add(body, key, signed.Repository))
            : ManifestJson.Write(manifest);
        File.WriteAllBytes(file, dated);
    }
}
