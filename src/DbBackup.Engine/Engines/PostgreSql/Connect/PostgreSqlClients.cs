using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.PostgreSql.Connect;

/// <summary>An installation of PostgreSQL's client programs.</summary>
/// <param name="Folder">The folder of the programs; empty in another place, where they are found by name.</param>
/// <param name="Version">Their version, as in <c>15.18</c>.</param>
/// <param name="Major">The major version, as in 15.</param>
/// <param name="Place">Another place than this machine; null for this one.</param>
internal sealed record PostgreSqlClient(string Folder, string Version, int Major, IProgramHost? Place = null)
{
    /// <summary>The words for where they are.</summary>
    public string Where => Place?.Description ?? $"'{Folder}'";

    /// <summary>Starts one of the programs; see <see cref="ToolProcess.Start"/>.</summary>
    public Task<ToolProcess> StartAsync(
        string tool, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?> environment, ToolUse use, CancellationToken cancellationToken) => Place is null
        ? Task.FromResult(ToolProcess.Start(Path.Combine(Folder, OperatingSystem.IsWindows() ? tool + ".exe" : tool), arguments, environment, use))
        : Place.StartAsync(tool, arguments, environment, use, cancellationToken);
}

/// <summary>Finds PostgreSQL's client programs: on PATH, in the version folders of distributions, below Program Files.</summary>
internal static partial class PostgreSqlClients
{
    // Since 17, pg_dump and pg_restore write SET transaction_timeout, which older servers refuse:
    // https://www.postgresql.org/docs/17/release-17.html
    internal const int FirstWithTransactionTimeout = 17;

    private static readonly ConcurrentDictionary<string, string?> Versions = new(StringComparer.Ordinal);

    // To start a program in another place takes a tenth of a second, and one backup asks several times.
    private static readonly ConditionalWeakTable<IProgramHost, ConcurrentDictionary<string, PostgreSqlClient>> InPlace = [];

    /// <summary>
    /// The client for a server: never older than the server (it refuses). The one of the server's own version knows what is not to be dumped:
    /// PostgreSQL 17.12 marks columns with an option of its own (<c>pg_attver</c>), which pg_dump 18.6 writes and servers of 18 refuse. Else
    /// the newest whose dumps that same server takes back; where there is none, the newest of all.
    /// </summary>
    /// <exception cref="BackupException">There is none, or all are older.</exception>
    public static async Task<PostgreSqlClient> ForAsync(PostgreSqlSession session, string tool, CancellationToken cancellationToken)
    {
        if (session.Server.Route is not { } route)
            return Choose(Installed(tool), session.ServerMajor, session.ServerVersion, tool);
        await route.FindToolHostAsync(session, cancellationToken).ConfigureAwait(false);
        return Choose([await InPlaceAsync(route.Tunnel, tool, session.ServerMajor, cancellationToken).ConfigureAwait(false)], session.ServerMajor, session.ServerVersion, tool);
    }

    /// <summary>The client that reads an archive of a given client and writes to a given server.</summary>
    /// <param name="route">The way to the server, where its programs are used; null for those of this machine.</param>
    /// <param name="serverMajor">The server; null where none is involved.</param>
    /// <param name="archiveMajor">The pg_dump that wrote the archive; null where it is not known.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <exception cref="BackupException">There is none that can read it.</exception>
    public static async Task<PostgreSqlClient> ForArchiveAsync(TunnelledServer? route, int? serverMajor, int? archiveMajor, CancellationToken cancellationToken)
    {
        const string Tool = "pg_restore";
        List<PostgreSqlClient> installed = route is null ? Installed(Tool) : [await InPlaceAsync(route.Tunnel, Tool, serverMajor ?? 15, cancellationToken).ConfigureAwait(false)];
        List<PostgreSqlClient> able = [.. installed.Where(client => client.Major >= (archiveMajor ?? 0) && client.Major >= (serverMajor ?? 0))];
        if (able.Count == 0 && serverMajor is not null)
            able = [.. installed.Where(client => client.Major >= (archiveMajor ?? 0))];
        if (able.Count > 0)
            return able.Find(client => serverMajor is null || WritesFor(client.Major, serverMajor.Value)) ?? able[0];
        throw installed.Count == 0 ? Missing(Tool, archiveMajor ?? serverMajor ?? 15) : new BackupFailure(
            ErrorCodes.ClientTooOld,
            FailureCategory.MissingTool,
            $"The archive was written by pg_dump {archiveMajor}, which the newest pg_restore here ({installed[0].Version}, in {installed[0].Where}) cannot read.",
            InstallHint(archiveMajor ?? serverMajor ?? 15));
    }

