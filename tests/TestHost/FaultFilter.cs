using System.ComponentModel;
using System.Runtime.InteropServices;

namespace DbBackup.TestHost;

/// <summary>
/// Has the kernel ask another process what becomes of this one's system calls on files (seccomp's user notification). Unlike a library that is
/// loaded before libc it misses none: neither SQLite's nor those that find libc's functions by themselves. The other process finds the listener
/// among this one's open files.
/// </summary>
internal static unsafe class FaultFilter
{
    private const int PrctlNoNewPrivileges = 38;
    private const int SetModeFilter = 1;

    // All threads that there are already; the listener; and an error in place of a thread's number where one cannot follow.
    private const int Flags = 1 | 8 | 16;

    private const ushort Load = 0x20;
    private const ushort JumpIfEqual = 0x15;
    private const ushort Return = 0x06;
    private const uint Allow = 0x7fff0000;
    private const uint Notify = 0x7fc00000;

    /// <summary>Installs the filter.</summary>
    /// <param name="calls">The numbers of the calls.</param>
    public static void Install(IReadOnlyList<int> calls)
    {
        bool isArm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;
        var program = new List<Instruction>
        {
            new(Load, 0, 0, 4),
            new(JumpIfEqual, 1, 0, isArm ? 0xC00000B7 : 0xC000003E),
            new(Return, 0, 0, Allow),
            new(Load, 0, 0, 0),
        };
        for (int index = 0; index < calls.Count; index++)
            program.Add(new Instruction(JumpIfEqual, (byte)(calls.Count - index), 0, (uint)calls[index]));
        program.Add(new Instruction(Return, 0, 0, Allow));
        program.Add(new Instruction(Return, 0, 0, Notify));
        if (Prctl(PrctlNoNewPrivileges, 1, 0, 0, 0) != 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError(), "no_new_privs cannot be set");
        fixed (Instruction* instructions = program.ToArray())
        {
            var whole = new Program { Length = (ushort)program.Count, Instructions = instructions };
            long listener = SystemCall(isArm ? 277 : 317, SetModeFilter, Flags, (nint)(&whole));
            if (listener < 0)
                throw new Win32Exception(Marshal.GetLastPInvokeError(), "the filter cannot be installed");
        }
    }

    [DllImport("libc", EntryPoint = "prctl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Prctl(int option, nuint two, nuint three, nuint four, nuint five);

    [DllImport("libc", EntryPoint = "syscall", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint SystemCall(nint number, nint one, nint two, nint three);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Instruction(ushort Code, byte IfTrue, byte IfFalse, uint Value);

    [StructLayout(LayoutKind.Sequential)]
    private struct Program
    {
        public ushort Length;
        public Instruction* Instructions;
    }
}
