using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace DbBackup.Engine.Platform;

/// <summary>A process that has a file open.</summary>
/// <param name="ProcessId">Its id; 0 where the system does not say who it is.</param>
/// <param name="ProcessName">Its name; empty where unknown.</param>
/// <param name="Path">The file.</param>
internal sealed record FileHolder(int ProcessId, string ProcessName, string Path);

/// <summary>Who has files open.</summary>
/// <param name="Holders">The processes found.</param>
/// <param name="Incomplete">Some processes could not be looked into: nobody found does not mean that nobody is there.</param>
internal sealed record FileHolders(IReadOnlyList<FileHolder> Holders, bool Incomplete);

/// <summary>Finds the processes that have files open: before a restore changes a database under a running application.</summary>
internal static class OpenFiles
{
    private const int SharingViolation = unchecked((int)0x80070020);

    // A child that this process starts has its open files until it runs its own program: milliseconds, longer on a busy machine.
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(2);
    private const int LooksBeside = 5;
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(20);

    /// <summary>The processes, other than this one, that have one of the files open.</summary>
    public static FileHolders HoldersOf(IEnumerable<string> paths, bool includeThisProcess = false)
    {
        var files = paths.Where(File.Exists).Distinct(StringComparer.Ordinal).ToList();
        if (files.Count == 0)
            return new FileHolders([], false);
        if (OperatingSystem.IsLinux())
            return FromProc(files, includeThisProcess);
        return OperatingSystem.IsWindows() ? FromSharing(files) : FromLsof(files, includeThisProcess);
    }

    /// <summary>
    /// Finds a process that has a file open under a name of its own (a bind mount, a second name, another mount namespace) and keeps another
    /// file beside that name which is not the one beside ours. Linux alone; null elsewhere.
    /// </summary>
    /// <param name="path">The file, with all links resolved.</param>
    /// <param name="ending">What the other file's name has more.</param>
    /// <returns>The process, with the name that it uses.</returns>
    public static FileHolder? FindBeside(string path, string ending)
    {
        // The last connection deletes a log and the next one makes another: what differs only at one look is that.
        FileHolder? holder = null;
        for (var look = 0; look < LooksBeside; look++)
        {
            if (look > 0)
                Thread.Sleep(BetweenLooks);
            if ((holder = LookBeside(path, ending)) is null)
                break;
        }

        return holder;
    }

