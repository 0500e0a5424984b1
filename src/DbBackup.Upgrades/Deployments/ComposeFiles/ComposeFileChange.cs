using System.Text.Json.Nodes;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Platform;

namespace DbBackup.Upgrades.Deployments.ComposeFiles;

/// <summary>The change of a compose project's files that goes with the new version of its server: the lines with the image and the volume.</summary>
internal sealed class ComposeFileChange
{
    private static readonly string[] s_changed = ["image", "volumes"];
    private readonly UpgradeSubject.MajorVersion _server;
    private readonly ComposeCommand _compose;
    private readonly IReadOnlyList<(string Path, string Text, IReadOnlyList<TextEdit> Edits)> _files;

    private ComposeFileChange(UpgradeSubject.MajorVersion server, ComposeCommand compose, IReadOnlyList<(string Path, string Text, IReadOnlyList<TextEdit> Edits)> files)
    {
        _server = server;
        _compose = compose;
        _files = files;
    }

    /// <summary>The files that change, for the journal.</summary>
    public IReadOnlyList<ComposeFileRecord> Records => [.. _files.Select(file => ComposeFileRecord.Of(file.Path, file.Text, file.Edits))];

    /// <summary>The lines that change, by file; empty if none does.</summary>
    public string Difference => string.Join(Environment.NewLine, _files.SelectMany(file => TextEdit.Difference(file.Text, file.Edits).Prepend($"{file.Path}:")));

    /// <summary>Finds the change. Changes nothing.</summary>
    /// <param name="client">The Docker Engine client.</param>
    /// <param name="server">The upgrade of a server in a compose project.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <exception cref="FormatException">The files are not here, or the lines cannot be told: with the reason, as the rest of a sentence.</exception>
    /// <exception cref="BackupException">The project is not there, or compose is not.</exception>
    public static async Task<ComposeFileChange> FindAsync(DockerClient client, UpgradeSubject.MajorVersion server, CancellationToken cancellationToken)
    {
        string folder = server.Folder ?? throw new FormatException("they are not on this machine");
        ComposeProject project = await ComposeProject.FindAsync(client, server.Project!, cancellationToken).ConfigureAwait(false);
        ComposeCommand compose = await ComposeCommand.FindAsync(folder, server.Files, project, client.Endpoint, cancellationToken).ConfigureAwait(false);
        try
        {
            string[] texts = [.. compose.Files.Select(ComposeFileRecord.Read)];
            if (texts.Length == 0)
                throw new FormatException("which files define the project is not known");
            IReadOnlyList<IReadOnlyList<TextEdit>> edits = ComposeFileEditor.Edit(texts, server);
            return new ComposeFileChange(server, compose, [.. compose.Files.Select((path, index) => (path, texts[index], edits[index])).Where(file => file.Item3.Count > 0)]);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new FormatException(exception.Message.TrimEnd('.'), exception);
        }
    }

