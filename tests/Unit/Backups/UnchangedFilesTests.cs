using System.Globalization;
using System.Text;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Encryption;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Backups;

/// <summary>
/// Incremental backups of folders take the content of unchanged files from the full backup. Each is compared with a full backup of the same
/// moment: the archives have the same bytes.
/// </summary>
public sealed class UnchangedFilesTests : IDisposable
{
    private const int Files = 60;

    // The full backup counts as made this much later than its files, so that tests need not wait.
    private static readonly TimeSpan s_later = TimeSpan.FromMinutes(10);

    private readonly Workbench _bench = new();
    private readonly string _folder;

    public UnchangedFilesTests()
    {
        _folder = Directory.CreateDirectory(_bench["uploads"]).FullName;
        for (int file = 0; file < Files; file++)
        {
            Directory.CreateDirectory(Path.Join(_folder, $"sub{file % 3}"));
            File.WriteAllBytes(PathOf(file), Content(file, 100_000 + (file * 7)));
        }
    }

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task UnchangedFilesAreNotReadAndTheArchiveIsThatOfAFullBackup()
    {
        RequireTellingTimes();
        await FullAsync();
        File.WriteAllText(PathOf(5), "shorter");
        File.Delete(PathOf(6));
        File.WriteAllText(Path.Join(_folder, "sub0", "new.txt"), "new");
        await AssertLikeAFullOneAsync(Files - 2);
    }

    [Fact]
    public async Task AVerifiedOneIsReadBackWithItsWholeHash()
    {
        RequireTellingTimes();
        await FullAsync();
        File.WriteAllText(PathOf(5), "shorter");
        Backup made = await _bench.BackUpAsync(Request(BackupMethod.Incremental) with { Verify = true });
        Assert.Equal(BackupStatus.Restored, made.Status);
        Assert.Equal(Files - 1, _unchanged);
        Directory.Delete(_folder, recursive: true);
        await _bench.RestoreAsync(made);
        Assert.Equal("shorter", File.ReadAllText(PathOf(5)));
        Assert.Equal(Content(8, 100_056), File.ReadAllBytes(PathOf(8)));
    }

    [Fact]
    public async Task ContentThatChangedUnderTheSameSizeAndTimeIsRead()
    {
        RequireTellingTimes();
        await FullAsync();
        DateTime before = File.GetLastWriteTimeUtc(PathOf(5));
        File.WriteAllBytes(PathOf(5), Content(999, 100_035));
        File.SetLastWriteTimeUtc(PathOf(5), before);
        await AssertLikeAFullOneAsync(Files - 1);
    }

    [Fact]
    public async Task AnotherFileInItsPlaceIsRead()
    {
        RequireTellingTimes();
        await FullAsync();
        // File systems give a number that became free to the next file: by number, size and time it may be the same file.
        DateTime before = File.GetLastWriteTimeUtc(PathOf(5));
        File.Delete(PathOf(5));
        File.WriteAllBytes(PathOf(5), Content(998, 100_035));
        File.SetLastWriteTimeUtc(PathOf(5), before);
        await AssertLikeAFullOneAsync(Files - 1);
    }

    [Fact]
    public async Task FilesThatWereChangedJustBeforeTheFullBackupAreRead()
    {
        RequireTellingTimes();
        await FullAsync(TimeSpan.Zero);
        await AssertLikeAFullOneAsync(0);
    }

    [Theory]
    // Before the full backup, so that its files have changed in the future.
    [InlineData(-60, 600, 0)]
    // Between the two.
    [InlineData(10, -600, Files - 1)]
    public async Task AClockThatWasSetBackHidesNoChange(int fullMinutes, int nextMinutes, int unchanged)
    {
        RequireTellingTimes();
        await FullAsync(TimeSpan.FromMinutes(fullMinutes));
        DateTime before = File.GetLastWriteTimeUtc(PathOf(5));
        File.WriteAllBytes(PathOf(5), Content(997, 100_035));
        File.SetLastWriteTimeUtc(PathOf(5), before);
        await AssertLikeAFullOneAsync(unchanged, clock: new FixedClock(DateTimeOffset.UtcNow.AddMinutes(nextMinutes)));
    }

