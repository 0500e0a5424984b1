using System.Globalization;
using System.Security.Cryptography;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Docker.Api;

/// <summary>A container as a place where programs run.</summary>
/// <param name="client">The engine.</param>
/// <param name="container">The container, as it was when it was looked for.</param>
/// <param name="shell">What several hosts of the same container know of its shell; null for a host of its own.</param>
internal sealed class ContainerHost(DockerClient client, ContainerInspect container, ContainerShell? shell = null) : IProgramHost
{
    // The engine does not end a program whose caller has gone: it would go on, with its locks, until it is done. So a guard beside it waits for
    // the end of the input, which comes when the connection goes, however the caller died. Background jobs have no input of their own unless
    // told so (POSIX, "Asynchronous Lists").
    //
    // Every child is waited for. One that is left behind becomes a child of the container's first process, and where that is a PostgreSQL server
    // it takes a stranger that a signal ended for a crashed session of its own: it ends all sessions and recovers (CleanupBackend in postmaster.c).
    private const string Guarded = """
        exec 3<&0
        "$@" </dev/null 3<&- &
        p=$!
        (while read -r _ <&3; do :; done; kill -TERM $p) >/dev/null 2>&1 &
        g=$!
        exec 3<&-
        wait $p
        e=$?
        kill $g 2>/dev/null
        wait $g 2>/dev/null
        exit $e
        """;

    // A program may need less than it is given (a listing ends with the table of contents). What it leaves must be read all the same: with nobody
    // behind its end of the pipe, the engine waits for a minute or more before it says that the program has ended, nor does it tell the end of the
    // output before. So the script says on standard error that what comes is wanted by nobody.
    private const string Fed = """
        m=$1
        shift
        "$@"
        e=$?
        echo "$m" >&2
        exec >&- 2>&-
        cat >/dev/null 2>&1
        exit $e
        """;

    // Before the program starts: a pipe that this machine can open as well (see ContainerPipe), if it says so. Opened for both directions a pipe
    // waits for nobody, and its name is gone at once.
    private const string OfferingPipe = """
        for d in /dev/shm /tmp; do
            f=$(mktemp -u "$d/XXXXXXXX" 2>/dev/null) && mkfifo -m 600 "$f" 2>/dev/null || continue
            (exec 4<>"$f") 2>/dev/null && exec 4<>"$f"
            rm -f "$f"
            break
        done
        [ -p /proc/self/fd/4 ] && echo pipe || echo none
        read -r way || exit 1
        [ "$way" = pipe ] && exec >/proc/self/fd/4
        exec 4>&-
        shift

        """;
    private readonly ContainerShell _shell = shell ?? new();

    /// <summary>The engine.</summary>
    public DockerClient Client => client;

    /// <summary>The container.</summary>
    public ContainerInspect Container => container;

    public string Description => $"container '{container.ShortName}'";

    public async Task<ToolProcess> StartAsync(
        string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?> environment, ToolUse use, CancellationToken cancellationToken) =>
        await BeginAsync(program, arguments, environment, use, cancellationToken).ConfigureAwait(false);

    /// <summary>Starts a program; see <see cref="StartAsync"/>.</summary>
    public async Task<ContainerProgram> BeginAsync(
        string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?> environment, ToolUse use, CancellationToken cancellationToken)
    {
        bool hasShell = _shell.IsThere ??= await RunsAsync("sh", ["-c", "exit 0"], cancellationToken).ConfigureAwait(false);
        List<string> command = [program, .. arguments];
        bool isFed = use == ToolUse.Feed;
        bool isOffered = hasShell && use == ToolUse.Stream && await client.IsSameKernelAsync(cancellationToken).ConfigureAwait(false);
        // A text that no other process has among its arguments, and no program writes.
        string mark = RandomNumberGenerator.GetHexString(32, lowercase: true);
        if (hasShell)
            command = ["sh", "-c", Unset(environment) + (isFed ? Fed : isOffered ? OfferingPipe + Guarded : Guarded), "sh", .. isFed || isOffered ? (string[])[mark] : [], .. command];
        string[] variables = [.. environment.Where(entry => entry.Value is not null).Select(entry => $"{entry.Key}={entry.Value}"), "LC_MESSAGES=C"];
        ExecConnection exec = await client.ExecAsync(container.Id, command, variables, isFed || hasShell, endsWithReset: isFed, cancellationToken).ConfigureAwait(false);
        var started = new ContainerProgram(program, container.ShortName, exec, isFed ? mark : null);
        if (isOffered)
            await started.TakePipeAsync(mark, cancellationToken).ConfigureAwait(false);
        return started;
    }

