namespace DbBackup.Testing;

/// <summary>A file system of its own that is soon full. Needs the right to mount, which tests rarely have outside a container.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly TempFolder _parent = new();

    public SmallDisk(int megabytes, string options = "")
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root", "Mounting a file system needs root on Linux.");
        Path = _parent["disk"];
        Directory.CreateDirectory(Path);
        using var mount = Shell.Start("mount", "-t", "tmpfs", "-o", $"size={megabytes}m{options}", "dbbackup-test", Path);
        mount.WaitForExit();
        Assert.SkipWhen(mount.ExitCode != 0, "This machine does not allow a mount.");
    }

    public string Path { get; }

    public string this[string name] => System.IO.Path.Join(Path, name);

    public void MakeReadOnly() => Shell.Run("mount", "-o", "remount,ro", Path);

    /// <summary>Takes all room but so many bytes.</summary>
    public void FillBut(long bytes)
    {
        using FileStream filler = File.Create(this[$"filler-{Guid.NewGuid():N}"]);
        byte[] block = new byte[4096];
        while (new DriveInfo(Path).AvailableFreeSpace > bytes)
            filler.Write(block);
    }

    public void Dispose()
    {
        using (var unmount = Shell.Start("umount", "-l", Path))
            unmount.WaitForExit();
        _parent.Dispose();
    }
}
