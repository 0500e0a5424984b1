using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text;
using DbBackup.Testing;

namespace DbBackup.Tests.Pester;

/// <summary>Runs each Pester file in a pwsh of its own: a module's assemblies cannot be unloaded, and no test may see another's.</summary>
public sealed class PesterTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(15);
    private static readonly Lazy<string?> WhyNot = new(FindObstacle);
    private readonly ITestOutputHelper _output;

    public PesterTests(ITestOutputHelper output) => _output = output;

    private static string Root { get; } = typeof(PesterTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key == "RepositoryRoot").Value!;

    public static TheoryData<string> Files()
    {
        var files = new TheoryData<string>();
        foreach (string folder in new[] { "tests/Module", "tests/Scenarios" })
        {
            string path = Path.Combine(Root, folder);
            // The outputs of builds lie below.
            foreach (string file in Directory.EnumerateFiles(path, "*.Tests.ps1").Order(StringComparer.Ordinal))
                files.Add(Path.GetRelativePath(Root, file).Replace('\\', '/'));
        }

        return files;
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Pester_file_passes(string file)
    {
        Assert.SkipWhen(WhyNot.Value is not null, $"PESTER TESTS NOT RUN: {WhyNot.Value}");
        using DockerEngine? docker = DockerFor(file);
        Dictionary<string, string> variables = ServerFor(file);
        if (docker is not null)
            variables["DBBACKUP_TEST_DOCKERPREFIX"] = docker.Prefix;
        (int exitCode, string text) = RunShell(
            $$"""
            $PSStyle.OutputRendering = 'PlainText'
            Import-Module Pester -MinimumVersion 5.0 -MaximumVersion 5.99 -ErrorAction Stop
            $configuration = New-PesterConfiguration
            $configuration.Run.Path = '{{Path.Combine(Root, file).Replace("'", "''", StringComparison.Ordinal)}}'
            $configuration.Run.PassThru = $true
            $configuration.Output.Verbosity = 'Detailed'
            $configuration.Output.RenderMode = 'Plaintext'
            $result = Invoke-Pester -Configuration $configuration
            "pester: $($result.PassedCount) passed, $($result.FailedCount) failed, $($result.FailedBlocksCount + $result.FailedContainersCount) blocks failed"
            # Red too where nothing ran: a file that does not even load must not look like success.
            exit $(if ($result.Result -eq 'Passed' -and ($result.PassedCount + $result.SkippedCount) -gt 0) { 0 } else { 1 })
            """,
            Patience,
            variables);
        _output.WriteLine(text);
        Assert.True(exitCode == 0, FailuresOf(text));
    }

    // A server for the files that ask for one in their text, under the names that common.ps1 reads.
    private static Dictionary<string, string> ServerFor(string file)
    {
        if (!File.ReadAllText(Path.Combine(Root, file)).Contains("Require-PostgreSql", StringComparison.Ordinal))
            return [];
        try
        {
            PostgreSqlServer server = PostgreSqlServer.Shared;
            return new()
            {
                ["DBBACKUP_TEST_PGHOST"] = server.Host,
                ["DBBACKUP_TEST_PGPORT"] = server.Port.ToString(CultureInfo.InvariantCulture),
                ["DBBACKUP_TEST_PGUSER"] = server.User,
                ["DBBACKUP_TEST_PGPASSWORD"] = server.Password,
                ["DBBACKUP_TEST_PGSOCKET"] = server.SocketFolder,
                ["DBBACKUP_TEST_PGBIN"] = server.BinFolder,
            };
        }
        catch (Xunit.Sdk.SkipException)
        {
            // Its other tests can run; those that require a server are skipped one by one.
            return [];
        }
    }

    // The engine for the files that ask for it: what they make under its prefix is removed when they are over, even when they are killed.
    private static DockerEngine? DockerFor(string file)
    {
        if (!File.ReadAllText(Path.Combine(Root, file)).Contains("Require-Docker", StringComparison.Ordinal))
            return null;
        try
        {
            return DockerEngine.Require();
        }
        catch (Xunit.Sdk.SkipException)
        {
            return null;
        }
    }

    // What failed, without the hundred lines that passed.
    private static string FailuresOf(string text)
    {
        string[] lines = text.Split('\n');
        var kept = new StringBuilder();
        bool failed = false;
        foreach (string line in lines)
        {
            string trimmed = line.TrimStart();
            if (trimmed.StartsWith("[-]", StringComparison.Ordinal))
                failed = true;
            else if (trimmed.StartsWith("[+]", StringComparison.Ordinal) || trimmed.StartsWith("Describing", StringComparison.Ordinal) || trimmed.StartsWith("Context", StringComparison.Ordinal))
                failed = false;
            if (failed || trimmed.StartsWith("pester:", StringComparison.Ordinal))
                kept.Append(line.TrimEnd()).Append('\n');
        }

        return kept.Length > 0 ? kept.ToString() : text;
    }

    private static string? FindObstacle()
    {
        try
        {
            (int exitCode, string text) = RunShell(
                "\"$($PSVersionTable.PSVersion) $((Get-Module Pester -ListAvailable | Where-Object { $_.Version.Major -eq 5 }) ? 'yes' : 'no')\"", TimeSpan.FromMinutes(1));
            string[] found = text.Trim().Split(' ');
            if (exitCode != 0 || found.Length != 2)
                return $"pwsh does not start: {text}";
            if (!Version.TryParse(found[0].Split('-')[0], out Version? version) || version < new Version(7, 6))
                return $"pwsh is {found[0]}, and the module needs 7.6 or newer.";
            if (found[1] == "yes")
                return null;
            const string NoPester = "the module Pester 5 is not installed (Install-Module Pester).";
            // Only a missing pwsh excuses CI.
            return Environment.GetEnvironmentVariable("CI") == "true" ? throw new InvalidOperationException(NoPester) : NoPester;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "pwsh was not found in PATH.";
        }
    }

    private static (int ExitCode, string Text) RunShell(string script, TimeSpan patience, Dictionary<string, string>? variables = null)
    {
        var start = new ProcessStartInfo("pwsh")
        {
            ArgumentList = { "-NoProfile", "-NonInteractive", "-OutputFormat", "Text", "-EncodedCommand", Convert.ToBase64String(Encoding.Unicode.GetBytes(script)) },
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Root,
        };
        start.Environment["NO_COLOR"] = "1";
        start.Environment["POWERSHELL_TELEMETRY_OPTOUT"] = "1";
        start.Environment.Remove("DBBACKUP_REPOSITORY");
        foreach ((string name, string value) in variables ?? [])
            start.Environment[name] = value;
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
        if (!shell.WaitForExit(patience))
        {
            shell.Kill(entireProcessTree: true);
            return (-1, $"{text}\nStill running after {patience.TotalMinutes} minutes.");
        }

        // Without a time it also waits for the last lines.
        shell.WaitForExit();
        lock (text)
            return (shell.ExitCode, text.ToString());
    }
}
