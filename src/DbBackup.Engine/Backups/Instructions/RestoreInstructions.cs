using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.Instructions;
using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Backups.Instructions;

/// <summary>
/// Writes <c>RESTORE.txt</c>: how to get everything back with stock tools alone. Lines that begin with exactly two blanks are commands,
/// to be run one after the other.
/// </summary>
internal static class RestoreInstructions
{
    public const string FileName = RepositoryKeys.Instructions;

    /// <summary>Writes the file, and its hash into the manifest.</summary>
    public static (byte[] Text, Manifest Manifest) WriteFor(Manifest manifest)
    {
        byte[] text = Encoding.UTF8.GetBytes(Write(manifest));
        return (text, manifest with { InstructionsSha256 = Convert.ToHexStringLower(SHA256.HashData(text)) });
    }

    public static string Write(Manifest manifest)
    {
        var text = new InstructionText();
        bool isEncrypted = manifest.Payloads.Any(payload => payload.IsEncrypted);
        if (manifest.Kept is { } kept)
        {
            DatabaseEngines.OfKept(manifest).WriteKeptInstructions(text, manifest, kept);
            return text.ToString();
        }

        text.Line(string.Create(CultureInfo.InvariantCulture, $"Backup of {manifest.Source.Name} ({manifest.Source.Engine}), taken {manifest.Created.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC."));
        text.Line();
        text.WithModule(manifest);
        List<Payload> files = [.. manifest.Payloads.Where(payload => payload.Kind == PayloadKind.Files || DatabaseEngines.Of(payload) is IFileEngine)];
        bool isServer = files.Count < manifest.Payloads.Count;
        text.Line(isServer ? "Without it, with stock tools alone, in this folder:" : "Without it, with stock tools alone. Stop the application first, then in this folder:");
        text.Line();
        WriteCheck(text, manifest);
        if (isEncrypted)
            text.Line("backup.key below is the key that step 2 of RESTORE.txt makes. Delete it at the end.");
        text.Line();
        PatchInstructions.Write(text, manifest);
        foreach (IGrouping<IServerEngine, Payload> server in manifest.Payloads.Except(files).GroupBy(payload => (IServerEngine)DatabaseEngines.Of(payload)))
        {
            string? container = server.Select(payload => payload.OriginalPath).FirstOrDefault(DockerInstructions.IsOne);
            if (container is not null)
                DockerInstructions.WriteServer(text, server.Key, container, server.Select(payload => payload.Database?.Username).FirstOrDefault(name => name is not null));
            server.Key.WriteInstructions(text, manifest, [.. server], container is not null);
        }

        if (files.Count > 0)
            FileInstructions.Write(text, manifest, files);
        text.Line();
        text.Line($"Tools: {string.Join(", ", Tools(manifest))} (packages of these names; on Windows the same commands run in WSL).");
        return text.ToString();
    }

    /// <summary>The step that compares the files with their hashes.</summary>
    public static void WriteCheck(InstructionText text, Manifest manifest)
    {
        text.Step("Check that the files are whole (each line must end in OK):");
        foreach (Payload payload in manifest.Payloads)
            text.Command($"echo '{payload.StoredSha256}  {ShellText.Inner(payload.FileName)}' | sha256sum -c -");
        PatchInstructions.WriteCheck(text, manifest);
    }

    private static IEnumerable<string> Tools(Manifest manifest)
    {
        yield return "sha256sum";
        if (manifest.Payloads.Any(payload => payload.IsEncrypted))
            yield return "age";
        yield return manifest.Payloads.Any(payload => payload.Compression is PayloadCompression.Zstd or PayloadCompression.ZstdPatch) ? "zstd" : "gzip";
        yield return "tar";
        bool inDocker = manifest.Payloads.Any(payload => DockerInstructions.IsOne(payload.OriginalPath));
        if (inDocker)
            yield return "docker";
        // The programs of a server in a container are in there too.
        foreach (IDatabaseEngine engine in manifest.Payloads.Where(payload => payload.Kind != PayloadKind.Files).Select(DatabaseEngines.Of).Distinct().Where(engine => engine is IFileEngine || !inDocker))
            yield return engine.StockTools;
    }
}
