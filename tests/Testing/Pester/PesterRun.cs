using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json;
using DbBackup.Tools;

namespace DbBackup.Testing.Pester;

/// <summary>What came of the tests of one Pester file, which is run once.</summary>
internal sealed class PesterRun
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(45);
    private static readonly ConcurrentDictionary<(string File, PesterWorld World), Lazy<Task<PesterRun>>> Runs = new();
    private static readonly JsonSerializerOptions Json = new() { PropertyNameCaseInsensitive = true };

    private readonly string _file;
    private readonly string _output;
    private readonly Report _report;

    private PesterRun(string file, string output, Report report)
    {
        _file = file;
        _output = output;
        _report = report;
    }

    private static string Root { get; } = Metadata("RepositoryRoot");

    /// <summary>Runs a file, or waits for its run.</summary>
    public static Task<PesterRun> OfAsync(string file, PesterWorld world) =>
        Runs.GetOrAdd((file, world), run => new Lazy<Task<PesterRun>>(() => RunAsync(run.File, run.World))).Value;

    /// <summary>The folder of the Pester files of an assembly: DbBackup.Tests.Module has them in tests/Module.</summary>
    public static string FolderOf(Assembly assembly) => Path.Combine(Root, "tests", assembly.GetName().Name!.Split('.')[^1]);

    /// <summary>The Pester file of a class.</summary>
    public static string PathOf(Type type) => Path.Combine(FolderOf(type.Assembly), type.GetCustomAttribute<PesterFileAttribute>()!.Name);

    /// <summary>Where the backups of a class go.</summary>
    public static PesterWorld WorldOf(Type type) => type.GetCustomAttribute<PesterFileAttribute>()!.World;

    /// <summary>Fails or skips the xUnit test that stands for a test of the file.</summary>
    public void Check(int line)
    {
        Outcome[] outcomes = [.. _report.Tests.Where(test => test.Line == line)];
        Assert.True(outcomes.Length > 0, $"The test did not run. {string.Join('\n', _report.Failures)}");
        foreach (Outcome outcome in outcomes)
            TestContext.Current.TestOutputHelper?.WriteLine($"{outcome.Result}: {outcome.Name} {(outcome.Result == "Skipped" ? outcome.Message : null)}");
        string[] failures = [.. outcomes.Where(outcome => outcome.Result is not ("Passed" or "Skipped"))
            .Select(outcome => $"{outcome.Name} ({outcome.Result}): {(outcome.Message.Length > 0 ? outcome.Message : string.Join('\n', _report.Failures))}")];
        if (failures.Length > 0)
            Assert.Fail(string.Join("\n\n", failures));
        if (outcomes.FirstOrDefault(outcome => outcome.Result == "Skipped") is { } skipped)
            Skip(skipped.Message);
    }

    /// <summary>Fails unless the file was read, ran tests that are all known by their lines, and cleaned up after itself.</summary>
    public void CheckFile()
    {
        TestContext.Current.TestOutputHelper?.WriteLine(_output);
        Assert.True(_report.Failures.Count == 0, string.Join("\n\n", _report.Failures));
        Assert.True(_report.Tests.Count > 0, $"No test ran in {_file}.\n{_output}");
        Assert.Equal(PesterDataAttribute.ItsOf(_file).Select(it => it.Line), _report.Tests.Select(test => test.Line).Distinct().Order());
    }

    // What a machine lacks may be skipped on a developer's, what its system cannot do is skipped in CI too.
    private static void Skip(string reason)
    {
        int because = reason.IndexOf("because ", StringComparison.Ordinal);
        string text = reason.Split('\n')[0];
        text = because < 0 ? text : text[(because + "because ".Length)..];
        if (text.StartsWith("this system ", StringComparison.Ordinal))
            Assert.Skip(text);
        Require.That(false, text.Length > 0 ? text : "The Pester file skips it and gives no reason.");
    }

    private static async Task<PesterRun> RunAsync(string file, PesterWorld world)
    {
        // Without the server the class is skipped, and not run in a folder.
        using S3Rver? bucket = world == PesterWorld.EncryptedS3 ? new S3Rver() : null;
        using DockerEngine? docker = Mentions(file, "Require-Docker") ? OrNull(DockerEngine.Require) : null;
        PostgreSqlServer? server = Mentions(file, "Require-PostgreSql") ? OrNull(() => PostgreSqlServer.Shared) : null;
        using PostgreSqlServer? newer = Mentions(file, "Require-ServerPair") ? OrNull(() => PostgreSqlServer.Start(new PostgreSqlOptions { Programs = PostgreSqlPrograms.OfMajor(17) })) : null;
        using PostgreSqlServer? older = newer is not null ? OrNull(() => PostgreSqlServer.Start()) : null;
        using var folder = new TempFolder();
        string results = Path.Combine(folder.Path, "results.json");
        (int exitCode, string output) = await RunShellAsync(file, results, docker, server, older is null || newer is null ? null : (older, newer), bucket);
        if (!File.Exists(results))
            throw new InvalidOperationException($"The shell of {file} ended with {exitCode} and without results:\n{output}");
        Report report = JsonSerializer.Deserialize<Report>(await File.ReadAllTextAsync(results), Json)!;
        return new PesterRun(file, output, bucket is null ? report : report with { Failures = [.. report.Failures, .. bucket.PlainFiles()] });
    }

    private static async Task<(int ExitCode, string Output)> RunShellAsync(string file, string results, DockerEngine? docker, PostgreSqlServer? server, (PostgreSqlServer Older, PostgreSqlServer Newer)? pair, S3Rver? bucket)
    {
        var start = RealShell.StartInfo(
            "-NoProfile", "-NonInteractive", "-File", Path.Combine(Root, "tests/Testing/Pester/run-pester.ps1"), "-Pester", Metadata("Pester"), "-File", file, "-Results", results);
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        start.WorkingDirectory = Root;
        start.Environment.Remove("DBBACKUP_REPOSITORY");
        start.Environment["DBBACKUP_TEST_HOST"] = Path.Join(AppContext.BaseDirectory, "DbBackup.TestHost.dll");
        if (docker is not null)
            start.Environment["DBBACKUP_TEST_DOCKERPREFIX"] = docker.Prefix;
        if (server is not null)
        {
            start.Environment["DBBACKUP_TEST_PGHOST"] = server.Host;
            start.Environment["DBBACKUP_TEST_PGPORT"] = server.Port.ToString(CultureInfo.InvariantCulture);
            start.Environment["DBBACKUP_TEST_PGUSER"] = server.User;
            start.Environment["DBBACKUP_TEST_PGPASSWORD"] = server.Password;
            start.Environment["DBBACKUP_TEST_PGSOCKET"] = server.SocketFolder;
            start.Environment["DBBACKUP_TEST_PGBIN"] = server.BinFolder;
        }

        if (pair is var (older, newer))
        {
            start.Environment["DBBACKUP_TEST_OLDERSERVER"] = older.Uri("postgres");
            start.Environment["DBBACKUP_TEST_NEWERSERVER"] = newer.Uri("postgres");
        }

        bucket?.AddTo(start.Environment);
        var text = new StringBuilder();
        using var shell = new Process { StartInfo = start };
        void Collect(object sender, DataReceivedEventArgs line)
        {
            lock (text)
                text.Append(line.Data).Append('\n');
        }

        shell.OutputDataReceived += Collect;
        shell.ErrorDataReceived += Collect;
        shell.Start();
        shell.StandardInput.Close();
        shell.BeginOutputReadLine();
        shell.BeginErrorReadLine();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Patience);
        try
        {
            await shell.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            shell.Kill(entireProcessTree: true);
            lock (text)
                throw new TimeoutException($"{file} was ended after {Patience.TotalMinutes} minutes, or with the run of the tests:\n{text}");
        }

        lock (text)
            return (shell.ExitCode, text.ToString());
    }

    private static bool Mentions(string file, string requirement) => File.ReadAllText(file).Contains(requirement, StringComparison.Ordinal);

    // Null where it would skip the test: those of the file that need it are skipped one by one.
    private static T? OrNull<T>(Func<T> required)
        where T : class
    {
        try
        {
            return required();
        }
        catch (Xunit.Sdk.SkipException)
        {
            return null;
        }
    }

    private static string Metadata(string key) =>
        typeof(PesterRun).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == key).Value!;

    private sealed record Report(IReadOnlyList<string> Failures, IReadOnlyList<Outcome> Tests);

    private sealed record Outcome(int Line, string Name, string Result, string Message);
}
