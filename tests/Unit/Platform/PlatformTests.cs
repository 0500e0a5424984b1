using DbBackup.Engine.Platform;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Platform;

public sealed class PlatformTests : IDisposable
{
    private readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void What_lsof_prints_is_read() => Assert.Equal(
        [new FileHolder(12, "sqlite3", "/a b"), new FileHolder(34, "python", "/a b")],
        OpenFiles.ParseLsof("p12\ncsqlite3\nf3\nn/a b\nf4\nn/a b\np34\ncpython\nf1\nn/a b\n"));

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

    [Fact]
    public void Room_is_that_of_the_mount_the_path_lies_on()
    {
        Assert.True(VolumeSpace.Available(_temp["not/yet/there"]) > 0);
        Assert.True(VolumeSpace.SameVolume(_temp["x/y"], _temp["z"]));
        Assert.SkipUnless(OperatingSystem.IsLinux() && Directory.Exists("/dev/shm"), "No second mount is known here.");
        Assert.Equal(new DriveInfo("/dev/shm").TotalFreeSpace, VolumeSpace.Available("/dev/shm/not/there")!.Value, 1e7);
        Assert.False(VolumeSpace.SameVolume("/dev/shm/x", "/proc/x"));
    }
}
