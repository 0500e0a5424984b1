using System.Diagnostics;

namespace DbBackup.Testing;

/// <summary>
/// The parent of a test server: a shell that starts and ends it on command, and that ends it and removes its folder when
/// the other end of its standard input is gone. That end closes with this process however it dies, a kill -9 included.
/// (A death signal from prctl would not do: it is sent when the thread that started the child ends, not the process.)
/// </summary>
internal sealed class PostgreSqlKeeper : IDisposable
{
    // postgres is told to end with the signals of its manual: TERM smart, INT fast, QUIT immediate. With KILL all of its
    // processes are killed, as if the machine had lost its power; a killed parent's children would otherwise linger.
    private const string Script = """
        folder=$1 bin=$2
        server=
        end() {
            [ -n "$server" ] || return 0
            others=
            [ "$1" = KILL ] && others=$(pgrep -P "$server")
            kill "-$1" $server $others 2>/dev/null
            wait "$server"
            for other in $others; do
                while kill -0 "$other" 2>/dev/null && ! grep -qs '^State:.Z' "/proc/$other/status"; do sleep 0.02; done
            done
            server=
        }
        while read -r command; do
            case $command in
            start) end INT; LC_ALL=C "$bin/postgres" -D "$folder/data" >>"$folder/log" 2>&1 </dev/null & server=$! ;;
            *) end "$command" ;;
            esac
            echo done
        done
        end QUIT
        cd / && exec rm -rf -- "$folder"
        """;

    private readonly Process _shell;

    private PostgreSqlKeeper(Process shell) => _shell = shell;

    public static PostgreSqlKeeper Start(string folder, PostgreSqlPrograms programs, UnprivilegedUser user)
    {
        // A session of its own: Ctrl+C at the test run's terminal is not for it.
        string[] session = File.Exists("/usr/bin/setsid") ? ["/usr/bin/setsid"] : [];
        ProcessStartInfo start = user.Command([.. session, "/bin/sh", "-c", Script, "keeper", folder, programs.Folder]);
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        Process shell = Process.Start(start)!;
        shell.ErrorDataReceived += (_, _) => { };
        shell.BeginErrorReadLine();
        return new PostgreSqlKeeper(shell);
    }

    /// <summary>Starts the server; one that runs is stopped first.</summary>
    public void StartServer() => Tell("start");

    /// <summary>Ends the server with a signal (TERM, INT, QUIT, KILL), and waits until it is gone.</summary>
    public void End(string signal) => Tell(signal);

    /// <summary>Ends the server, removes its folder.</summary>
    public void Dispose()
    {
        _shell.StandardInput.Close();
        if (!_shell.WaitForExit(TimeSpan.FromSeconds(30)))
            _shell.Kill();
        _shell.Dispose();
    }

    private void Tell(string command)
    {
        _shell.StandardInput.WriteLine(command);
        _shell.StandardInput.Flush();
        string? answer = _shell.StandardOutput.ReadLine();
        Assert.True(answer == "done", $"The keeper of the test server is gone: {answer}");
    }
}
