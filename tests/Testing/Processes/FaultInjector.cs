using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace DbBackup.Testing;

/// <summary>A call that was failed.</summary>
internal sealed record InjectedFault(string Call, string Path)
{
    public override string ToString() => $"{Call} {Path}";
}

/// <summary>
/// The other process of the tests, whose system calls on files below a folder are counted, whichever thread or library makes them, and one of
/// which fails. It lives on: what it does after the fault is what is tested.
/// </summary>
internal sealed unsafe class FaultInjector : IDisposable
{
    private const int NoSpace = 28;
    private const int DiskError = 5;
    private const int NoAccess = 13;
    private const uint Continue = 1;
    private const nuint ReceiveCode = 0xC0502100;
    private const nuint SendCode = 0xC0182101;
    private const short PollIn = 1;
    private const int PidfdOpen = 434;
    private const int PidfdGetfd = 438;
    private const ulong ThisFolder = unchecked((ulong)-100) & 0xffffffff;

    private readonly OtherProcess _worker;
    private readonly Dictionary<int, FileCall> _calls = FileCalls.List.ToDictionary(call => call.Number);
    private readonly Thread _thread;
    private readonly Lock _turn = new();
    private readonly int _listener;
    private string _below = string.Empty;
    private Faults _fault;
    private int _number;
    private int _count;
    private InjectedFault? _injected;
    private int _answered;
    private volatile bool _stopped;

    private FaultInjector(OtherProcess worker, int listener)
    {
        _worker = worker;
        _listener = listener;
        _thread = new Thread(Listen) { IsBackground = true, Name = "faults" };
        _thread.Start();
    }

    /// <summary>Starts the process. Skips where the kernel or the processor does not allow it.</summary>
    /// <param name="environment">Further variables of its environment.</param>
    public static FaultInjector Start(IReadOnlyDictionary<string, string>? environment = null)
    {
        Assert.SkipUnless(
            OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.Arm64, "System calls are failed by a filter, which only Linux has.");
        var variables = new Dictionary<string, string>(environment ?? new Dictionary<string, string>()) { ["DOTNET_EnableDiagnostics"] = "0", ["DOTNET_TieredCompilation"] = "1" };
        OtherProcess worker = OtherProcess.StartCommand(OtherProcess.Command(["worker", .. FileCalls.List.Select(call => call.Number.ToString(CultureInfo.InvariantCulture))]), variables);
        int? there = null;
        for (var limit = System.Diagnostics.Stopwatch.StartNew(); there is null && !worker.Process.HasExited && limit.Elapsed < TimeSpan.FromMinutes(1); there = FindListener(worker.Process.Id))
            Thread.Sleep(5);
        if (there is null)
        {
            string words = string.Join(' ', worker.Lines);
            worker.Dispose();
            Assert.Skip($"This kernel allows no filter: {words}");
        }

        nint process = SystemCall(PidfdOpen, worker.Process.Id, 0, 0);
        nint listener = SystemCall(PidfdGetfd, process, there.Value, 0);
        int error = Marshal.GetLastPInvokeError();
        if (process >= 0)
            _ = Close((int)process);
        if (listener < 0)
        {
            worker.Dispose();
            Assert.Skip($"This machine does not allow to watch a process: error {error}.");
        }

        return new FaultInjector(worker, (int)listener);
    }

    /// <summary>Runs a command without any fault.</summary>
    public (int Exit, string Words) Run(params string[] command) => Run(string.Empty, Faults.None, 0, command).End;

    /// <summary>Runs a command with a fault.</summary>
    /// <param name="below">The folder whose calls count.</param>
    /// <param name="fault">The error.</param>
    /// <param name="number">Which of the calls that can have this error fails, counted from one; zero for none.</param>
    /// <param name="command">The command.</param>
    /// <returns>How it ended (2 for an exception that is not the module's own), how many calls there were, and which one failed.</returns>
    public ((int Exit, string Words) End, int Count, InjectedFault? Injected) Run(string below, Faults fault, int number, params string[] command)
    {
        lock (_turn)
            (_below, _fault, _number, _count, _injected) = (below, fault, number, 0, null);
        int before = _answered;
        _worker.Process.StandardInput.WriteLine(string.Join('\t', command));
        _worker.Process.StandardInput.Flush();
        _worker.WaitFor(lines => lines.Count(IsEnd) > before);
        _answered++;
        string end = _worker.Lines.Where(IsEnd).ElementAt(before)["end ".Length..];
        lock (_turn)
        {
            (_below, _fault) = (string.Empty, Faults.None);
            return ((end[0] - '0', end.Length > 2 ? end[2..] : string.Empty), _count, _injected);
        }
    }

    public void Dispose()
    {
        _worker.Dispose();
        _stopped = true;
        _thread.Join();
        _ = Close(_listener);
    }

