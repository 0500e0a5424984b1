using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Pausing;
using DbBackup.Engine.Engines;

namespace DbBackup.TestHost;

/// <summary>A process that has containers stand still until it reads a line, or is killed.</summary>
internal static class PauseRun
{
    /// <summary>Pauses the containers, says so, and resumes them after a line of input.</summary>
    public static async Task HoldAsync(string endpoint, PauseMode mode, IReadOnlyList<string> containers)
    {
        var pause = new ContainerPause(DockerEndpoint.Parse(endpoint, "the test"), containers, mode);
        await using IPausedApplication paused = await pause.BeginAsync(new Executioner(killAt: 0), CancellationToken.None);
        Console.WriteLine($"paused {string.Join(' ', paused.Containers)}");
        await Console.In.ReadLineAsync();
        await paused.EndAsync();
        Console.WriteLine("resumed");
    }
}
