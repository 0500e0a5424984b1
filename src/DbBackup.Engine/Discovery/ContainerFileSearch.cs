using System.Globalization;
using DbBackup.Engine.Docker.Api;

namespace DbBackup.Engine.Discovery;

/// <summary>Looks for SQLite databases in a running container, with the programs that are there: a shell, find, head and stat of any make.</summary>
internal static class ContainerFileSearch
{
    private const string NoMore = "limit";

    // Of each file the first bytes, which are text, and the one that tells the journal's mode: a shell's variable holds no zero byte.
    // Not all have "stat -c"; then the size is left out.
    private const string LookAtEach = """
        root=$1 most=$2; shift 2
        find "$root" "$@" 2>/dev/null | {
          n=0
          while IFS= read -r f; do
            n=$((n+1))
            if [ $n -gt $most ]; then echo limit; break; fi
            [ "$(head -c 15 "$f" 2>/dev/null)" = 'SQLite format 3' ] || continue
            w=$(head -c 19 "$f" | tail -c 1)
            if [ "$w" = "$(printf '\002')" ]; then m=wal; else m=rollback; fi
            s=$(stat -c %s "$f" 2>/dev/null)
            l=$(stat -c %s "$f-wal" 2>/dev/null)
            echo "$m ${s:--} ${l:-0} $f"
          done
          :
        }
        """;

    /// <summary>What is below a path of the container.</summary>
    /// <param name="host">The container; it runs.</param>
    /// <param name="root">The folder or file.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <returns>Null where the container has not the programs for it.</returns>
    public static async Task<Result?> FindAsync(ContainerHost host, string root, CancellationToken cancellationToken)
    {
        string[] prune = [.. Prune(SearchLimits.PassedOver.Select(name => new[] { "-name", name }))];
        string depth = SearchLimits.Depth.ToString(CultureInfo.InvariantCulture);
        (int exitCode, string marks, _) = await host.CaptureAsync(
            "find", [root, "-xdev", "-maxdepth", depth, .. prune, "-type", "f", "-name", SearchLimits.PostgreSqlMark, "-print"], cancellationToken).ConfigureAwait(false);
        // It fails too where a folder may not be read; then the marks of the others are there all the same.
        if (exitCode is ContainerProgram.NotFoundExitCode or ContainerProgram.NotExecutableExitCode)
            return null;
        string[] servers = [.. Lines(marks).Select(mark => mark[..mark.LastIndexOf('/')]).Where(folder => folder.Length > 0).Order(StringComparer.Ordinal)];
        // Each database of a server has a mark of its own below that of the server.
        string[] outermost = [.. servers.Where(folder => !servers.Any(other => other != folder && folder.StartsWith(other + "/", StringComparison.Ordinal)))];
        string[] pruneServers = [.. Prune(outermost.Select(folder => new[] { "-path", EscapePattern(folder) }))];
        (exitCode, string output, _) = await host.CaptureAsync(
            "sh",
            [
                "-c", LookAtEach, "sh", root, SearchLimits.Files.ToString(CultureInfo.InvariantCulture), "-xdev", "-maxdepth", depth, .. prune, .. pruneServers,
                "-type", "f", "-size", $"+{SearchLimits.SmallestDatabase - 1}c", "-print",
            ],
            cancellationToken).ConfigureAwait(false);
        if (exitCode != 0)
            return null;
        string[] lines = Lines(output);
        return new Result([.. lines.Select(line => Parse(line, root)).OfType<FoundDatabaseFile>()], outermost.Any(folder => SearchLimits.IsServerData(folder[root.TrimEnd('/').Length..])), lines.Contains(NoMore));
    }

    /// <summary>Reads a line that the script printed; null for another one.</summary>
    internal static FoundDatabaseFile? Parse(string line, string root)
    {
        string[] parts = line.Split(' ', 4);
        if (parts is not [var mode, var size, var log, var path] || !path.StartsWith(root, StringComparison.Ordinal))
            return null;
        long? bytes = long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out long file) ? file : null;
        if (bytes is not null && long.TryParse(log, NumberStyles.None, CultureInfo.InvariantCulture, out long logBytes))
            bytes += logBytes;
        string relative = path[root.TrimEnd('/').Length..];
        return new FoundDatabaseFile(relative, mode == "wal", bytes);
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static IEnumerable<string> Prune(IEnumerable<string[]> tests) => tests.SelectMany(test => (string[])[.. test, "-prune", "-o"]);

    private static string EscapePattern(string path) => string.Concat(path.Select(sign => sign is '*' or '?' or '[' or ']' or '\\' ? $"\\{sign}" : sign.ToString()));

    /// <summary>What was found.</summary>
    /// <param name="Files">The databases.</param>
    /// <param name="HoldsPostgreSql">True if the whole belongs to a PostgreSQL server.</param>
    /// <param name="ReachedLimit">True if the search ended before all files were seen.</param>
    internal sealed record Result(IReadOnlyList<FoundDatabaseFile> Files, bool HoldsPostgreSql, bool ReachedLimit);
}
