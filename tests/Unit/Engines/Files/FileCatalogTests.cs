using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Platform;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Engines.Files;

/// <summary>Which files an incremental backup may take as unchanged.</summary>
public sealed class FileCatalogTests : IDisposable
{
    private static readonly DateTime s_settled = new(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc);
    private static readonly FolderItem s_file = new("/data/a", "data/a", FileKind.File, 10, UnixFileMode.UserRead, s_settled.AddDays(-2).AddTicks(17), 0, 0, null)
    {
        ChangedUtc = s_settled.AddDays(-1).AddTicks(123),
        Identity = new FileIdentity(8, 4711, 5),
    };

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void AFileThatWasLeftAloneTells() => Assert.True(FileCatalog.IsTelling(s_file, s_settled));

    [Fact]
    public void ALargeFileOneWithoutNumberOrFineTimesAndOneThatWasChangedLateDoesNot()
    {
        // As the framework shows files on Windows.
        Assert.False(FileCatalog.IsTelling(s_file with { Identity = default }, s_settled));
        Assert.False(FileCatalog.IsTelling(s_file with { ChangedUtc = s_settled.AddDays(-1) }, s_settled));
        Assert.False(FileCatalog.IsTelling(s_file with { ChangedUtc = s_settled }, s_settled));
        Assert.False(FileCatalog.IsTelling(s_file with { ModifiedUtc = s_settled.AddTicks(1) }, s_settled));
        Assert.True(FileCatalog.IsTelling(s_file with { SizeBytes = FileCatalog.LargestFile }, s_settled));
        Assert.False(FileCatalog.IsTelling(s_file with { SizeBytes = FileCatalog.LargestFile + 1 }, s_settled));
        Assert.False(FileCatalog.IsTelling(s_file with { Kind = FileKind.Directory }, s_settled));
    }

    [Fact]
    public void OneFactThatDiffersMakesItAnotherFile()
    {
        var known = new CatalogedFile(8, 4711, 10, s_file.ModifiedUtc.Ticks, s_file.ChangedUtc.Ticks, 512, false);
        Assert.True(known.IsUnchanged(s_file));
        Assert.True(known.IsUnchanged(s_file with { Path = "/data/renamed/a", Name = "data/renamed/a" }));
        Assert.False(known.IsUnchanged(s_file with { SizeBytes = 11 }));
        Assert.False(known.IsUnchanged(s_file with { ModifiedUtc = s_file.ModifiedUtc.AddTicks(1) }));
        Assert.False(known.IsUnchanged(s_file with { ChangedUtc = s_file.ChangedUtc.AddTicks(1) }));
        Assert.False(known.IsUnchanged(s_file with { Identity = s_file.Identity with { Inode = 4712 } }));
        Assert.False(known.IsUnchanged(s_file with { Identity = s_file.Identity with { Device = 9 } }));
        Assert.False(known.IsUnchanged(s_file with { Kind = FileKind.Fifo }));
    }

    [Theory]
    [InlineData("ext4", true)]
    [InlineData("xfs", true)]
    [InlineData("btrfs", true)]
    [InlineData("overlay", true)]
    [InlineData("tmpfs", false)]
    [InlineData("vfat", false)]
    [InlineData("exfat", false)]
    [InlineData("cifs", false)]
    [InlineData("smb3", false)]
    [InlineData("nfs4", false)]
    [InlineData("fuse", false)]
    [InlineData("9p", false)]
    [InlineData("NTFS", false)]
    [InlineData("", false)]
    public void OnlyLocalFileSystemsWithUnixTimesTell(string format, bool tells) => Assert.Equal(tells, FileSystemFormat.IsKnownToKeepChangeTimes(format));

    [Fact]
    public void TheListIsReadAsItWasWritten()
    {
        Assert.SkipUnless(FileSystemFormat.KeepsChangeTimes(_folder.Path), "The file system of the folder for temporary files keeps no times that tell of a change.");
        var catalog = new FileCatalog(DateTime.UtcNow.AddHours(1), _folder.Path, path => path.EndsWith(".db", StringComparison.Ordinal));
        var random = new Random(3);
        var written = new List<CatalogedFile>();
        long offset = 1024;
        foreach (string name in new[] { "a", "b.db", "c", "d" })
        {
            File.WriteAllBytes(_folder[name], new byte[random.Next(3000)]);
            FolderItem item = FolderItem.Read(_folder[name], name);
            // Times and numbers that lie far apart, also before those of the neighbour.
            item = item with { ModifiedUtc = item.ModifiedUtc.AddDays(-random.Next(20_000)), Identity = item.Identity with { Inode = (ulong)random.NextInt64() } };
            catalog.Add(item, offset, name == "c");
            if (name != "b.db")
                written.Add(new CatalogedFile(item.Identity.Device, item.Identity.Inode, item.SizeBytes, item.ModifiedUtc.Ticks, item.ChangedUtc.Ticks, offset, name == "c"));
            offset += item.SizeBytes + random.Next(10_000);
        }

        Assert.Equal(written.OrderBy(file => file.Inode), FileCatalog.Read(catalog.ToBytes()));
        Assert.Throws<InvalidDataException>(() => FileCatalog.Read(catalog.ToBytes()[..^1]));
    }
}
