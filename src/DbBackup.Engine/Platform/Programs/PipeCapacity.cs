using System.Runtime.InteropServices;

namespace DbBackup.Engine.Platform;

/// <summary>Lets more bytes wait in a pipe: with Linux's 64 KiB, a dump's writer and reader wake each other thousands of times a second.</summary>
internal static class PipeCapacity
{
    // The most that an unprivileged process may ask for: https://man7.org/linux/man-pages/man7/pipe.7.html
    private const int Bytes = 1 << 20;

    public static void Widen(SafeHandle pipe)
    {
        if (!OperatingSystem.IsLinux())
            return;
        bool taken = false;
        try
        {
            pipe.DangerousAddRef(ref taken);
            // Refused where the user's pipes have their share already; it works all the same, only slower.
            _ = LibC.Fcntl((int)pipe.DangerousGetHandle(), LibC.SetPipeSize, Bytes);
        }
        finally
        {
            if (taken)
                pipe.DangerousRelease();
        }
    }
}
