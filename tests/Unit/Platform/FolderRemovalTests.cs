using DbBackup.Engine.Platform;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Platform;

public sealed class FolderRemovalTests
{
    [Fact]
    public void Everything_in_a_folder_goes_and_nothing_that_its_links_lead_to()
    {
        using var folder = new TempFolder();
        string outside = Filled(folder["outside"]);
        string target = Filled(folder["target"]);
        Directory.CreateSymbolicLink(Path.Join(target, "link"), outside);
        Directory.CreateSymbolicLink(Path.Join(target, "sub", "up"), "../../outside");
        File.CreateSymbolicLink(Path.Join(target, "dangling"), "nowhere");

        FolderRemoval.Delete(target + Path.DirectorySeparatorChar);

        Assert.False(Directory.Exists(target));
        Assert.Equal(3, Directory.GetFiles(outside, "*", SearchOption.AllDirectories).Length);
    }

    [Fact]
    public void Thousands_of_entries_and_folders_that_keep_their_owner_out_go()
    {
        using var folder = new TempFolder();
        string target = Filled(folder["target"]);
        for (int i = 0; i < 5000; i++)
            File.WriteAllBytes(Path.Join(target, $"file {i}"), []);
        string deep = target;
        for (int i = 0; i < 300; i++)
            Directory.CreateDirectory(deep = Path.Join(deep, "deeper"));
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(Path.Join(target, "sub"), UnixFileMode.None);

        FolderRemoval.Delete(target);

        Assert.False(Directory.Exists(target));
        Assert.Throws<DirectoryNotFoundException>(() => FolderRemoval.Delete(target));
    }

    [Fact]
    public void A_link_in_a_folders_place_is_no_folder_of_ours()
    {
        using var folder = new TempFolder();
        string outside = Filled(folder["outside"]);
        Directory.CreateSymbolicLink(folder["link"], outside);

        Assert.False(FolderRemoval.IsOwn(folder["link"]));
        Assert.False(FolderRemoval.DeleteOwn(folder["link"]));
        Assert.True(FolderRemoval.DeleteOwn(Filled(folder["own"])));

        Assert.True(Path.Exists(folder["link"]));
        Assert.Equal(3, Directory.GetFiles(outside, "*", SearchOption.AllDirectories).Length);
    }

    [Fact]
    public void A_folder_of_another_user_stays()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && UnixFile.EffectiveUserId == 0, "Only root can give a folder to another user.");
        using var folder = new TempFolder();
        string foreign = Filled(folder["foreign"]);
        UnixFile.TrySetOwner(foreign, 65534, 65534);

        Assert.False(FolderRemoval.DeleteOwn(foreign));

        Assert.Equal(3, Directory.GetFiles(foreign, "*", SearchOption.AllDirectories).Length);
    }

    [Fact]
    public void Folders_that_somebody_changes_for_links_meanwhile_lead_nowhere()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Deleting by handles is Linux's.");
        using var folder = new TempFolder();
        string outside = Filled(folder["outside"]);
        for (int round = 0; round < 40; round++)
        {
            string target = folder[$"target{round}"];
            for (int i = 0; i < 20; i++)
                Filled(Path.Join(target, $"d{i}"));
            using var stop = new CancellationTokenSource();
            // What is swapped for a link and back again, as fast as it goes, while the folder is deleted.
            var attacker = new Thread(() =>
            {
                while (!stop.IsCancellationRequested)
                {
                    for (int i = 0; i < 20; i++)
                    {
                        string victim = Path.Join(target, $"d{i}");
                        try
                        {
                            Directory.Move(victim, victim + "-away");
                            File.CreateSymbolicLink(victim, outside);
                            File.Delete(victim);
                            Directory.Move(victim + "-away", victim);
                        }
                        catch (IOException)
                        {
                            // It is deleted already.
                        }
                    }
                }
            });
            attacker.Start();
            try
            {
                FolderRemoval.Delete(target);
            }
            catch (IOException)
            {
                // Something was put there at the last moment.
            }

            stop.Cancel();
            attacker.Join();
            Assert.Equal(3, Directory.GetFiles(outside, "*", SearchOption.AllDirectories).Length);
        }
    }

    private static string Filled(string folder)
    {
        Directory.CreateDirectory(Path.Join(folder, "sub"));
        foreach (string name in (string[])["a", "b", Path.Join("sub", "c")])
            File.WriteAllText(Path.Join(folder, name), name);
        return folder;
    }
}
