using System.Diagnostics;
using System.Text;
using DbBackup.Engine.Plans.Definitions;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Plans.Service;

/// <summary>A run of a plan in a shell of its own, so that one that is killed for memory does not take the service with it.</summary>
internal sealed class PlanProcess : IDisposable
{
    // The end of what it wrote is enough to tell why it failed before it had a record.
    private const int KeptLetters = 4000;
    private readonly Process _process;
    private readonly StringBuilder _errors = new();

    private PlanProcess(Process process, DateTimeOffset started)
    {
        _process = process;
        Started = started;
        Ended = WatchAsync();
    }

    /// <summary>When it was started.</summary>
    public DateTimeOffset Started { get; }

    /// <summary>Its exit code, when it has ended.</summary>
    public Task<int> Ended { get; }

    /// <summary>The end of what it wrote on standard error.</summary>
    public string Errors
    {
        get
        {
            lock (_errors)
                return _errors.ToString().Trim();
        }
    }

    /// <summary>Starts the run of a plan.</summary>
    public static PlanProcess Start(ServiceOptions options, PlanFolders folders, string plan)
    {
        IReadOnlyList<string> line = options.Shell.Run(
            $"Import-Module {Schedules.PowerShellText.Quote(options.Module)} -ErrorAction Stop; Invoke-DbBackupPlan -Name {Schedules.PowerShellText.Quote(plan)} -Scope {folders.Scope} -Trigger Service -IfDue");
        var start = new ProcessStartInfo(line[0])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
            CreateNoWindow = true,
            StandardErrorEncoding = Encoding.UTF8,
        };
        foreach (string argument in line.Skip(1))
            start.ArgumentList.Add(argument);
        if (folders.Scope == PlanScope.User)
            start.Environment[PlanFolders.EnvironmentVariable] = folders.Plans;
        start.Environment["NO_COLOR"] = "1";
        Process process = Process.Start(start)!;
        process.StandardInput.Close();
        return new PlanProcess(process, options.Clock.GetUtcNow());
    }

    /// <summary>Asks it to stop and clean up, which Invoke-DbBackupPlan does; on Windows, where a process cannot be asked, ends it.</summary>
    public void Stop()
    {
        try
        {
            if (OperatingSystem.IsWindows())
                _process.Kill(entireProcessTree: true);
            else
                _ = LibC.Kill(_process.Id, LibC.Terminate);
        }
        catch (InvalidOperationException)
        {
            // It ended by itself in the meantime.
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _process.Dispose();

    private async Task<int> WatchAsync()
    {
        Task errors = KeepAsync(_process.StandardError);
        Task output = _process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
        await _process.WaitForExitAsync().ConfigureAwait(false);
        await Task.WhenAll(errors, output).ConfigureAwait(false);
        return _process.ExitCode;
    }

    private async Task KeepAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            lock (_errors)
            {
                _errors.AppendLine(line);
                if (_errors.Length > KeptLetters)
                    _errors.Remove(0, _errors.Length - KeptLetters);
            }
        }
    }
}
