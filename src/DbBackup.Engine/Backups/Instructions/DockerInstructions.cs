using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.Instructions;

namespace DbBackup.Engine.Backups.Instructions;

/// <summary>What the instructions say of containers and volumes: the stock commands are the same, and run in there.</summary>
internal static class DockerInstructions
{
    /// <summary>True if something was in a container or volume.</summary>
    public static bool IsOne(string? location) => DockerLocation.TryParse(location) is not null;

    /// <summary>Has the engine's programs run in the server's container.</summary>
    public static void WriteServer(InstructionText text, IServerEngine engine, string location, string? username)
    {
        var place = DockerLocation.Parse(location);
        text.Line($"The server was in a container, and these lines have {engine.ProgramsOf} run there; C is the container's name or id today.");
        WriteHost(text, place.Host);
        text.Command($"C={Container(place)}");
        foreach (string program in engine.Programs)
            text.Command($"{program}() {{ docker exec -i{(username is null ? string.Empty : $" -e {engine.UserVariable}=" + ShellText.Quote(username))} \"$C\" {program} \"$@\"; }}");
        text.Line();
    }

    /// <summary>Says how a restored folder or file gets into its container or volume.</summary>
    public static void WriteFiles(InstructionText text, Payload payload)
    {
        var place = DockerLocation.Parse(payload.OriginalPath!);
        WriteHost(text, place.Host);
        string restored = ShellText.RestoredPath(payload);
        string path = place.Path ?? "/";
        bool isFolder = payload.Kind == PayloadKind.Files;
        if (place.Volume is { } volume)
        {
            // No shell in there: a name may have any character.
            string run = $"docker run --rm -v {ShellText.Quote(volume)}:/v";
            string to = ShellText.Quote("/v" + path.TrimEnd('/'));
            text.Remark($"{restored}  belongs into the volume {volume}{(path.Length > 1 ? " at " + path : string.Empty)}. Once no container uses the volume, with any image that has {(isFolder ? "find and cp; what is only there would stay, so empty it first" : "cp")}:");
            if (isFolder)
                text.Remark($"{run} IMAGE find {to} -mindepth 1 -delete");
            text.Remark($"{run} -v \"$PWD/restored\":/r IMAGE cp -a {ShellText.Quote($"/r/{payload.RestoreName}{(isFolder ? "/." : string.Empty)}")} {to}");
        }
        else
        {
            text.Remark($"{restored}  belongs into the container C={Container(place)} at {path}:");
            text.Remark($"docker stop \"$C\" && docker cp -a {ShellText.Quote(restored + (isFolder ? "/." : string.Empty))} \"$C\":{ShellText.Quote(path)} && docker start \"$C\"");
            if (isFolder)
                text.Remark("Empty the folder first: what is only there would stay.");
        }
    }

    private static void WriteHost(InstructionText text, string? host)
    {
        if (host is not null)
            text.Command($"export DOCKER_HOST={ShellText.Quote(host)}");
    }

    // By its labels a service's container is found under whatever name it has.
    private static string Container(DockerLocation place) => place.Project is { } project
        ? $"$(docker ps -aq -f label=com.docker.compose.project={ShellText.Quote(project)} -f label=com.docker.compose.service={ShellText.Quote(place.Service!)} | head -n 1)"
        : ShellText.Quote(place.Container!);
}
