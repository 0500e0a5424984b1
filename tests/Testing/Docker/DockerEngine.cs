using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;

namespace DbBackup.Testing;

/// <summary>
/// The machine's Docker engine for one test. All that the test makes has names that begin with <see cref="Prefix"/>, and what
/// has such a name is gone when the test is over, whoever made it: the test, a compose project, or the product under test.
/// </summary>
[SuppressMessage("Performance", "CA1822:Mark members as static", Justification = "Only who has passed Require may ask the engine.")]
internal sealed class DockerEngine : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    // In the container: a process that the engine starts takes twenty times as much of the processors.
    private const string AskedRepeatedly = "for i in $(seq 100); do pg_isready -q -h 127.0.0.1 && exit 0; sleep 0.05; done; exit 1";

    private static readonly Lazy<string?> WhyNot = new(FindObstacle);
    private static readonly Lazy<string[]> ComposeCommand = new(FindCompose);

    private readonly List<TempFolder> _folders = [];
    private int _names;

    private DockerEngine() => Prefix = DockerNames.NewPrefix();

    /// <summary>The beginning of this test's names.</summary>
    public string Prefix { get; }

    /// <summary>The engine; the test is skipped where none answers or the images are not there, and fails in CI or with DBBACKUP_TEST_DOCKER=1.</summary>
    public static DockerEngine Require()
    {
        string? obstacle = WhyNot.Value;
        if (Environment.GetEnvironmentVariable("DBBACKUP_TEST_DOCKER") == "1")
            Assert.True(obstacle is null, $"DBBACKUP_TEST_DOCKER=1 promises Docker and its images: {obstacle}");
        Testing.Require.That(obstacle is null, $"No Docker for tests: {obstacle}");
        return new DockerEngine();
    }

    /// <summary>A unique name.</summary>
    public string NewName(string what) => $"{Prefix}-{what}-{Interlocked.Increment(ref _names)}";

    /// <summary>Starts a container in the background under a name of this test.</summary>
    /// <param name="arguments">What comes after "docker run": options, the image, its command.</param>
    /// <returns>Its id.</returns>
    public string Run(params string[] arguments) => Docker(["run", "--detach", "--name", NewName("container"), .. arguments]);

    /// <summary>Starts a server that does not care for a power failure, and waits until it answers.</summary>
    /// <param name="image">One of those with PostgreSQL.</param>
    /// <param name="options">Further options of "docker run"; the superuser is postgres and their password "secret" unless they say otherwise.</param>
    /// <returns>Its id.</returns>
    public string RunPostgreSql(string image = DockerImages.PostgreSql, params string[] options)
    {
        string container = Run(["--env", "POSTGRES_PASSWORD=secret", "--env", "POSTGRES_INITDB_ARGS=--no-sync", .. options, image, "-c", "fsync=off"]);
        WaitUntilPostgreSqlAnswers(container);
        return container;
    }

    /// <summary>Runs a program in a container and gives its output; anything but exit code 0 fails the test.</summary>
    public string Exec(string container, params string[] command) => Docker(["exec", container, .. command]);

    /// <summary>Runs a program in a container, whatever comes of it.</summary>
    public (int ExitCode, string Output, string Errors) TryExec(string container, params string[] command) => Try("docker", ["exec", container, .. command]);

    /// <summary>Runs statements in a container's server; rows as lines, columns divided by "|".</summary>
    public string Query(string container, string sql, string database = "postgres", string user = "postgres") =>
        Exec(container, "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", user, "-d", database, "-c", sql);

    /// <summary>Makes an empty volume, and gives its name.</summary>
    public string CreateVolume(string what = "volume") => Docker("volume", "create", NewName(what));

    /// <summary>The lines that a container has printed on its standard output.</summary>
    public string[] Lines(string container) => Docker("logs", container).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>A property of a container, in the template language of "docker inspect".</summary>
    public string Inspect(string container, string template) => Docker("inspect", "--format", template, container);

    /// <summary>The address at which the host reaches a container; the engine's own networks allow that on Linux alone.</summary>
    public string Address(string container) => Inspect(container, "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}");

    /// <summary>Waits for the container's server; while the image makes its cluster the server listens on no address, so that one is not mistaken for it.</summary>
    public void WaitUntilPostgreSqlAnswers(string container) => WaitUntil(
        () => TryExec(container, "sh", "-c", AskedRepeatedly).ExitCode == 0, container, "PostgreSQL does not answer");

    /// <summary>Waits until a container has printed so many lines.</summary>
    public void WaitForLines(string container, int count) => WaitUntil(() => Lines(container).Length >= count, container, $"{count} lines are not printed");

    /// <summary>Makes a folder with a compose file; its name, and so the project's, begins with the prefix.</summary>
    public string CreateProject(string yaml, string what = "project")
    {
        var parent = new TempFolder();
        _folders.Add(parent);
        string folder = parent[NewName(what)];
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Join(folder, "docker-compose.yml"), yaml);
        return folder;
    }

    /// <summary>Runs compose, version 2 where it is installed and 1 otherwise, on a folder of <see cref="CreateProject"/>.</summary>
    public string Compose(string folder, params string[] arguments)
    {
        // The project is named after its folder. Under another name nobody would clean up after it.
        Assert.StartsWith(Prefix, Path.GetFileName(folder), StringComparison.Ordinal);
        string[] command = ComposeCommand.Value;
        return RunToEnd(command[0], [.. command[1..], "--project-directory", folder, "--file", Path.Join(folder, "docker-compose.yml"), .. arguments]);
    }

    /// <summary>The container of a project's service, running or not.</summary>
    /// <remarks>By its labels: compose itself would want the profiles, variables and files that the project was started with.</remarks>
    public string ComposeContainer(string folder, string service) => Docker(
        "ps", "-a", "-q", "--no-trunc", "--filter", "label=com.docker.compose.project=" + Path.GetFileName(folder), "--filter", "label=com.docker.compose.service=" + service, "--filter", "label=com.docker.compose.oneoff=False");

    /// <summary>Runs the docker program to its end and gives its output; anything but exit code 0 fails the test.</summary>
    public string Docker(params string[] arguments) => RunToEnd("docker", arguments);

    /// <summary>Removes the containers, volumes, networks and images with this test's names.</summary>
    public void Dispose()
    {
        try
        {
            Remove(name => name.Contains(Prefix, StringComparison.Ordinal));
        }
        finally
        {
            _folders.ForEach(folder => folder.Dispose());
        }
    }

    // As the product looks for it. A run that is about one of the two versions (DBBACKUP_TEST_COMPOSE) must not silently meet the other.
    private static string[] FindCompose()
    {
        string[] command = Try("docker", "compose", "version").ExitCode == 0 ? ["docker", "compose"] : ["docker-compose"];
        if (Environment.GetEnvironmentVariable("DBBACKUP_TEST_COMPOSE") is { Length: > 0 } wanted)
        {
            string version = RunToEnd(command[0], [.. command[1..], "version", "--short"]).TrimStart('v');
            Assert.True(version.StartsWith(wanted + ".", StringComparison.Ordinal), $"DBBACKUP_TEST_COMPOSE={wanted} asks for compose {wanted}, and {string.Join(' ', command)} is {version}.");
        }

        return command;
    }

    // Once a process: what killed test runs left, which would fill the disk in time.
    private static string? FindObstacle()
    {
        if (!OperatingSystem.IsLinux())
            return "the images are made on Linux.";
        string root = typeof(DockerEngine).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == "RepositoryRoot").Value!;
        (int exitCode, _, string errors) = Try("bash", Path.Join(root, "tests", "docker", "build-images.sh"), "--check");
        if (exitCode != 0)
            return errors;
        Remove(DockerNames.IsLeftover);
        return null;
    }

    private static void Remove(Func<string, bool> chosen)
    {
        // A container that is starting, or that another process is removing, can refuse at first.
        string refused = string.Empty;
        for (int attempt = 0; attempt < 10; attempt++, Thread.Sleep(500))
        {
            string[] unnamed = UnnamedVolumes(chosen);
            refused = RemoveListed(chosen, ["ps", "--all", "--no-trunc", "--format", "{{.Names}},{{.Mounts}}"], "rm", "--force", "--volumes")
                + RemoveListed(chosen, ["volume", "ls", "--format", "{{.Name}}"], "volume", "rm", "--force")
                + RemoveListed(chosen, ["network", "ls", "--format", "{{.Name}}"], "network", "rm")
                + RemoveListed(chosen, ["images", "--format", "{{.Repository}}:{{.Tag}}"], "rmi", "--force");
            if (unnamed.Length > 0)
                Try("docker", ["volume", "rm", "--force", .. unnamed]);
            if (refused.Length == 0)
                return;
        }

        Assert.Fail($"The tests' containers, volumes, networks or images cannot be removed: {refused}");
    }

    // A container that was recreated has its predecessor's volume without a name under the name that the engine gave it: "rm --volumes" leaves it.
    private static string[] UnnamedVolumes(Func<string, bool> chosen) =>
    [
        .. RunToEnd("docker", ["ps", "--all", "--no-trunc", "--format", "{{.Names}},{{.Mounts}}"]).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(',')).Where(line => line.Any(chosen)).SelectMany(line => line[1..])
            .Where(name => name.Length == 64 && name.All(char.IsAsciiHexDigitLower)).Distinct(),
    ];

    private static string RemoveListed(Func<string, bool> chosen, string[] list, params string[] remove)
    {
        // A container that the product has made has another name, but it mounts a volume of the test.
        string[] names =
        [
            .. RunToEnd("docker", list).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(',')).Where(line => line.Any(chosen)).Select(line => line[0]),
        ];
        if (names.Length == 0)
            return string.Empty;
        (int exitCode, _, string errors) = Try("docker", [.. remove, .. names]);
        return exitCode == 0 ? string.Empty : errors;
    }

    private void WaitUntil(Func<bool> condition, string container, string otherwise)
    {
        for (var limit = Stopwatch.StartNew(); !condition(); Thread.Sleep(50))
        {
            if (limit.Elapsed < Patience && Inspect(container, "{{.State.Running}}") == "true")
                continue;
            (_, string output, string errors) = Try("docker", "logs", "--tail", "50", container);
            Assert.Fail($"{otherwise}: {output}\n{errors}");
        }
    }

    private static string RunToEnd(string tool, string[] arguments)
    {
        (int exitCode, string output, string errors) = Try(tool, arguments);
        Assert.True(exitCode == 0, $"{tool} {string.Join(' ', arguments)} exited with {exitCode}: {errors}{output}");
        return output;
    }

    private static (int ExitCode, string Output, string Errors) Try(string tool, params string[] arguments)
    {
        Testing.Require.Tool(tool);
        using Process process = Shell.Start(tool, arguments);
        Task<string> errors = process.StandardError.ReadToEndAsync();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{tool} {string.Join(' ', arguments)} does not end.");
        }

        return (process.ExitCode, output.Result.TrimEnd('\n'), errors.Result.TrimEnd('\n'));
    }
}