    [Fact]
    public async Task LinksHolesAttributesModesAndRenamesAreThoseOfAFullBackup()
    {
        RequireTellingTimes();
        Assert.True(UnixFile.TryLink(PathOf(1), Path.Join(_folder, "sub1", "zz-second")));
        using (FileStream sparse = File.Create(Path.Join(_folder, "sub0", "sparse")))
        {
            sparse.SetLength(3 << 20);
            sparse.Position = 1 << 20;
            sparse.Write("data"u8);
        }

        bool hasAttributes = ExtendedAttributes.Set(PathOf(2), new ExtendedAttribute("user.comment", Encoding.ASCII.GetBytes("one"))) == 0;
        await FullAsync();

        Assert.True(UnixFile.TryLink(PathOf(3), Path.Join(_folder, "a-second-name")));
        File.Delete(PathOf(1));
        if (hasAttributes)
            ExtendedAttributes.Set(PathOf(7), new ExtendedAttribute("user.comment", Encoding.ASCII.GetBytes("two")));
        Assert.True(UnixFile.TrySetOwner(PathOf(8), UnixFile.EffectiveUserId!.Value, UnixFile.EffectiveGroupId!.Value));
        Directory.Move(Path.Join(_folder, "sub1"), Path.Join(_folder, "renamed"));
        // Read: two whose links changed, one given to its owner again, one with another attribute, and the file with holes. The renamed folder's files are not.
        await AssertLikeAFullOneAsync(Files - 3 - (hasAttributes ? 1 : 0));
    }

