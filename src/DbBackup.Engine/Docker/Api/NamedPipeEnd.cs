using System.ComponentModel;
using System.IO.Pipes;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace DbBackup.Engine.Docker.Api;

/// <summary>Ends the input of the engine's named pipe: it is a pipe of messages, and an empty one says the end. The framework writes no empty ones.</summary>
internal static partial class NamedPipeEnd
{
    private const int IoPending = 997;

    public static ValueTask Send(NamedPipeClientStream pipe)
    {
        if (OperatingSystem.IsWindows())
            WriteNothing(pipe.SafePipeHandle);
        return ValueTask.CompletedTask;
    }

    [SupportedOSPlatform("windows")]
    private static unsafe void WriteNothing(SafePipeHandle pipe)
    {
        using var done = new ManualResetEvent(false);
        // The lowest bit of the event keeps the completion away from the framework's own port.
        var overlapped = new NativeOverlapped { EventHandle = done.SafeWaitHandle.DangerousGetHandle() | 1 };
        byte nothing = 0;
        if (WriteFile(pipe, &nothing, 0, out _, &overlapped))
            return;
        int error = Marshal.GetLastPInvokeError();
        if (error != IoPending)
            throw new IOException(new Win32Exception(error).Message);
        done.WaitOne();
    }

    [LibraryImport("kernel32.dll", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static unsafe partial bool WriteFile(SafePipeHandle handle, byte* bytes, int count, out int written, NativeOverlapped* overlapped);
}
