using System.Globalization;
using System.Runtime.InteropServices;

namespace DbBackup.Testing;

/// <summary>
/// Sees to it that a run of the continuous integration ends after its last test. Who started it waits for the end of this process, and of its output: a child that was
/// left with this output is ended, and so is this process, if a thread keeps it. A fixture of the whole assembly.
/// </summary>
public sealed partial class RunEnd : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    /// <summary>Begins to wait for the end: the tests are over.</summary>
    public void Dispose()
    {
        if (Environment.GetEnvironmentVariable("CI") != "true" || !OperatingSystem.IsLinux())
            return;
        EndHolders();
        new Thread(EndProcess) { IsBackground = true }.Start();
    }

    private static void EndProcess()
    {
        Thread.Sleep(s_patience);
        Console.Error.WriteLine($"The tests are over, and their process does not end. Processes:\n{WatchedAttribute.Processes()}");
        Exit(WatchedAttribute.HasFailed ? 2 : 0);
    }

    private static void EndHolders()
    {
        string? output = LinkOf("self", 1);
        string? errors = LinkOf("self", 2);
        foreach (int id in Directory.EnumerateDirectories("/proc").Select(folder => int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0))
        {
            // This process and the one that reads its output have it too; the latter under other numbers.
            if (id == 0 || id == Environment.ProcessId || output?.StartsWith("pipe:", StringComparison.Ordinal) != true || LinkOf(Name(id), 1) != output && LinkOf(Name(id), 2) != errors)
                continue;
            try
            {
                Console.Error.WriteLine($"Ended process {id}, which a test has left with this run's output: {File.ReadAllText($"/proc/{id}/cmdline").Replace('\0', ' ')}");
                using var process = System.Diagnostics.Process.GetProcessById(id);
                process.Kill();
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or InvalidOperationException or System.ComponentModel.Win32Exception)
            {
                // It has ended by itself.
            }
        }
    }

    private static string Name(int id) => id.ToString(CultureInfo.InvariantCulture);

    private static string? LinkOf(string process, int descriptor)
    {
        try
        {
            return new FileInfo($"/proc/{process}/fd/{descriptor}").LinkTarget;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    // Not the runtime's way: that one waits for what does not end.
    [LibraryImport("libc", EntryPoint = "_exit")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial void Exit(int code);
}
