using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Docker.Files;

/// <summary>
/// Snapshots of SQLite databases in a container whose application keeps running, taken there by SQLite itself: only there its locks are seen.
/// </summary>
internal sealed class ContainerSqlite
{
    private const int NoRoom = 3;

    // SQLite's words for a file in which it finds no way.
    private static readonly string[] s_ofContent = ["malformed", "is not a database", "unsupported file format"];

    // Python's own module has the backup API, and needs neither a shell nor sqlite3 in the image.
    private const string PythonFind = """
        import os, sys
        def look(path):
            try:
                if not os.path.islink(path) and os.path.isfile(path) and os.path.getsize(path) >= 512:
                    with open(path, 'rb') as file:
                        if file.read(16) == b'SQLite format 3\0':
                            sys.stdout.buffer.write(os.fsencode(path) + b'\0')
            except OSError:
                pass
        root = sys.argv[1]
        look(root)
        for folder, _, names in os.walk(root):
            for name in names:
                look(os.path.join(folder, name))
        """;

    private const string PythonCopy = """
        import os, shutil, signal, sqlite3, sys, tempfile, urllib.parse
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        path, seconds = sys.argv[1], float(sys.argv[2])
        need = sum(os.path.getsize(path + end) for end in ('', '-wal') if os.path.exists(path + end))
        for place in (tempfile.gettempdir(), '/dev/shm'):
            try:
                free = shutil.disk_usage(place).free
                folder = tempfile.mkdtemp(dir=place) if free > need else None
            except OSError:
                folder = None
            if folder:
                break
        else:
            print(f'{need} bytes are needed for a temporary copy, and neither {tempfile.gettempdir()} nor /dev/shm has them.', file=sys.stderr)
            sys.exit(3)
        try:
            source = sqlite3.connect('file:' + urllib.parse.quote(path) + '?mode=ro', uri=True, timeout=seconds, isolation_level=None)
            source.execute('BEGIN')
            source.execute('SELECT count(*) FROM sqlite_master').fetchone()
            copy = sqlite3.connect(os.path.join(folder, 'copy'))
            source.backup(copy)
            copy.close()
            source.close()
            with open(os.path.join(folder, 'copy'), 'rb') as file:
                shutil.copyfileobj(file, sys.stdout.buffer, 1 << 20)
            sys.stdout.buffer.flush()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        """;

    private const string ShellFind = """
        find "$1" -type f -size +511c -exec sh -c 'for f do [ "$(head -c 15 "$f" 2>/dev/null | tr -d "\000")" = "SQLite format 3" ] && printf "%s\000" "$f"; done; :' sh {} +
        """;

    private const string ShellCopy = """
        need=$(( ($(cat "$1" "$1-wal" 2>/dev/null | wc -c) + 1023) / 1024 ))
        d=
        for place in "${TMPDIR:-/tmp}" /dev/shm; do
          d=$(mktemp -d "$place/dbbackup.XXXXXX" 2>/dev/null) || { d=; continue; }
          set -- "$1" "$2" $(df -Pk "$d" | tail -n 1)
          [ "$6" -gt "$need" ] && break
          rmdir "$d"; d=
        done
        [ -n "$d" ] || { echo "$need KiB are needed for a temporary copy, and neither ${TMPDIR:-/tmp} nor /dev/shm has them." >&2; exit 3; }
        trap 'rm -rf "$d"' EXIT
        trap 'exit 143' TERM INT HUP
        sqlite3 -batch -bail -readonly "$1" ".timeout $2" "BEGIN; SELECT count(*) FROM sqlite_master;" ".backup '$d/copy'" >&2 || exit 1
        cat "$d/copy"
        """;

    private readonly ContainerHost _host;
    private readonly bool _python;

    private ContainerSqlite(ContainerHost host, bool python)
    {
        _host = host;
        _python = python;
    }