    /// <summary>Fails if compose would understand the changed files otherwise than meant, or this user must not change them. Changes nothing.</summary>
    /// <exception cref="FormatException">The files are not to be changed: with the reason, as the rest of a sentence.</exception>
    /// <exception cref="BackupException">Compose cannot read the changed files.</exception>
    public async Task RequireSoundAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (_files.Count == 0)
            return;
        using LocalWorkspace scratch = LocalWorkspace.Create(Path.GetTempPath());
        string[] arguments = [.. _compose.Arguments];
        try
        {
            for (int file = 0; file < _files.Count; file++)
            {
                // For writing, to learn whether that is allowed.
                using (File.Open(_files[file].Path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
                {
                }

                for (int index = 1; index < arguments.Length; index++)
                {
                    if (arguments[index - 1] == "-f" && _compose.FullPath(arguments[index]) == _files[file].Path)
                        arguments[index] = CopyOf(file);
                }
            }

            // Compose's first version may resolve relative paths from the file: a copy of what is there now is compared, in the same place.
            string before = await ConfigAsync(file => file.Text).ConfigureAwait(false);
            string after = await ConfigAsync(file => TextEdit.Apply(file.Text, file.Edits)).ConfigureAwait(false);
            if (FindFault(before, after, _server) is { } fault)
                throw new FormatException(fault);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new FormatException(exception.Message.TrimEnd('.'), exception);
        }

        string CopyOf(int file) => Path.Join(scratch.Path, FormattableString.Invariant($"{file}.yaml"));

        async Task<string> ConfigAsync(Func<(string Path, string Text, IReadOnlyList<TextEdit> Edits), string> text)
        {
            for (int file = 0; file < _files.Count; file++)
                await File.WriteAllTextAsync(CopyOf(file), text(_files[file]), cancellationToken).ConfigureAwait(false);
            return await UpgradeCommand.Of(_compose.Program, [.. arguments, .. _compose.AllProfiles, .. _compose.ConfigArguments], _compose.Folder, new Dictionary<string, string?>(_compose.Environment))
                .RunAsync(timeout, null, SilentObserver.Instance, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Compares what compose understands before and after.</summary>
    /// <returns>What is not as it was meant, as the rest of a sentence; null if all is.</returns>
    internal static string? FindFault(string before, string after, UpgradeSubject.MajorVersion server)
    {
        ComposeService? service = ComposeConfig.Parse(after, server.Project).Services.GetValueOrDefault(server.Service!);
        if (service?.Image != server.Image)
            return $"with the changed lines compose would use the image '{service?.Image}'";
        foreach (UpgradeSubject.ServerVolume volume in server.Volumes.Select(moved => moved.New))
        {
            ComposeMount[] mounts = [.. service.Mounts.Where(mount => mount.Target.TrimEnd('/') == volume.Path.TrimEnd('/'))];
            if (mounts is not [{ Type: "volume", Source: { } source }] || source != volume.Name)
                return $"with the changed lines compose would mount '{mounts.LastOrDefault()?.Source}' at '{volume.Path}'";
        }

        JsonObject was = ComposeConfig.Read(before), becomes = ComposeConfig.Read(after);
        string[] mountsLeft = [.. Strip(was, server).Order(StringComparer.Ordinal)];
        if (!mountsLeft.SequenceEqual(Strip(becomes, server).Order(StringComparer.Ordinal), StringComparer.Ordinal))
            return "with the changed lines compose would mount other volumes too";
        StripVolumes(was, becomes, server.Volumes.Count);
        return JsonNode.DeepEquals(was, becomes) ? null : "with the changed lines compose would change more than the image and the volume";
    }

    // Takes away what may change, and returns the mounts that must not.
    private static string[] Strip(JsonObject config, UpgradeSubject.MajorVersion server)
    {
        if (config["services"]?[server.Service!] is not JsonObject service)
            return [];
        string[] mounts = [.. (service["volumes"] as JsonArray ?? []).Where(mount => PathOf(mount) is var path && !server.Volumes.Any(volume => path == volume.Old.Path.TrimEnd('/') || path == volume.New.Path.TrimEnd('/'))).Select(mount => mount?.ToJsonString() ?? string.Empty)];
        foreach (string name in s_changed)
            service.Remove(name);
        return mounts;
    }

    private static string? PathOf(JsonNode? mount) => (mount is JsonObject ? (string?)mount["target"] : mount?.ToString().Split(':').ElementAtOrDefault(1))?.TrimEnd('/');

    // The new volumes are declared; the old ones, which nothing uses any more, are left out of what some versions print.
    private static void StripVolumes(JsonObject was, JsonObject becomes, int count)
    {
        if (was["volumes"] is not JsonObject old || becomes["volumes"] is not JsonObject next)
            return;
        string[] gone = [.. old.Select(each => each.Key).Where(name => !next.ContainsKey(name))], come = [.. next.Select(each => each.Key).Where(name => !old.ContainsKey(name))];
        if (gone.Length > count || come.Length > count)
            return;
        foreach (string name in gone)
            old.Remove(name);
        foreach (string name in come)
            next.Remove(name);
    }
}