    private static FileHolder? LookBeside(string path, string ending)
    {
        if (!OperatingSystem.IsLinux() || !UnixFile.TryStatFollow(path, out var wanted))
            return null;
        foreach (var process in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(process), NumberStyles.None, CultureInfo.InvariantCulture, out var id) || id == Environment.ProcessId)
                continue;
            try
            {
                var descriptors = Directory.GetFiles(process + "/fd");
                var name = descriptors.Where(file => UnixFile.TryStatFollow(file, out var held) && (held.Device, held.Inode) == (wanted.Device, wanted.Inode)).Select(LinkOf).FirstOrDefault();
                if (name is not null && descriptors.Any(file => LinkOf(file) == name + ending && UnixFile.TryStatFollow(file, out var held) && !IsAt(path + ending, held)))
                    return new FileHolder(id, NameOf(process), name);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // It ended while we looked, or is another user's.
            }
        }

        return null;
    }

    private static bool IsAt(string path, in UnixFileFacts file) => UnixFile.TryStatFollow(path, out var facts) && (facts.Device, facts.Inode) == (file.Device, file.Inode);

    private static string? LinkOf(string file) => new FileInfo(file).LinkTarget;

    /// <summary>
    /// Compares device and inode, not paths: a process in a container sees the same file under another path.
    /// </summary>
    private static FileHolders FromProc(List<string> files, bool includeThisProcess)
    {
        var wanted = new Dictionary<(ulong, ulong), string>();
        var incomplete = false;
        foreach (var file in files)
        {
            if (UnixFile.TryStatFollow(file, out var facts))
                wanted.TryAdd((facts.Device, facts.Inode), file);
            else
                incomplete = true;
        }

        var holders = new List<FileHolder>();
        foreach (var process in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(process), NumberStyles.None, CultureInfo.InvariantCulture, out var id)
                || (id == Environment.ProcessId && !includeThisProcess))
            {
                continue;
            }

            try
            {
                var held = HeldBy(process, wanted);
                for (var limit = Stopwatch.StartNew(); held.Count > 0 && IsBeingStartedHere(process) && limit.Elapsed < StartTimeout; held = HeldBy(process, wanted))
                    Thread.Sleep(5);
                holders.AddRange(held.Select(file => new FileHolder(id, NameOf(process), file)));
            }
            catch (UnauthorizedAccessException)
            {
                incomplete = true;
            }
            catch (IOException)
            {
                // It ended while we looked.
            }
        }

        return new FileHolders(holders, incomplete);
    }

    private static HashSet<string> HeldBy(string process, Dictionary<(ulong, ulong), string> wanted)
    {
        var held = new HashSet<string>(StringComparer.Ordinal);
        foreach (var descriptor in Directory.EnumerateFileSystemEntries(process + "/fd"))
        {
            if (UnixFile.TryStatFollow(descriptor, out var facts) && wanted.TryGetValue((facts.Device, facts.Inode), out var file))
                held.Add(file);
        }

        return held;
    }

    /// <summary>True if a process is a child of this one that does not yet run its own program: it still has this one's command line.</summary>
    private static bool IsBeingStartedHere(string process) =>
        File.ReadLines(process + "/status").Contains($"PPid:\t{Environment.ProcessId}", StringComparer.Ordinal)
        && File.ReadAllBytes(process + "/cmdline").AsSpan().SequenceEqual(File.ReadAllBytes("/proc/self/cmdline"));

    private static string NameOf(string process)
    {
        try
        {
            return File.ReadAllText(process + "/comm").TrimEnd('\n');
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private static FileHolders FromLsof(List<string> files, bool includeThisProcess)
    {
        try
        {
            var start = new ProcessStartInfo("lsof") { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
            foreach (var argument in (string[])["-w", "-F", "pcn", "--", .. files])
                start.ArgumentList.Add(argument);
            using var lsof = Process.Start(start)!;
            lsof.ErrorDataReceived += (_, _) => { };
            lsof.BeginErrorReadLine();
            var output = lsof.StandardOutput.ReadToEnd();
            lsof.WaitForExit();
            var holders = ParseLsof(output).Where(holder => includeThisProcess || holder.ProcessId != Environment.ProcessId).ToList();

            // Without being root, lsof leaves other users' processes out and does not say so.
            return new FileHolders(holders, UnixFile.EffectiveUserId != 0);
        }
        catch (Win32Exception)
        {
            return new FileHolders([], true); // there is no lsof
        }
    }

    /// <summary>Reads what <c>lsof -F pcn</c> prints: a line per field, of which p starts a process and n ends a file.</summary>
    internal static IReadOnlyList<FileHolder> ParseLsof(string output)
    {
        var holders = new List<FileHolder>();
        var id = 0;
        var name = "";
        foreach (var line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var value = line[1..];
            if (line[0] == 'p')
                id = int.Parse(value, CultureInfo.InvariantCulture);
            else if (line[0] == 'c')
                name = value;
            else if (line[0] == 'n' && !holders.Contains(new FileHolder(id, name, value)))
                holders.Add(new FileHolder(id, name, value));
        }

        return holders;
    }

    private static FileHolders FromSharing(List<string> files)
    {
        var holders = new List<FileHolder>();
        var incomplete = false;
        foreach (var file in files)
        {
            try
            {
                using var probe = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.None);
            }
            catch (IOException exception) when (exception.HResult == SharingViolation)
            {
                holders.Add(new FileHolder(0, "", file));
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                incomplete = true;
            }
        }

        return new FileHolders(holders, incomplete);
    }
}
