using System.Diagnostics;
using DbBackup.Engine.Platform;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Platform;

public sealed class MountedFolderTests
{
    [Fact]
    public void What_is_mounted_below_stays()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && UnixFile.EffectiveUserId == 0, "Only root can mount.");
        using var folder = new TempFolder();
        string outside = Filled(folder["outside"]);
        string target = Filled(folder["target"]);
        Directory.CreateDirectory(Path.Join(target, "mounted"));
        Assert.SkipUnless(Run("mount", "--bind", outside, Path.Join(target, "mounted")) == 0, "This machine does not let root mount.");
        try
        {
            Assert.Contains("mounted", Assert.ThrowsAny<IOException>(() => FolderRemoval.Delete(target)).Message, StringComparison.Ordinal);
            Assert.Equal(3, Directory.GetFiles(outside, "*", SearchOption.AllDirectories).Length);
        }
        finally
        {
            Run("umount", Path.Join(target, "mounted"));
        }
    }

    private static int Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode;
    }

    private static string Filled(string folder)
    {
        Directory.CreateDirectory(Path.Join(folder, "sub"));
        foreach (string name in (string[])["a", "b", Path.Join("sub", "c")])
            File.WriteAllText(Path.Join(folder, name), name);
        return folder;
    }
}