    // It cannot be told: from its first moment on, the process waits for an answer to each call, its output's too.
    private static int? FindListener(int process)
    {
        try
        {
            return new DirectoryInfo(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/fd")).EnumerateFileSystemInfos()
                .Where(each => each.LinkTarget == "anon_inode:seccomp notify").Select(each => (int?)int.Parse(each.Name, CultureInfo.InvariantCulture)).FirstOrDefault();
        }
        catch (IOException)
        {
            // It closed a file meanwhile, or ended.
            return null;
        }
    }

    private static bool IsEnd(string line) => line.StartsWith("end ", StringComparison.Ordinal);

    private void Listen()
    {
        while (!_stopped)
        {
            var poll = new PollEntry { Descriptor = _listener, Events = PollIn };
            if (Poll(&poll, 1, 100) <= 0 || (poll.Returned & PollIn) == 0)
                continue;
            Notification asked = default;
            if (Control(_listener, ReceiveCode, &asked) != 0)
                continue;
            int error = Decide(in asked);
            var answer = new Answer { Id = asked.Id, Error = -error, Flags = error == 0 ? Continue : 0 };
            _ = Control(_listener, SendCode, &answer);
        }
    }

    private int Decide(in Notification asked)
    {
        lock (_turn)
        {
            if (_below.Length == 0 || !_calls.TryGetValue(asked.Call, out FileCall? call) || !call.Faults.HasFlag(_fault) || IsReadOnly(call, asked) || FindPath(call, asked) is not { } path)
                return 0;
            if (++_count != _number)
                return 0;
            _injected = new InjectedFault(call.Name, path);
            return _fault switch { Faults.NoSpace => NoSpace, Faults.Disk => DiskError, _ => NoAccess };
        }
    }

    // A file that is only read needs no room.
    private bool IsReadOnly(FileCall call, in Notification asked)
    {
        const ulong Create = 0x40;
        return _fault == Faults.NoSpace && call.Name switch
        {
            "open" => (asked.Two & Create) == 0,
            "openat" => (asked.Three & Create) == 0,
            "openat2" => (ReadNumber(asked.Process, asked.Three) & Create) == 0,
            _ => false,
        };
    }

    private string? FindPath(FileCall call, in Notification asked)
    {
        string?[] paths = call.Form switch
        {
            CallForm.Descriptor => [OfDescriptor(asked.Process, asked.One)],
            CallForm.Path => [Full(asked.Process, ThisFolder, asked.One)],
            CallForm.TwoPaths => [Full(asked.Process, ThisFolder, asked.One), Full(asked.Process, ThisFolder, asked.Two)],
            CallForm.At => [Full(asked.Process, asked.One, asked.Two)],
            CallForm.TwoAt => [Full(asked.Process, asked.One, asked.Two), Full(asked.Process, asked.Three, asked.Four)],
            CallForm.LinkPath => [Full(asked.Process, ThisFolder, asked.Two)],
            _ => [Full(asked.Process, asked.Two, asked.Three)],
        };
        return paths.FirstOrDefault(path => path is not null && (path == _below || path.StartsWith(_below + "/", StringComparison.Ordinal)));
    }

    private static string? Full(int process, ulong folder, ulong address)
    {
        string name = address == 0 ? string.Empty : ReadText(process, address);
        return name.StartsWith('/') ? name : Path.Join(OfDescriptor(process, folder), name);
    }

    private static string? OfDescriptor(int process, ulong descriptor)
    {
        string link = (descriptor & 0xffffffff) == ThisFolder
            ? string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/cwd") : string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/fd/{(int)descriptor}");
        return new FileInfo(link).LinkTarget;
    }

    private static ulong ReadNumber(int process, ulong address)
    {
        ulong number = 0;
        var here = new Part { Address = (nuint)(&number), Length = sizeof(ulong) };
        var there = new Part { Address = (nuint)address, Length = sizeof(ulong) };
        return ReadMemory(process, &here, 1, &there, 1, 0) == sizeof(ulong) ? number : 0;
    }

    // Up to the end of each page: the next one may be none.
    private static string ReadText(int process, ulong address)
    {
        const int Page = 4096;
        byte[] text = new byte[2 * Page];
        int length = 0;
        while (length < Page)
        {
            int wanted = Page - (int)((address + (ulong)length) % Page);
            fixed (byte* start = text)
            {
                var here = new Part { Address = (nuint)(start + length), Length = (nuint)wanted };
                var there = new Part { Address = (nuint)(address + (ulong)length), Length = (nuint)wanted };
                nint read = ReadMemory(process, &here, 1, &there, 1, 0);
                if (read <= 0)
                    break;
                length += (int)read;
            }

            if (text.AsSpan(0, length).Contains((byte)0))
                break;
        }

        int end = text.AsSpan(0, length).IndexOf((byte)0);
        return Encoding.UTF8.GetString(text, 0, end < 0 ? length : end);
    }

    [DllImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Control(int descriptor, nuint code, void* content);

    [DllImport("libc", EntryPoint = "poll", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Poll(PollEntry* entries, nuint count, int milliseconds);

    [DllImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Close(int descriptor);

    [DllImport("libc", EntryPoint = "syscall", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint SystemCall(nint number, nint one, nint two, nint three);

    [DllImport("libc", EntryPoint = "process_vm_readv", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint ReadMemory(int process, Part* here, nuint countHere, Part* there, nuint countThere, nuint flags);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Part
    {
        public nuint Address;
        public nuint Length;
    }

    // struct seccomp_notif and struct seccomp_notif_resp (linux/seccomp.h).
    [StructLayout(LayoutKind.Sequential)]
    private struct Notification
    {
        public ulong Id;
        public int Process;
        public uint Flags;
        public int Call;
        public uint Architecture;
        public ulong Instruction;
        public ulong One;
        public ulong Two;
        public ulong Three;
        public ulong Four;
        public ulong Five;
        public ulong Six;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Answer
    {
        public ulong Id;
        public long Value;
        public int Error;
        public uint Flags;
    }
}