    [Fact]
    public async Task ADatabaseThatIsKeptAsAFileIsLookedAtEachTime()
    {
        RequireTellingTimes();
        byte[] broken = [.. "SQLite format 3\0"u8, .. Content(1, 9000)];
        File.WriteAllBytes(Path.Join(_folder, "broken.db"), broken);
        Backup full = await FullAsync();
        Backup next = await AssertLikeAFullOneAsync(Files);
        Assert.NotEmpty(full.Manifest!.Notes);
        Assert.Equal(full.Manifest.Notes, next.Manifest!.Notes);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ContentOfTheFullBackupThatIsNotWhatWasWrittenIsNotUsed(bool isForged)
    {
        RequireTellingTimes();
        Backup full = await FullAsync();
        string payload = Path.Join(full.Location, "uploads.tar.zst");
        if (isForged)
            Forge(payload);
        else
            Flip(payload, 2000);
        Backup made = await _bench.BackUpAsync(Request(BackupMethod.Incremental));
        Assert.Equal(BackupMethod.Full, made.Method);
        Assert.Contains(_bench.Observer.Warnings, warning => warning.Contains(full.Name, StringComparison.Ordinal) && warning.Contains("Test-DbBackup", StringComparison.Ordinal));
        Assert.Equal((await FullAsync()).Manifest!.Payloads[0].OriginalSha256, made.Manifest!.Payloads[0].OriginalSha256);
    }

    [Fact]
    public async Task ADamagedListIsNotUsed()
    {
        RequireTellingTimes();
        Backup full = await FullAsync();
        string payload = Path.Join(full.Location, "uploads.tar.zst");
        int list = File.ReadAllBytes(payload).AsSpan().LastIndexOf("DBBF"u8);
        Assert.True(list > 0);
        // Past the hashes of two frames: in the facts of a file.
        Flip(payload, list + 12 + (2 * 32) + 20);
        await AssertLikeAFullOneAsync(null);
        Assert.Contains(_bench.Observer.Warnings, warning => warning.Contains("is read, for", StringComparison.Ordinal) && warning.Contains(full.Name, StringComparison.Ordinal));
    }

    [Fact]
    public async Task AFullBackupWithoutAListIsStillAParent()
    {
        RequireTellingTimes();
        // One block has no index, and no list.
        for (int file = 4; file < Files; file++)
            File.Delete(PathOf(file));
        Backup full = await FullAsync();
        Assert.Null(full.Manifest!.Payloads[0].CatalogSha256);
        File.WriteAllText(PathOf(1), "shorter");
        await AssertLikeAFullOneAsync(null);
    }

    [Fact]
    public async Task FilesAreReadWhereTheRepositoryIsNoFolder()
    {
        RequireTellingTimes();
        using var remote = new Workbench(store: new MemoryBucket());
        var later = new FixedClock(DateTimeOffset.UtcNow + s_later);
        Assert.NotNull((await remote.BackUpAsync(Request(BackupMethod.Full), later)).Manifest!.Payloads[0].CatalogSha256);
        remote.Observer.At = Listen;
        Assert.Equal(BackupMethod.Incremental, (await remote.BackUpAsync(Request(BackupMethod.Incremental), later)).Method);
        Assert.Null(_unchanged);
    }

    [Fact]
    public async Task AnEncryptedBackupShowsNoListAndUsesIt()
    {
        RequireTellingTimes();
        string recipient = IdentityFile.Create(_bench["my.key"]);
        var ring = new KeyRing();
        ring.AddIdentity(_bench["my.key"], path => path);
        var holder = new BackupRepository(_bench.Store) { Keys = ring };
        Task<Backup> MakeAsync(string method) => new BackupService(holder, new FixedClock(DateTimeOffset.UtcNow + s_later))
            .CreateAsync(Request(method) with { Sealing = BackupSealing.To([recipient]) }, _bench.Observer, CancellationToken.None);
        Backup full = await MakeAsync(BackupMethod.Full);
        Assert.DoesNotContain("catalogSha256", File.ReadAllText(Path.Join(full.Location, "backup.json")), StringComparison.OrdinalIgnoreCase);
        Assert.Equal(-1, File.ReadAllBytes(Path.Join(full.Location, "uploads.tar.zst.age")).AsSpan().IndexOf("DBBF"u8));
        File.WriteAllText(PathOf(5), "shorter");
        _bench.Observer.At = Listen;
        Backup made = await MakeAsync(BackupMethod.Incremental);
        Assert.Equal(Files - 1, _unchanged);
        Assert.Equal((await MakeAsync(BackupMethod.Full)).Manifest!.Payloads[0].OriginalSha256, made.Manifest!.Payloads[0].OriginalSha256);
    }

    private int? _unchanged;

    private void Listen(string message)
    {
        if (message.EndsWith("were not read.", StringComparison.Ordinal))
            _unchanged = int.Parse(message.Split(' ')[0], CultureInfo.InvariantCulture);
    }

    private string PathOf(int file) => Path.Join(_folder, $"sub{file % 3}", $"{file:D3}.bin");

    private static byte[] Content(int seed, int length)
    {
        byte[] content = new byte[length];
        new Random(seed).NextBytes(content);
        return content;
    }

    private BackupRequest Request(string method) => new() { Sources = [new FolderSource(_folder)], Method = new MethodChoice { Method = method }, AllowCollapse = true };

    private async Task<Backup> FullAsync(TimeSpan? later = null)
    {
        Backup full = await _bench.BackUpAsync(Request(BackupMethod.Full), new FixedClock(DateTimeOffset.UtcNow + (later ?? s_later)));
        _bench.Observer.At = Listen;
        _unchanged = null;
        return full;
    }

    private async Task<Backup> AssertLikeAFullOneAsync(int? unchanged, TimeProvider? clock = null)
    {
        Backup made = await _bench.BackUpAsync(Request(BackupMethod.Incremental), clock);
        Assert.Equal(BackupMethod.Incremental, made.Method);
        // Nothing is listed where no file was settled, and then nothing is told.
        Assert.Equal(unchanged == 0 ? null : unchanged, _unchanged);
        Payload whole = (await _bench.BackUpAsync(Request(BackupMethod.Full), clock)).Manifest!.Payloads[^1], own = made.Manifest!.Payloads[^1];
        Assert.Equal((whole.OriginalSize, whole.OriginalSha256, whole.EntryCount, whole.HoleBytes), (own.OriginalSize, own.OriginalSha256, own.EntryCount, own.HoleBytes));
        Assert.Null(own.CatalogSha256);
        Assert.True((await _bench.TestAsync(made, BackupTestLevel.Restore)).Passed);
        return made;
    }

    private static void Flip(string file, int place)
    {
        using FileStream stream = File.Open(file, FileMode.Open, FileAccess.ReadWrite);
        stream.Position = place;
        int value = stream.ReadByte();
        stream.Position = place;
        stream.WriteByte((byte)(value ^ 4));
    }

    // A whole frame whose checksum is right, with a byte of a file's content changed.
    private static void Forge(string file)
    {
        byte[] bytes = File.ReadAllBytes(file);
        // The first entry of the seek table, which has two blocks, the list and the index.
        int size = (int)BitConverter.ToUInt32(bytes, bytes.Length - 9 - (8 * 4));
        var block = new PayloadBlock(PayloadWriteOptions.DefaultBlockSize) { Length = PayloadWriteOptions.DefaultBlockSize };
        using (var decoder = new ZstdFrameDecoder(ZstdLibrary.Best))
            decoder.Decode(bytes.AsSpan(0, size), [], block.Original);
        block.Original[50_000] ^= 1;
        using var compressor = BlockCompressor.Create(new PayloadWriteOptions { Compression = PayloadCompression.Zstd });
        compressor.Compress(block, CancellationToken.None);
        Assert.Equal(size, block.Stored.Length);
        block.Stored.Span.CopyTo(bytes);
        File.WriteAllBytes(file, bytes);
    }

    // FAT, tmpfs and shares do not tell; nor does another system than Linux.
    private void RequireTellingTimes() => Assert.SkipUnless(FileSystemFormat.KeepsChangeTimes(_bench.Folder.Path), "The file system of the folder for temporary files keeps no times that tell of a change.");
}
