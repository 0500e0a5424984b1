namespace DbBackup.Engine.Repository.Instructions;

/// <summary>What the instructions say of containers and volumes: the stock commands are the same, and run in there.</summary>
internal static class DockerInstructions
{
    private static readonly string[] s_programs = ["createdb", "psql", "pg_restore"];

    /// <summary>Whether something was in a container or volume.</summary>
    public static bool IsOne(string? location) => Parse(location) is not null;

    /// <summary>Has PostgreSQL's programs run in the server's container.</summary>
    public static void WriteServer(InstructionText text, string location, string? username)
    {
        (string? host, string[] parts) = Parse(location)!.Value;
        text.Line("The server was in a container, and these lines have PostgreSQL's programs run there; C is the container's name or id today.");
        WriteHost(text, host);
        text.Command($"C={Container(parts)}");
        foreach (string program in s_programs)
            text.Command($"{program}() {{ docker exec -i{(username is null ? string.Empty : " -e PGUSER=" + ShellText.Quote(username))} \"$C\" {program} \"$@\"; }}");
        text.Line();
    }

    /// <summary>Says how a restored folder or file gets into its container or volume.</summary>
    public static void WriteFiles(InstructionText text, Payload payload)
    {
        (string? host, string[] parts) = Parse(payload.OriginalPath)!.Value;
        WriteHost(text, host);
        string restored = ShellText.RestoredPath(payload);
        string path = Path(parts);
        if (parts[0] == "volume")
        {
            text.Remark($"{restored}  belongs into the volume {parts[1]}{(path.Length > 1 ? " at " + path : string.Empty)}. With any image that has a shell, once nobody uses the volume:");
            text.Remark($"docker run --rm -v {ShellText.Quote(parts[1])}:/v -v \"$PWD/restored\":/r IMAGE sh -c 'cp -a /r/{payload.RestoreName}{(payload.Kind == PayloadKind.Files ? "/." : string.Empty)} /v{path.TrimEnd('/')}'");
        }
        else
        {
            text.Remark($"{restored}  belongs into the container C={Container(parts)} at {path}:");
            text.Remark($"docker stop \"$C\" && docker cp -a {ShellText.Quote(restored + (payload.Kind == PayloadKind.Files ? "/." : string.Empty))} \"$C\":{ShellText.Quote(path)} && docker start \"$C\"");
        }

        text.Remark("Empty the folder first: what is only there would stay.");
    }

    private static void WriteHost(InstructionText text, string? host)
    {
        if (host is not null)
            text.Command($"export DOCKER_HOST={ShellText.Quote(host)}");
    }

    // By its labels a service's container is found under whatever name it has.
    private static string Container(string[] parts) => parts[0] == "compose"
        ? $"$(docker ps -aq -f label=com.docker.compose.project={ShellText.Quote(parts[1])} -f label=com.docker.compose.service={ShellText.Quote(parts[2])} | head -n 1)"
        : ShellText.Quote(parts[1]);

    private static string Path(string[] parts)
    {
        int path = Array.IndexOf(parts, "path", parts[0] == "compose" ? 3 : 2);
        return path < 0 ? "/" : "/" + string.Join('/', parts[(path + 1)..]);
    }

    // docker:///compose/project/service/…, docker+ssh://user@host/container/name/…, docker:///volume/name/…: see docs/format.md.
    private static (string? Host, string[] Parts)? Parse(string? location)
    {
        if (location is null || !location.StartsWith("docker", StringComparison.Ordinal) || location.IndexOf("://", StringComparison.Ordinal) is not (> 0 and var scheme))
            return null;
        int start = location.IndexOf('/', scheme + 3);
        string[] parts = start < 0 ? [] : [.. location[(start + 1)..].Split('/').Select(Uri.UnescapeDataString)];
        bool known = parts is ["compose", _, _, ..] or ["container" or "volume", _, ..];
        return known ? (location.StartsWith("docker+", StringComparison.Ordinal) ? location["docker+".Length..start] : null, parts) : null;
    }
}
