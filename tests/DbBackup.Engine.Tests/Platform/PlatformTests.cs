using System.Diagnostics;
using System.Text.Json;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Tests.Testing;

namespace DbBackup.Engine.Tests.Platform;

public sealed class PlatformTests : IDisposable
{
    private readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [SkippableFact]
    public void A_process_that_has_a_file_open_is_found_and_this_one_is_not()
    {
        Require.Tool("sh");
        File.WriteAllText(_temp["file"], "x");
        using var own = File.OpenRead(_temp["file"]);
        using var child = Shell.Start("sh", "-c", "exec 3<'" + _temp["file"] + "'; echo ready; exec sleep 30");
        try
        {
            Assert.Equal("ready", child.StandardOutput.ReadLine());
            var holder = Assert.Single(OpenFiles.HoldersOf([_temp["file"]]).Holders);
            Assert.Equal((child.Id, _temp["file"]), (holder.ProcessId, holder.Path));
        }
        finally
        {
            child.Kill();
            child.WaitForExit();
        }

        Assert.Empty(OpenFiles.HoldersOf([_temp["file"]]).Holders);
    }

    [Fact]
    public void What_lsof_prints_is_read() => Assert.Equal(
        [new FileHolder(12, "sqlite3", "/a b"), new FileHolder(34, "python", "/a b")],
        OpenFiles.ParseLsof("p12\ncsqlite3\nf3\nn/a b\nf4\nn/a b\np34\ncpython\nf1\nn/a b\n"));

    [SkippableFact]
    public void A_child_is_alive_until_it_is_killed()
    {
        Require.Tool("sleep");
        using var child = Process.Start("sleep", "30");
        var identity = ProcessIdentity.Of(child.Id)!;
        identity = JsonSerializer.Deserialize<ProcessIdentity>(JsonSerializer.Serialize(identity))!;
        Assert.Equal(Liveness.Alive, identity.IsAlive());
        child.Kill();
        child.WaitForExit();
        Assert.Equal(Liveness.Dead, identity.IsAlive());
    }

    [Fact]
    public void Another_process_under_the_same_id_is_not_taken_for_the_first()
    {
        var now = ProcessIdentity.Current;
        Assert.Equal(Liveness.Alive, now.IsAlive());
        var earlier = now with { ProcessStartUtc = now.ProcessStartUtc.AddHours(-1), StartTicks = now.StartTicks - 360_000 };
        Assert.Equal(Liveness.Dead, earlier.IsAlive());
        Assert.Equal(Liveness.Unknown, (now with { Host = "elsewhere" }).IsAlive());
        if (OperatingSystem.IsLinux())
            Assert.Equal(Liveness.Dead, (now with { BootId = "an earlier boot" }).IsAlive());
    }

    [Fact]
    public void A_folder_is_never_moved_onto_an_empty_one()
    {
        Directory.CreateDirectory(_temp["from/x"]);
        Directory.CreateDirectory(_temp["to"]);
        var failure = Assert.Throws<BackupFailure>(() => DurableFiles.MoveDirectoryNoReplace(_temp["from"], _temp["to"]));
        Assert.Equal(ErrorCodes.DestinationExists, failure.Code);
        DurableFiles.FlushTree(_temp["from"]);
        DurableFiles.MoveDirectoryNoReplace(_temp["from"], _temp["new"]);
        Assert.True(Directory.Exists(_temp["new/x"]));
    }

    [SkippableFact]
    public void Room_is_that_of_the_mount_the_path_lies_on()
    {
        Assert.True(VolumeSpace.Available(_temp["not/yet/there"]) > 0);
        Assert.True(VolumeSpace.SameVolume(_temp["x/y"], _temp["z"]));
        Skip.IfNot(Directory.Exists("/dev/shm") && OperatingSystem.IsLinux());
        Assert.Equal(new DriveInfo("/dev/shm").TotalFreeSpace, VolumeSpace.Available("/dev/shm/not/there")!.Value, 1e7);
        Assert.False(VolumeSpace.SameVolume("/dev/shm/x", "/proc/x"));
    }
}