    /// <summary>True if a program can be run there.</summary>
    public async Task<bool> RunsAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        try
        {
            using ExecConnection exec = await client.ExecAsync(container.Id, [program, .. arguments], [], feed: false, endsWithReset: false, cancellationToken).ConfigureAwait(false);
            using var run = new ContainerProgram(program, container.ShortName, exec);
            return await run.WaitAsync(cancellationToken).ConfigureAwait(false) == 0;
        }
        catch (BackupFailure failure) when (IsMissingProgram(failure))
        {
            return false;
        }
    }

    /// <summary>Runs a program to its end.</summary>
    /// <returns>Its exit code, and all that it wrote.</returns>
    public async Task<(int ExitCode, string Output, string Errors)> CaptureAsync(
        string program, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        try
        {
            using ToolProcess tool = await StartAsync(program, arguments, new Dictionary<string, string?>(), ToolUse.Ask, cancellationToken).ConfigureAwait(false);
            using var reader = new StreamReader(tool.Output);
            string output = await reader.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
            return (await tool.WaitAsync(cancellationToken).ConfigureAwait(false), output, tool.Errors);
        }
        catch (BackupFailure failure) when (IsMissingProgram(failure))
        {
            return (ContainerProgram.NotFoundExitCode, string.Empty, failure.Message);
        }
    }

    public async Task<PlacedCopy> PlaceAsync(string path, CancellationToken cancellationToken)
    {
        bool folder = Directory.Exists(path);
        // Shared memory is writable in a read-only container too, but small.
        string make = folder
            ? "d=$(mktemp -d) && tar -C \"$d\" -xf - && echo \"$d\""
            : "d=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) && cat > \"$d/list\" && echo \"$d\"";
        using ToolProcess tool = await StartAsync("sh", ["-c", make], new Dictionary<string, string?>(), ToolUse.Feed, cancellationToken).ConfigureAwait(false);
        try
        {
            if (folder)
            {
                await System.Formats.Tar.TarFile.CreateFromDirectoryAsync(path, tool.Input, includeBaseDirectory: false, cancellationToken).ConfigureAwait(false);
            }
            else
            {
                using FileStream file = File.OpenRead(path);
                await file.CopyToAsync(tool.Input, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (IOException) when (!cancellationToken.IsCancellationRequested)
        {
            // It has gone; its own words follow.
        }

        await tool.Input.DisposeAsync().ConfigureAwait(false);
        using var reader = new StreamReader(tool.Output);
        string place = (await reader.ReadToEndAsync(cancellationToken).ConfigureAwait(false)).Trim();
        int exitCode = await tool.WaitAsync(cancellationToken).ConfigureAwait(false);
        if (exitCode != 0 || place.Length == 0)
        {
            throw new BackupFailure(
                ErrorCodes.WriteFailed,
                FailureCategory.WriteError,
                string.Create(CultureInfo.InvariantCulture, $"A temporary copy could not be made in the {Description} (exit code {exitCode}): {tool.Errors}"),
                "Its /tmp (or /dev/shm) must be writable and have room; a tmpfs mount at /tmp gives it both.")
            { Target = container.ShortName };
        }

        return new PlacedCopy(folder ? place : place + "/list", async () => await CaptureAsync("rm", ["-rf", "--", place], CancellationToken.None).ConfigureAwait(false));
    }

    /// <summary>True if a failure says that there is no such program in the container.</summary>
    public static bool IsMissingProgram(BackupFailure failure) => failure.Code == ErrorCodes.DockerFailed
        && (failure.Message.Contains("executable file not found", StringComparison.Ordinal) || failure.Message.Contains("no such file or directory", StringComparison.Ordinal)
            || failure.Message.Contains("OCI runtime exec failed", StringComparison.Ordinal));

    // A variable of the container's own cannot be taken away from outside, only inside.
    private string Unset(IReadOnlyDictionary<string, string?> environment)
    {
        string[] names = [.. environment.Where(entry => entry.Value is null && container.Variable(entry.Key) is not null).Select(entry => entry.Key)];
        return names.Length == 0 ? string.Empty : $"unset {string.Join(' ', names)}; ";
    }
}

/// <summary>True if a container has a shell: it does not change, and to find out costs the start of a program.</summary>
internal sealed class ContainerShell
{
    /// <summary>True if it has one; null if that is not known yet.</summary>
    public bool? IsThere { get; set; }
}
