using System.Diagnostics;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;

namespace DbBackup.Engine.Docker.Pausing;

/// <summary>
/// The command of the small process that resumes containers when this one is killed. It waits for its input, a pipe from here: the line
/// "done" ends it; the end of the pipe without that line means that this process was killed.
/// </summary>
internal static class GuardCommand
{
    /// <summary>The line that lets it go.</summary>
    public const string Done = "done";

    // It stays when the terminal is closed or Ctrl+C is pressed in it. Nobody reads what it writes.
    private const string Wait = """
        trap '' HUP INT QUIT TERM
        exec >/dev/null 2>&1
        tool=$1 verb=$2 halted=$3 socket=$4
        shift 4
        IFS= read -r word
        [ "$word" = done ] && exit 0

        """;

    // A container that is no longer paused was resumed by another process, and perhaps paused again: that is theirs.
    private const string DockerAttempt = """
        attempt() {
          case $("$tool" container inspect --format '{{.State.Status}}' "$1") in
            "$halted") "$tool" "$verb" "$1" ;;
            ?*) true ;;
            *) "$tool" version ;;
          esac
        }

        """;

    // Every answer of the engine will do: that it is not paused, or not there.
    private const string CurlAttempt = """
        attempt() { "$tool" -s -o /dev/null -m 60 --unix-socket "$socket" -X POST "http://docker/containers/$1/$verb"; }

        """;

    private const string Resume = """
        resume() {
          n=0
          while [ $n -lt 30 ]; do
            attempt "$1" && return
            n=$((n + 1))
            sleep 1
          done
        }

        """;

    private const string AllAtOnce = """
        for id; do resume "$id" & done
        wait
        """;

    private const string InOrder = """
        for id; do resume "$id"; done
        """;

    /// <summary>The command; null where this machine has no programs for it.</summary>
    /// <param name="endpoint">The engine.</param>
    /// <param name="mode">Paused or stopped.</param>
    /// <param name="ids">The containers, in the order in which they are started.</param>
    /// <param name="find">Finds a program on PATH.</param>
    /// <param name="windows">True if it is for Windows.</param>
    public static ProcessStartInfo? For(DockerEndpoint endpoint, PauseMode mode, IReadOnlyList<string> ids, Func<string, string?> find, bool windows)
    {
        ProcessStartInfo? start = windows ? ForCmd(mode, ids, find) : ForShell(endpoint, mode, ids, find);
        if (start is null)
            return null;
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        start.UseShellExecute = false;
        // On Windows this is also a console of its own, which Ctrl+C in ours does not reach.
        start.CreateNoWindow = true;
        SetEndpoint(start.Environment, endpoint);
        return start;
    }

    private static ProcessStartInfo? ForShell(DockerEndpoint endpoint, PauseMode mode, IReadOnlyList<string> ids, Func<string, string?> find)
    {
        string? docker = find("docker");
        string? curl = endpoint.Kind == DockerTransportKind.UnixSocket ? find("curl") : null;
        if (find("sh") is not { } shell || (docker ?? curl) is not { } tool)
            return null;
        string script = Wait + (docker is not null ? DockerAttempt : CurlAttempt) + Resume + (mode == PauseMode.Paused ? AllAtOnce : InOrder);
        string[] command =
        [
            shell, "-c", script, "dbbackup-guard", tool, Verb(mode), mode == PauseMode.Paused ? "paused" : "exited",
            endpoint.Kind == DockerTransportKind.UnixSocket ? endpoint.Address : string.Empty, .. ids,
        ];
        // A session of its own, where that can be had, is not reached by signals to our process group either.
        if (find("setsid") is { } session)
            command = [session, .. command];
        return new ProcessStartInfo(command[0], command[1..]) { WorkingDirectory = "/" };
    }

    private static ProcessStartInfo? ForCmd(PauseMode mode, IReadOnlyList<string> ids, Func<string, string?> find)
    {
        if (find("cmd") is not { } shell || find("docker") is null)
            return null;
        // The ids are hexadecimal, so nothing needs quotes. docker is called by its name, since a path may hold signs that cmd takes for its own.
        string script = $"set word=& set /p word=& if not \"!word!\"==\"{Done}\" for %i in ({string.Join(' ', ids)}) do docker {Verb(mode)} %i";
        return new ProcessStartInfo(shell) { Arguments = $"/d /v:on /s /c \"{script}\"", WorkingDirectory = Environment.SystemDirectory };
    }

    private static string Verb(PauseMode mode) => mode == PauseMode.Paused ? "unpause" : "start";

    // What is said of the engine in the environment now may be of another one.
    private static void SetEndpoint(IDictionary<string, string?> environment, DockerEndpoint endpoint)
    {
        foreach ((string name, string? value) in DockerEnvironment.For(endpoint))
        {
            if (value is null)
                environment.Remove(name);
            else
                environment[name] = value;
        }
    }
}