    /// <summary>Looks for a program in the container that can take snapshots; null where there is none.</summary>
    public static async Task<ContainerSqlite?> FindToolAsync(ContainerHost host, CancellationToken cancellationToken)
    {
        if (await host.RunsAsync("python3", ["-c", "import sqlite3; sqlite3.Connection.backup"], cancellationToken).ConfigureAwait(false))
            return new ContainerSqlite(host, python: true);
        return await host.RunsAsync("sh", ["-c", "command -v sqlite3 && command -v mktemp && command -v find"], cancellationToken).ConfigureAwait(false)
            ? new ContainerSqlite(host, python: false) : null;
    }

    /// <summary>The databases below a path, by their absolute paths.</summary>
    public async Task<IReadOnlyList<string>> FindAsync(string path, CancellationToken cancellationToken)
    {
        (int exitCode, string output, string errors) = _python
            ? await _host.CaptureAsync("python3", ["-c", PythonFind, path], cancellationToken).ConfigureAwait(false)
            : await _host.CaptureAsync("sh", ["-c", ShellFind, "sh", path], cancellationToken).ConfigureAwait(false);
        if (exitCode != 0 && output.Length == 0)
            throw Failed($"The files in '{path}' could not be looked through", exitCode, errors);
        return [.. output.Split('\0', StringSplitOptions.RemoveEmptyEntries)];
    }

    /// <summary>Takes a snapshot of one, and brings it here.</summary>
    /// <param name="path">Its path in the container.</param>
    /// <param name="copy">The file to be made here.</param>
    /// <param name="lockTimeout">How long to wait for a lock.</param>
    /// <param name="cancellationToken">Stops it, and removes what was made in the container.</param>
    public async Task CopyAsync(string path, string copy, TimeSpan lockTimeout, CancellationToken cancellationToken)
    {
        double limit = _python ? lockTimeout.TotalSeconds : lockTimeout.TotalMilliseconds;
        string timeout = ((long)Math.Ceiling(limit)).ToString(System.Globalization.CultureInfo.InvariantCulture);
        (string program, string[] arguments) = _python ? ("python3", new[] { "-c", PythonCopy, path, timeout }) : ("sh", ["-c", ShellCopy, "sh", path, timeout]);
        using ToolProcess tool = await _host.StartAsync(program, arguments, new Dictionary<string, string?>(), ToolUse.Stream, cancellationToken).ConfigureAwait(false);
        using (FileStream target = new(copy, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1))
            await tool.Output.CopyToAsync(target, 1 << 18, cancellationToken).ConfigureAwait(false);
        int exitCode = await tool.WaitAsync(cancellationToken).ConfigureAwait(false);
        if (exitCode != 0)
            throw Failed($"'{path}' could not be copied", exitCode, tool.Errors);
    }

    private BackupFailure Failed(string what, int exitCode, string errors) => exitCode == NoRoom
        ? new BackupFailure(
            ErrorCodes.NotEnoughSpace, FailureCategory.NoSpace, $"{what} within the {_host.Description}: {errors.Trim()}",
            "Give the container's /tmp more room, or pause the application during the snapshot, which needs none there (-Consistency Pause).")
        { Target = _host.Container.ShortName }
        : s_ofContent.Any(words => errors.Contains(words, StringComparison.OrdinalIgnoreCase)) ? new BackupFailure(
            ErrorCodes.SourceCorrupt, FailureCategory.InvalidData, $"{what} within the {_host.Description}: {errors.Trim().Split('\n')[^1]}.",
            "Check it there with: sqlite3 DATABASE 'PRAGMA integrity_check'.")
        { Target = _host.Container.ShortName }
        : new BackupFailure(
            errors.Contains("locked", StringComparison.OrdinalIgnoreCase) ? ErrorCodes.SourceLocked : ErrorCodes.ToolFailed, FailureCategory.ReadError,
            FormattableString.Invariant($"{what} within the {_host.Description} (exit code {exitCode}): {errors.Trim()}"),
            "See the program's output above; -Consistency Pause needs no program in the container.")
        { Target = _host.Container.ShortName, CanRetry = true };
}
