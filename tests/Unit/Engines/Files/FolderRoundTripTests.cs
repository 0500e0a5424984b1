using DbBackup.Engine.Engines.Files;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Engines.Files;

/// <summary>Measures of the process's memory mean something only while no other test works.</summary>
[CollectionDefinition(nameof(FolderRoundTripTests), DisableParallelization = true)]
public sealed class AloneTests;

[Collection(nameof(FolderRoundTripTests))]
public sealed class FolderRoundTripTests : IDisposable
{
    private readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public async Task A_folder_comes_back_equal_in_every_detail()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The sample has owners, modes and links that only Linux keeps.");
        var source = SampleTree.Create(_temp);
        var tar = await ArchiveAsync(source);

        using var stream = File.OpenRead(tar);
        var summary = await FolderExtractor.ExtractAsync(
            stream, _temp["back"], new ExtractOptions { StripFirstFolder = true, RequireEndMark = true });

        Assert.Empty(summary.Warnings);
        Assert.Equal(TreeSnapshot.Of(source), TreeSnapshot.Of(_temp["back"]));
    }

    [Fact]
    public async Task Two_archives_of_an_unchanged_folder_are_the_same_bytes()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The sample has owners, modes and links that only Linux keeps.");
        var source = SampleTree.Create(_temp);
        var first = await File.ReadAllBytesAsync(await ArchiveAsync(source, "1.tar"));
        var second = await File.ReadAllBytesAsync(await ArchiveAsync(source, "2.tar"));
        Assert.True(first.AsSpan().SequenceEqual(second));
    }

    [Fact]
    public async Task The_size_measured_before_is_the_size_written_and_rather_too_much_than_too_little()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The sample has owners, modes and links that only Linux keeps.");
        var source = SampleTree.Create(_temp);
        var measured = new FolderArchiver().Measure(source);
        using var target = new MemoryStream();
        var summary = await new FolderArchiver().WriteAsync(source, target);
        Assert.Equal(measured.Entries, summary.Entries);
        Assert.Equal(measured.ContentBytes, summary.ContentBytes);
        Assert.True(measured.ArchiveBytes >= target.Length * 0.9);

        target.Position = 0;
        var inspected = await TarInspector.ReadToEndAsync(target);
        Assert.Equal((summary.Entries, summary.ContentBytes), (inspected.Entries, inspected.ContentBytes));
    }

    [Fact]
    public async Task A_single_file_is_archived_under_its_own_name()
    {
        File.WriteAllText(_temp["one.txt"], "one");
        var tar = await ArchiveAsync(_temp["one.txt"]);
        using var stream = File.OpenRead(tar);
        await FolderExtractor.ExtractAsync(stream, _temp["back"]);
        Assert.Equal("one", await File.ReadAllTextAsync(_temp["back/one.txt"]));
    }

    [Fact]
    public async Task A_folder_reached_through_a_link_is_archived_under_the_links_name()
    {
        Directory.CreateDirectory(_temp["real"]);
        File.WriteAllText(_temp["real/a"], "a");
        Directory.CreateSymbolicLink(_temp["uploads"], _temp["real"]);
        using var stream = File.OpenRead(await ArchiveAsync(_temp["uploads"]));
        await FolderExtractor.ExtractAsync(stream, _temp["back"]);
        Assert.Equal("a", await File.ReadAllTextAsync(_temp["back/uploads/a"]));
    }

    [Fact]
    public async Task The_repository_and_the_database_within_a_folder_are_left_out()
    {
        Directory.CreateDirectory(_temp["data/backups/old"]);
        foreach (var name in (string[])["app.db", "app.db-wal", "app.db-shm", "app.db-journal", "app.db.txt", "backups/old/x", "photo"])
            File.WriteAllText(_temp["data/" + name], "x");
        var excludes = new FolderExcludes().Add(_temp["data/backups"]).AddDatabase(_temp["data/app.db"], ["-wal", "-shm", "-journal"]);
        using var target = new MemoryStream();
        await new FolderArchiver { Exclude = excludes.IsExcluded }.WriteAsync(_temp["data"], target);
        target.Position = 0;
        await FolderExtractor.ExtractAsync(target, _temp["back"], new ExtractOptions { StripFirstFolder = true });
        Assert.Equal(["app.db.txt", "photo"], Directory.GetFileSystemEntries(_temp["back"]).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task A_missing_folder_is_a_failure_and_no_empty_archive()
    {
        using var target = new MemoryStream();
        var failure = await Assert.ThrowsAsync<BackupFailure>(() => new FolderArchiver().WriteAsync(_temp["nowhere"], target));
        Assert.Equal(ErrorCodes.SourceNotFound, failure.Code);
        Assert.Equal(0, target.Length);
    }

    [Fact]
    public async Task A_cancelled_archive_has_no_end_mark()
    {
        Directory.CreateDirectory(_temp["uploads"]);
        for (var i = 0; i < 50; i++)
            File.WriteAllBytes(_temp[$"uploads/{i}"], new byte[100_000]);
        using var stop = new CancellationTokenSource();
        using var target = new MemoryStream();
        var progress = new Synchronous(bytes => { if (bytes > 2_000_000) stop.Cancel(); });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => new FolderArchiver().WriteAsync(_temp["uploads"], target, progress, stop.Token));
        target.Position = 0;
        var failure = await Assert.ThrowsAsync<BackupFailure>(() => TarInspector.ReadToEndAsync(target));
        Assert.Equal(ErrorCodes.BackupDamaged, failure.Code);
    }

    [Fact]
    public async Task Fifty_thousand_small_files_take_little_memory()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The sample has owners, modes and links that only Linux keeps.");
        for (var folder = 0; folder < 50; folder++)
        {
            Directory.CreateDirectory(_temp[$"many/{folder}"]);
            for (var i = 0; i < 1000; i++)
                File.WriteAllText(_temp[$"many/{folder}/{i}.txt"], "small");
        }

        // What stays, not what passes: the peak is sampled while the archive is written and read.
        var before = GC.GetTotalMemory(forceFullCollection: true);
        long peak = 0;
        using (var target = new ProbingStream(() => peak = Math.Max(peak, GC.GetTotalMemory(forceFullCollection: true) - before)))
        {
            var summary = await new FolderArchiver().WriteAsync(_temp["many"], target);
            Assert.Equal(50_051, summary.Entries);
        }

        Assert.InRange(peak, 1, 8_000_000);
    }

    private async Task<string> ArchiveAsync(string source, string name = "our.tar")
    {
        using var file = File.Create(_temp[name]);
        var summary = await new FolderArchiver().WriteAsync(source, file);
        Assert.Empty(summary.Warnings);
        return _temp[name];
    }

    private sealed class Synchronous(Action<long> heard) : IProgress<long>
    {
        public void Report(long value) => heard(value);
    }

    /// <summary>Keeps nothing and looks at the memory now and then.</summary>
    private sealed class ProbingStream(Action probe) : MemoryStream
    {
        private int _writes;

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_writes++ % 50 == 0)
                probe();
            return ValueTask.CompletedTask;
        }
    }
}
