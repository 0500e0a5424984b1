using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Migrations;

/// <summary>Where an application's code is, with its migrations: a folder of this machine, or a container.</summary>
internal abstract class CodePlace
{
    /// <summary>The words for it in a sentence.</summary>
    public abstract string Description { get; }

    /// <summary>Runs a program there to its end.</summary>
    /// <param name="command">The program and its arguments; no shell is between.</param>
    /// <param name="cancellationToken">Ends it with its children.</param>
    /// <returns>Its exit code (127 where there is no such program), and all that it wrote.</returns>
    public abstract Task<(int ExitCode, string Output, string Errors)> RunAsync(IReadOnlyList<string> command, CancellationToken cancellationToken);
}

/// <summary>Code in a folder of this machine.</summary>
/// <param name="folder">The folder in which its programs run.</param>
internal sealed class FolderCode(string folder) : CodePlace
{
    public override string Description => $"'{folder}'";

    public override async Task<(int ExitCode, string Output, string Errors)> RunAsync(IReadOnlyList<string> command, CancellationToken cancellationToken)
    {
        if (ExternalTool.Find(command[0]) is not { } program)
            return (ContainerProgram.NotFoundExitCode, string.Empty, $"{command[0]} is not on PATH.");
        using ToolProcess tool = ToolProcess.Start(program, command.Skip(1), new Dictionary<string, string?>(), ToolUse.Ask, folder);
        using CancellationTokenRegistration stop = cancellationToken.Register(tool.Kill);
        using var reader = new StreamReader(tool.Output);
        string output = await reader.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
        return (await tool.WaitAsync(cancellationToken).ConfigureAwait(false), output, tool.Errors);
    }
}

/// <summary>Code in a container that runs.</summary>
/// <param name="host">The container.</param>
/// <param name="folder">The folder in there in which its programs run; null for the image's own.</param>
internal sealed class ContainerCode(ContainerHost host, string? folder) : CodePlace
{
    public override string Description => folder is null ? $"the {host.Description}" : $"'{folder}' of the {host.Description}";

    public override Task<(int ExitCode, string Output, string Errors)> RunAsync(IReadOnlyList<string> command, CancellationToken cancellationToken) => folder is null
        ? host.CaptureAsync(command[0], command.Skip(1), cancellationToken)
        : host.CaptureAsync("sh", ["-c", "cd \"$1\" && shift && exec \"$@\"", "sh", folder, .. command], cancellationToken);
}