    /// <summary>The oldest server major that takes what a client dumped from a server.</summary>
    public static int OldestServer(int clientMajor, int serverMajor) =>
        Math.Max(serverMajor, clientMajor >= FirstWithTransactionTimeout ? FirstWithTransactionTimeout : 0);

    internal static PostgreSqlClient Choose(IReadOnlyList<PostgreSqlClient> installed, int serverMajor, string serverVersion, string tool)
    {
        List<PostgreSqlClient> able = [.. installed.Where(client => client.Major >= serverMajor).OrderByDescending(client => client.Major)];
        if (able.Count > 0)
            return able.Find(client => client.Major == serverMajor) ?? able.Find(client => WritesFor(client.Major, serverMajor)) ?? able[0];
        throw installed.Count == 0 ? Missing(tool, serverMajor) : new BackupFailure(
            ErrorCodes.ClientTooOld,
            FailureCategory.MissingTool,
            $"The server is PostgreSQL {serverVersion}, but the newest {tool} here is {installed.MaxBy(client => client.Major)!.Version} (in {installed.MaxBy(client => client.Major)!.Where}); it cannot read a newer server.",
            InstallHint(serverMajor));
    }

    internal static IEnumerable<string> CandidateFolders(bool windows, bool mac, Func<string, string?> variable, Func<string, IEnumerable<string>> subfolders)
    {
        foreach (string folder in (variable("PATH") ?? string.Empty).Split(windows ? ';' : ':', StringSplitOptions.RemoveEmptyEntries))
            yield return folder;
        if (windows)
        {
            foreach (string root in new[] { variable("ProgramW6432"), variable("ProgramFiles"), variable("ProgramFiles(x86)") }.OfType<string>().Distinct(StringComparer.OrdinalIgnoreCase))
            {
                foreach (string version in subfolders(root + @"\PostgreSQL"))
                    yield return version + @"\bin";
            }

            yield break;
        }

        // Debian and Ubuntu; Red Hat and SUSE as packaged by PostgreSQL; SUSE's own; the source's default.
        foreach (string version in subfolders("/usr/lib/postgresql"))
            yield return version + "/bin";
        foreach (string version in subfolders("/usr").Where(folder => Path.GetFileName(folder).StartsWith("pgsql-", StringComparison.Ordinal)))
            yield return version + "/bin";
        foreach (string version in subfolders("/usr/lib").Where(folder => PackagedFolder().IsMatch(Path.GetFileName(folder))))
            yield return version + "/bin";
        yield return "/usr/local/pgsql/bin";
        if (!mac)
            yield break;
        foreach (string root in (string[])["/opt/homebrew/opt", "/usr/local/opt"])
        {
            foreach (string keg in subfolders(root).Where(folder => Path.GetFileName(folder) is var name && (name.StartsWith("postgresql", StringComparison.Ordinal) || name == "libpq")))
                yield return keg + "/bin";
        }

        foreach (string version in subfolders("/Applications/Postgres.app/Contents/Versions"))
            yield return version + "/bin";
    }

    internal static string? ParseVersion(string line) => VersionNumber().Match(line) is { Success: true } match ? match.Groups[1].Value : null;

    private static bool WritesFor(int clientMajor, int serverMajor) => OldestServer(clientMajor, serverMajor) <= serverMajor;

