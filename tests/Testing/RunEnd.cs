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
        // Whoever started this run may have the same output, and so have others that they started.
        HashSet<int> ancestors = [];
        for (int id = ParentOf(Environment.ProcessId); id > 1 && ancestors.Add(id);)
            id = ParentOf(id);
        foreach (int id in Directory.EnumerateDirectories("/proc").Select(folder => int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0))
        {
            if (id <= 1 || id == Environment.ProcessId || !IsLeft(id, ancestors) || !new[] { output, errors }.Intersect([LinkOf(Name(id), 1), LinkOf(Name(id), 2)]).Any(link => link?.StartsWith("pipe:", StringComparison.Ordinal) == true))
                continue;
            try
            {
                using var process = System.Diagnostics.Process.GetProcessById(id);
                Console.Error.WriteLine($"Ended process {id}, which a test has left with this run's output: {File.ReadAllText($"/proc/{id}/cmdline").Replace('\0', ' ')}");
                process.Kill();
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or InvalidOperationException or System.ComponentModel.Win32Exception)
            {
                // It has ended by itself.
            }
        }
    }

    // A descendant of this process, or a process without a parent that began after this one.
    private static bool IsLeft(int id, HashSet<int> ancestors)
    {
        for (int each = id; each > 1; each = ParentOf(each))
        {
            if (each == Environment.ProcessId)
                return true;
            if (ancestors.Contains(each))
                return false;
        }

        return StartOf(id) > StartOf(Environment.ProcessId);
    }

    private static int ParentOf(int id) => (int)FieldOf(id, 1);

    private static long StartOf(int id) => FieldOf(id, 19);

    // Of the fields after the name, which stands in parentheses: proc(5).
    private static long FieldOf(int id, int field)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{id}/stat");
            return long.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[field], CultureInfo.InvariantCulture);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return 0;
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
