using System.Diagnostics;
using System.Globalization;
using DbBackup.Tools;

namespace DbBackup.Bench;

/// <summary>A real pwsh that runs one command after the other and says how long each took, or why it failed.</summary>
internal sealed class ModuleShell : IDisposable
{
    private const string End = "::end::";

    // Each line is a script; its time is that of the script alone, without the start of the shell.
    private const string Loop = """
        $ErrorActionPreference = 'Stop'; $ProgressPreference = 'SilentlyContinue'
        while ($null -ne ($line = [Console]::In.ReadLine())) {
            $script = [scriptblock]::Create($line)
            $watch = [Diagnostics.Stopwatch]::StartNew()
            try { $output = . $script; $state = 'ok' } catch { $output = "$_"; $state = 'failed' }
            $seconds = $watch.Elapsed.TotalSeconds.ToString([cultureinfo]::InvariantCulture)
            [Console]::Out.WriteLine("$($output | Select-Object -Last 1)")
            [Console]::Out.WriteLine("::end:: $state $seconds")
        }
        """;

    private readonly Process _process;

    /// <summary>Starts the shell.</summary>
    /// <param name="module">A module to import; null for none.</param>
    public ModuleShell(string? module)
    {
        ProcessStartInfo start = RealShell.StartInfo("-NoLogo", "-NoProfile", "-NonInteractive", "-Command", Loop);
        start.RedirectStandardInput = start.RedirectStandardOutput = true;
        _process = Process.Start(start)!;
        if (module is not null)
            Run($"Import-Module {Quote(module)}");
    }

    /// <summary>Runs a command.</summary>
    /// <returns>The seconds it took, and the last thing it emitted as text.</returns>
    public (double Seconds, string Output) Run(string command)
    {
        _process.StandardInput.WriteLine(command.ReplaceLineEndings(" "));
        string output = string.Empty;
        while (_process.StandardOutput.ReadLine() is { } line)
        {
            if (!line.StartsWith(End, StringComparison.Ordinal))
            {
                output = line;
                continue;
            }

            string[] fields = line.Split(' ');
            if (fields[1] != "ok")
                throw new InvalidOperationException($"'{command}' failed: {output}");
            return (double.Parse(fields[2], CultureInfo.InvariantCulture), output);
        }

        throw new InvalidOperationException($"pwsh ended during '{command}'.");
    }

    /// <summary>A text as a PowerShell literal.</summary>
    public static string Quote(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    /// <inheritdoc/>
    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }
}
