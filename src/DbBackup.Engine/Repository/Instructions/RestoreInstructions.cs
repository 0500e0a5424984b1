using System.Globalization;
using System.Text;

namespace DbBackup.Engine.Repository.Instructions;

/// <summary>
/// Writes <c>RESTORE.txt</c>: how to get everything back with stock tools alone. Lines that begin with exactly two blanks are commands,
/// to be run one after the other.
/// </summary>
internal static class RestoreInstructions
{
    public const string FileName = "RESTORE.txt";

    public static string Write(Manifest manifest)
    {
        var text = new InstructionText();
        if (manifest.Kept is { } kept)
        {
            KeptDatabaseInstructions.Write(text, manifest, kept);
            return text.ToString();
        }

        text.Line(string.Create(CultureInfo.InvariantCulture, $"Backup of {manifest.Source.Name} ({manifest.Source.Engine}), taken {manifest.Created.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC."));
        text.Line();
        text.WithModule(manifest);
        bool isServer = manifest.Payloads.Any(payload => payload.IsOfServer);
        text.Line(isServer ? "Without it, with stock tools alone, in this folder:" : "Without it, with stock tools alone. Stop the application first, then in this folder:");
        text.Line();
        text.Step("Check that the files are whole (each line must end in OK):");
        foreach (Payload payload in manifest.Payloads)
            text.Command($"echo '{payload.StoredSha256}  {ShellText.Inner(payload.FileName)}' | sha256sum -c -");
        text.Line();
        List<Payload> files = [.. manifest.Payloads.Where(payload => !payload.IsOfServer)];
        if (isServer)
            PostgreSqlInstructions.Write(text, manifest, [.. manifest.Payloads.Where(payload => payload.IsOfServer)]);
        if (files.Count > 0)
            FileInstructions.Write(text, manifest, files);
        text.Line();
        text.Line($"Tools: {string.Join(", ", Tools(manifest, isServer))} (packages of these names; on Windows the same commands run in WSL).");
        return text.ToString();
    }

    private static IEnumerable<string> Tools(Manifest manifest, bool isServer)
    {
        yield return "sha256sum";
        yield return manifest.Payloads.Any(payload => payload.Compression == PayloadCompression.Zstd) ? "zstd" : "gzip";
        yield return "tar";
        bool inDocker = manifest.Payloads.Any(payload => DockerInstructions.IsOne(payload.OriginalPath));
        if (inDocker)
            yield return "docker";
        if (isServer && !inDocker)
            yield return "the client programs of PostgreSQL";
        else if (!isServer)
            yield return "sqlite3";
    }
}

/// <summary>The text of the instructions as it grows.</summary>
internal sealed class InstructionText
{
    private readonly StringBuilder _text = new();
    private int _steps;

    /// <summary>A line of prose, or an empty one.</summary>
    public void Line(string line = "") => _text.Append(line).Append('\n');

    /// <summary>A remark to the command above.</summary>
    public void Remark(string line) => Line("   " + line);

    /// <summary>The heading of the next step.</summary>
    public void Step(string heading) => Line(string.Create(CultureInfo.InvariantCulture, $"{++_steps}. {heading}"));

    /// <summary>A command.</summary>
    public void Command(string command) => Line("  " + command);

    /// <summary>How this module restores it.</summary>
    public void WithModule(Manifest manifest)
    {
        Line("With DbBackup (PowerShell), from the repository's folder:");
        Command($"Restore-DbBackup -Source {ShellText.QuoteForPowerShell(manifest.Source.Name)} -Name {ShellText.QuoteForPowerShell(manifest.Name)} -Repository .");
        Line();
    }

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();
}
