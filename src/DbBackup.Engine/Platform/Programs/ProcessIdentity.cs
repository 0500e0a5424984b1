using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace DbBackup.Engine.Platform;

/// <summary>True if a process still runs.</summary>
internal enum Liveness
{
    /// <summary>It runs.</summary>
    Alive,

    /// <summary>It has ended; what it left behind may be cleaned up.</summary>
    Dead,

    /// <summary>It cannot be told from here, such as for a process of another host.</summary>
    Unknown,
}

/// <summary>
/// Tells one process from every other that ever ran, here or elsewhere. Written into locks and journals, so that the next
/// run knows whether their owner is dead; a process id alone is soon given to another.
/// </summary>
internal sealed record ProcessIdentity
{
    /// <summary>How long nothing of an owner on another host has to change until it counts as dead: its processes cannot be seen.</summary>
    public static readonly TimeSpan SilenceOfOtherHosts = TimeSpan.FromDays(2);

    private static readonly TimeSpan StartTolerance = TimeSpan.FromSeconds(2);
    private static readonly string? s_machineId = ReadMachineId();

    /// <summary>The machine's name.</summary>
    public required string Host { get; init; }

    /// <summary>Linux's id of this boot; empty elsewhere, where the start time alone decides.</summary>
    public required string BootId { get; init; }

    /// <summary>
    /// What tells this machine from another one of the same name: made of systemd's id of it, which is not to leave it as it is; null where there is none.
    /// </summary>
    public string? MachineId { get; init; }

    /// <summary>The process id.</summary>
    public required int ProcessId { get; init; }

    /// <summary>When the process started. On Linux for people only: it moves with the clock, <see cref="StartTicks"/> does not.</summary>
    public required DateTimeOffset ProcessStartUtc { get; init; }

    /// <summary>Linux: the start in clock ticks since boot, which compares exactly.</summary>
    public long? StartTicks { get; init; }

    /// <summary>Linux: the namespace that the process id belongs to. The id means another process in another container.</summary>
    public string? ProcessNamespace { get; init; }

    /// <summary>This process.</summary>
    public static ProcessIdentity Current { get; } = Of(Environment.ProcessId)
        ?? throw new InvalidOperationException("The start of this process cannot be read.");

    /// <summary>The identity of a running process of this machine; null when there is none of that id or it cannot be read.</summary>
    public static ProcessIdentity? Of(int processId)
    {
        try
        {
            using var process = Process.GetProcessById(processId);
            var started = new DateTimeOffset(process.StartTime.ToUniversalTime(), TimeSpan.Zero);
            long? ticks = OperatingSystem.IsLinux() && TryReadLinux(processId, out _, out var start) ? start : null;
            return new ProcessIdentity
            {
                Host = Environment.MachineName,
                BootId = ReadBootId(),
                MachineId = s_machineId,
                ProcessId = processId,
                ProcessStartUtc = started,
                StartTicks = ticks,
                ProcessNamespace = ReadNamespace(),
            };
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException or Win32Exception)
        {
            return null;
        }
    }

    /// <summary>True if the process still runs, as far as it can be told from here.</summary>
    public Liveness IsAlive() => OperatingSystem.IsLinux() ? IsAliveOnLinux() : IsAliveElsewhere();

    private Liveness IsAliveOnLinux()
    {
        if (BootId.Length == 0)
            return Liveness.Unknown;
        if (BootId != ReadBootId())
            return SameHost() && (MachineId is null || s_machineId is null || MachineId == s_machineId) ? Liveness.Dead : Liveness.Unknown;
        if (!SameHost() || ProcessNamespace != ReadNamespace())
            return Liveness.Unknown;
        if (TryReadLinux(ProcessId, out var state, out var start))
        {
            if (state is 'Z' or 'X' or 'x')
                return Liveness.Dead;
            return StartTicks is null ? IsAliveElsewhere() : StartTicks == start ? Liveness.Alive : Liveness.Dead;
        }

        // /proc may be mounted so that other users' processes do not show.
        return LibC.Kill(ProcessId, 0) != 0 && Marshal.GetLastPInvokeError() == LibC.Esrch ? Liveness.Dead : Liveness.Unknown;
    }

    private Liveness IsAliveElsewhere()
    {
        if (!SameHost())
            return Liveness.Unknown;
        try
        {
            using var process = Process.GetProcessById(ProcessId);
            var distance = (process.StartTime.ToUniversalTime() - ProcessStartUtc.UtcDateTime).Duration();
            return process.HasExited || distance > StartTolerance ? Liveness.Dead : Liveness.Alive;
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException)
        {
            return Liveness.Dead;
        }
        catch (Win32Exception)
        {
            return Liveness.Unknown; // another user's process
        }
    }

    private bool SameHost() => string.Equals(Host, Environment.MachineName, StringComparison.OrdinalIgnoreCase);

    private static string ReadBootId() =>
        OperatingSystem.IsLinux() ? File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim() : "";

    private static string? ReadMachineId()
    {
        try
        {
            return OperatingSystem.IsLinux() && File.ReadAllText("/etc/machine-id").Trim() is { Length: 32 } id
                ? Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.ASCII.GetBytes(id), "DbBackup"u8))[..32] : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string? ReadNamespace() => OperatingSystem.IsLinux() ? new FileInfo("/proc/self/ns/pid").LinkTarget : null;

    /// <summary>The state and start time of a process. Its name comes before them, in parentheses, and may hold any character.</summary>
    private static bool TryReadLinux(int processId, out char state, out long start)
    {
        state = default;
        start = 0;
        try
        {
            var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/stat"));
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            state = fields[0][0];
            return long.TryParse(fields[19], NumberStyles.None, CultureInfo.InvariantCulture, out start);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
