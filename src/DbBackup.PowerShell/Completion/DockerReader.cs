using System.Collections;
using System.Management.Automation;
using DbBackup.Engine.Discovery;
using DbBackup.Engine.Docker.Addressing;

namespace DbBackup.PowerShell.Completion;

/// <summary>What the completers read of the Docker engine that stands on the command line, or is the usual one. Never fails, only finds nothing.</summary>
internal static class DockerReader
{
    // A completion that takes longer than this is of no use.
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(2);

    /// <summary>Completions of what the engine has.</summary>
    /// <param name="bound">The command's parameters.</param>
    /// <param name="typed">What was typed of the name.</param>
    /// <param name="choose">The names, each with its tool tip.</param>
    public static IEnumerable<CompletionResult> Matching(IDictionary bound, string typed, Func<DockerContents, IEnumerable<(string Text, string ToolTip)>> choose) =>
        Matching(bound, typed, async (host, project, token) => choose(await DockerContents.ReadAsync(host, project, token).ConfigureAwait(false)));

    /// <summary>Completions of something else that belongs to an engine.</summary>
    /// <param name="bound">The command's parameters.</param>
    /// <param name="typed">What was typed of the name.</param>
    /// <param name="read">Reads the names, each with its tool tip, of the engine and the compose project on the command line.</param>
    public static IEnumerable<CompletionResult> Matching(
        IDictionary bound, string typed, Func<string?, string?, CancellationToken, Task<IEnumerable<(string Text, string ToolTip)>>> read)
    {
        try
        {
            // The prompt's location is known to its own thread alone.
            string? project = ProjectOf(bound);
            using var timeout = new CancellationTokenSource(s_timeout);
            IEnumerable<(string, string)> names = Task.Run(() => read(TextOf(bound, "DockerHost"), project, timeout.Token), timeout.Token).GetAwaiter().GetResult();
            return [.. RepositoryReader.Matching(names, typed)];
        }
        catch (Exception exception) when (exception is BackupException or OperationCanceledException or PSInvalidOperationException)
        {
            return [];
        }
    }

    /// <summary>The container or service on the command line; null where none is.</summary>
    /// <param name="bound">The command's parameters.</param>
    /// <param name="service">The parameter that names the service.</param>
    public static ContainerAddress? SubjectOf(IDictionary bound, string service = "Service")
    {
        string? container = TextOf(bound, "Container");
        string? project = ProjectOf(bound);
        string? host = TextOf(bound, "DockerHost");
        return container is not null ? new ContainerAddress.OfContainer(container) { DockerHost = host }
            : project is not null ? new ContainerAddress.OfService(project, TextOf(bound, service)) { DockerHost = host } : null;
    }

    private static string? ProjectOf(IDictionary bound) =>
        TextOf(bound, "ComposeProject") is { } project && ContainerAddress.IsProjectPath(project) ? RepositoryReader.Resolve(project) : TextOf(bound, "ComposeProject");

    private static string? TextOf(IDictionary bound, string name) =>
        (bound[name] is object[] several ? several.FirstOrDefault() : bound[name])?.ToString() is { Length: > 0 } text ? text : null;
}