    private static async Task<PostgreSqlClient> InPlaceAsync(IProgramHost place, string tool, int major, CancellationToken cancellationToken)
    {
        ConcurrentDictionary<string, PostgreSqlClient> known = InPlace.GetOrCreateValue(place);
        if (known.TryGetValue(tool, out PostgreSqlClient? found))
            return found;
        try
        {
            using ToolProcess process = await place.StartAsync(tool, ["--version"], new Dictionary<string, string?>(), ToolUse.Ask, cancellationToken).ConfigureAwait(false);
            using var reader = new StreamReader(process.Output);
            string line = await reader.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
            if (await process.WaitAsync(cancellationToken).ConfigureAwait(false) == 0 && ParseVersion(line) is { } version)
                return known[tool] = new PostgreSqlClient(string.Empty, version, int.Parse(version.Split('.')[0], CultureInfo.InvariantCulture), place);
        }
        catch (BackupFailure failure) when (failure.Code == ErrorCodes.DockerFailed)
        {
            // The engine has its own words for a program that is not there.
        }

        throw new BackupFailure(
            ErrorCodes.ToolMissing,
            FailureCategory.MissingTool,
            $"The {place.Description} has no {tool}.",
            $"Use an image with PostgreSQL's client programs (the official postgres images have them), or publish the server's port and name it with -HostName: then the programs of version {major} of this machine are used.")
        { Target = place.Description };
    }

    private static List<PostgreSqlClient> Installed(string tool)
    {
        string file = OperatingSystem.IsWindows() ? tool + ".exe" : tool;
        var found = new List<PostgreSqlClient>();
        foreach (string folder in CandidateFolders(OperatingSystem.IsWindows(), OperatingSystem.IsMacOS(), Environment.GetEnvironmentVariable, Subfolders)
            .Distinct(StringComparer.Ordinal))
        {
            string program = Path.Combine(folder, file);
            if (!File.Exists(program))
                continue;
            // Distributions put a wrapper on PATH that starts one of the versions below; it answers with the version that it would start.
            string? version = Versions.GetOrAdd(program, static path => ParseVersion(ExternalTool.FirstLine(path, ["--version"])));
            if (version is not null)
                found.Add(new PostgreSqlClient(folder, version, int.Parse(version.Split('.')[0], CultureInfo.InvariantCulture)));
        }

        // Of the same version, the one in a version's own folder: the wrapper on PATH may choose differently next time.
        return [.. found.OrderByDescending(client => client.Major).ThenByDescending(client => client.Folder.Contains("postgresql", StringComparison.OrdinalIgnoreCase))];
    }

    private static IEnumerable<string> Subfolders(string folder)
    {
        try
        {
            return Directory.Exists(folder) ? Directory.GetDirectories(folder) : [];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static BackupFailure Missing(string tool, int major) => new(
        ErrorCodes.ToolMissing,
        FailureCategory.MissingTool,
        $"{tool} is not installed: it was looked for on PATH and in the usual folders of PostgreSQL.",
        InstallHint(major));

    private static string InstallHint(int major) => OperatingSystem.IsWindows()
        ? $"Install the command line tools of PostgreSQL {major} or newer (winget install PostgreSQL.PostgreSQL.{major}), or add their folder to PATH."
        : OperatingSystem.IsMacOS()
            ? $"Install the client of PostgreSQL {major} or newer (brew install postgresql@{major}), or add its folder to PATH."
            : $"Install the client of PostgreSQL {major} or newer (apt install postgresql-client-{major}, dnf install postgresql{major}; from postgresql.org's own repository where the distribution has no such version), or add its folder to PATH.";

    [GeneratedRegex(@"\(PostgreSQL\)\s+(\d+(?:\.\d+)*)", RegexOptions.CultureInvariant)]
    private static partial Regex VersionNumber();

    [GeneratedRegex(@"^postgresql\d+$", RegexOptions.CultureInvariant)]
    private static partial Regex PackagedFolder();
}
