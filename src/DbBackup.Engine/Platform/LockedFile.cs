using Microsoft.Win32.SafeHandles;

namespace DbBackup.Engine.Platform;

/// <summary>
/// A file that is locked by its handle. The lock is taken off before the handle is closed: a program that is being started at this moment has
/// a copy of the handle until it runs, and would keep the lock as long.
/// </summary>
internal sealed class LockedFile(SafeFileHandle handle) : FileStream(handle, FileAccess.ReadWrite, 1)
{
    protected override void Dispose(bool disposing)
    {
        if (disposing && CanRead)
        {
            Flush();
            _ = LibC.Flock((int)SafeFileHandle.DangerousGetHandle(), LibC.Unlock);
        }

        base.Dispose(disposing);
    }
}
