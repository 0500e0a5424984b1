using System.Text.Json;
using System.Text.Json.Nodes;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Manifests;
using DbBackup.Engine.Repository.Signatures;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.TestHost;

/// <summary>Rewrites manifests as the user who made them would have written them at another time.</summary>
internal static class ManifestRun
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    /// <summary>Gives a backup another date; one that is signed is signed again, with this user's key. What is sealed in it stays as it is.</summary>
    /// <param name="repository">The repository.</param>
    /// <param name="key">The key of the manifest in it.</param>
    /// <param name="created">The date.</param>
    public static async Task DateAsync(string repository, string key, DateTimeOffset created)
    {
        IObjectStore store = RepositoryLocation.Parse(repository, Path.GetFullPath).OpenStore();
        byte[] json = await store.ReadAsync(key, CancellationToken.None) ?? throw new InvalidDataException($"There is no '{key}' in '{repository}'.");
        JsonObject manifest = JsonNode.Parse(json)!.AsObject();
        manifest["created"] = created.ToUniversalTime().ToString("o");
        foreach (string member in (string[])["repository", "signer", "signature", "sha256"])
            manifest.Remove(member);
        byte[] dated = JsonSerializer.SerializeToUtf8Bytes(manifest, s_indented);
        if (ManifestSignature.Read(json) is { } signed && SignerMemory.OfUser.FindKey() is { } signer)
            dated = ManifestSignature.Add(dated, signer, signed.Repository);
        await store.DeleteAsync(key, CancellationToken.None);
        if (!await store.PutAsync(key, Seal.Add(dated), CancellationToken.None))
            throw new InvalidDataException($"'{key}' was not written.");
    }
}
