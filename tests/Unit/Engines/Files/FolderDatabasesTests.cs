using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Engine.Restores;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Engines.Files;

/// <summary>SQLite databases in a folder that is backed up with others: PocketBase's logs.db beside its data.db, caches, thumbnails.</summary>
public sealed class FolderDatabasesTests : IDisposable
{
    private readonly Workbench _bench = new();

    public FolderDatabasesTests() => Directory.CreateDirectory(_bench["data/deep"]);

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task A_second_database_of_a_folder_comes_back_with_what_only_its_log_held()
    {
        SampleDatabase.Create(_bench["data/data.db"], journal: "WAL");
        SampleDatabase.Create(_bench["data/deep/logs.db"], journal: "WAL");
        File.WriteAllText(_bench["data/a.txt"], "a");
        using SqliteDatabase writer = OpenInLog(_bench["data/deep/logs.db"], "INSERT INTO notes VALUES (1000, 'only in the log', '')");

        Backup backup = await _bench.BackUpAsync(_bench["data/data.db"], _bench["data"]);
        RestoreResult result = await _bench.RestoreAsync(new RestoreRequest { Backup = backup, Destination = _bench["back/"] });

        Assert.Equal(["a.txt", "data.db", "deep", "logs.db"], Directory.EnumerateFileSystemEntries(_bench["back/data"], "*", SearchOption.AllDirectories).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal));
        Assert.Equal("101", SampleDatabase.Text(_bench["back/data/deep/logs.db"], "SELECT count(*) FROM notes"));
        Assert.Equal("ok", SampleDatabase.Text(_bench["back/data/deep/logs.db"], "PRAGMA integrity_check"));
        Assert.Equal("100", SampleDatabase.Text(_bench["back/data/data.db"], "SELECT count(*) FROM notes"));
        Assert.Equal(BackupStatus.Matched, result.Status);
        Assert.Equal(["data.db", "logs.db"], backup.Manifest!.Payloads.Where(payload => payload.Fingerprint is not null).Select(payload => payload.RestoreName).Order(StringComparer.Ordinal));
        Assert.Equal(BackupStatus.Matched, (await _bench.TestAsync(backup, BackupTestLevel.Restore)).Status);
    }

    [Fact]
    public async Task A_folder_of_databases_alone_and_a_single_database_as_additional_path_go_through_sqlite()
    {
        SampleDatabase.Create(_bench["app.db"]);
        SampleDatabase.Create(_bench["data/one.db"], journal: "WAL");
        SampleDatabase.Create(_bench["second.db"], journal: "WAL");
        using SqliteDatabase first = OpenInLog(_bench["data/one.db"], "DELETE FROM notes WHERE id > 7");
        using SqliteDatabase second = OpenInLog(_bench["second.db"], "DELETE FROM notes WHERE id > 5");

        Backup backup = await _bench.BackUpAsync(_bench["app.db"], _bench["data"], _bench["second.db"]);
        await _bench.RestoreAsync(new RestoreRequest { Backup = backup, Destination = _bench["back/"] });

        Assert.False(File.Exists(_bench["back/second.db-wal"]));
        Assert.Equal("7", SampleDatabase.Text(_bench["back/data/one.db"], "SELECT count(*) FROM notes"));
        Assert.Equal("5", SampleDatabase.Text(_bench["back/second.db"], "SELECT count(*) FROM notes"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task A_damaged_database_among_files_is_kept_as_it_is_and_marked(int page)
    {
        SampleDatabase.Create(_bench["app.db"]);
        SampleDatabase.Create(_bench["data/cache.db"], rows: 2000);
        SampleDatabase.DamagePage(_bench["data/cache.db"], page + 1, keep: page == 0 ? 100 : 0);
        File.WriteAllText(_bench["data/photo.jpg"], "photo");
        byte[] damaged = File.ReadAllBytes(_bench["data/cache.db"]);

        Backup backup = await _bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(_bench["app.db"]), new FolderSource(_bench["data"])], Verify = true });

        Assert.Contains(_bench.Observer.Warnings, warning => warning.Contains("cache.db", StringComparison.Ordinal));
        Assert.Contains(backup.Manifest!.Notes, note => note.Contains(_bench["data/cache.db"], StringComparison.Ordinal));
        Assert.True(backup.IsGood);
        Assert.True((await _bench.TestAsync(backup, BackupTestLevel.Restore)).Passed);
        Directory.Delete(_bench["data"], recursive: true);
        await _bench.RestoreAsync(backup);
        Assert.Equal("photo", File.ReadAllText(_bench["data/photo.jpg"]));
        // SQLite counts its own copy as a change, in the header.
        Assert.Equal(damaged[100..], File.ReadAllBytes(_bench["data/cache.db"])[100..]);
    }

    [Fact]
    public async Task What_is_excluded_is_not_in_the_backup()
    {
        SampleDatabase.Create(_bench["app.db"]);
        SampleDatabase.Create(_bench["data/cache.db"], journal: "WAL");
        Directory.CreateDirectory(_bench["data/thumbs/small"]);
        foreach (string name in (string[])["thumbs/1.png", "thumbs/small/2.png", "deep/thumbs.txt", "deep/a.tmp", "b.tmp", "keep.txt"])
            File.WriteAllText(_bench["data/" + name], name);
        using SqliteDatabase open = OpenInLog(_bench["data/cache.db"], "DELETE FROM notes");

        Backup backup = await _bench.BackUpAsync(new BackupRequest
        {
            Sources = [Workbench.Sqlite(_bench["app.db"]), new FolderSource(_bench["data"]) { Exclude = ["*.tmp", "/thumbs", "cache.db"] }],
        });
        await _bench.RestoreAsync(new RestoreRequest { Backup = backup, Destination = _bench["back/"] });

        Assert.Equal(
            ["deep", "thumbs.txt", "keep.txt"],
            Directory.EnumerateFileSystemEntries(_bench["back/data"], "*", SearchOption.AllDirectories).Select(path => Path.GetFileName(path)!).OrderBy(name => name == "keep.txt"));
        Assert.Contains("Without '/thumbs' of data.", backup.Manifest!.Notes);
    }

    [Fact]
    public async Task Logs_count_for_no_room_and_a_database_for_the_pages_that_it_has()
    {
        SampleDatabase.Create(_bench["data/app.db"], rows: 50, journal: "WAL");
        using SqliteDatabase writer = OpenInLog(_bench["data/app.db"], "SELECT 1");
        for (int i = 0; i < 400; i++)
            writer.ExecuteRaw(FormattableString.Invariant($"UPDATE notes SET text = '{i}'"));
        Assert.True(new FileInfo(_bench["data/app.db-wal"]).Length > 4 << 20);

        Engine.Engines.SourcePreview database = await Workbench.Sqlite(_bench["data/app.db"]).InspectAsync(CancellationToken.None);
        Engine.Engines.SourcePreview folder = await new FolderSource(_bench["data"]).InspectAsync(CancellationToken.None);

        Assert.InRange(database.StagingBytes, 4096, 100_000);
        Assert.InRange(folder.ContentBytes + folder.StagingBytes, 4096, 200_000);
    }

    [Fact]
    public async Task Holes_in_files_take_no_room_and_are_holes_again()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Other systems are not asked for holes.");
        SampleDatabase.Create(_bench["app.db"]);
        using (FileStream disk = File.Create(_bench["data/disk.img"]))
        {
            disk.Write("begin"u8);
            disk.Seek(150_000_000, SeekOrigin.Begin);
            disk.Write("middle"u8);
            disk.SetLength(300_000_000);
        }

        Assert.InRange((await new FolderSource(_bench["data"]).InspectAsync(CancellationToken.None)).ContentBytes, 1, 1_000_000);
        Backup backup = await _bench.BackUpAsync(_bench["app.db"], _bench["data"]);
        Payload files = backup.Manifest!.Payloads[^1];
        Assert.InRange(files.RestoredSize, 1, 1_000_000);
        Assert.True((await _bench.TestAsync(backup, BackupTestLevel.Restore)).Passed);
        await _bench.RestoreAsync(new RestoreRequest { Backup = backup, Destination = _bench["back/"] });

        string restored = _bench["back/data/disk.img"];
        Assert.Equal(300_000_000, new FileInfo(restored).Length);
        Assert.InRange(Engine.Engines.Files.FolderItem.Read(restored, "disk.img").AllocatedBytes, 1, 1_000_000);
        using FileStream read = File.OpenRead(restored);
        byte[] part = new byte[6];
        read.Seek(150_000_000, SeekOrigin.Begin);
        read.ReadExactly(part);
        Assert.Equal("middle"u8.ToArray(), part);
    }

    [Theory]
    [InlineData("*.log", "a.log", true)]
    [InlineData("*.log", "deep/er/a.log", true)]
    [InlineData("*.log", "a.log.txt", false)]
    [InlineData("cache", "deep/cache", true)]
    [InlineData("cache/", "cache", true)]
    [InlineData("/cache", "deep/cache", false)]
    [InlineData("./cache", "cache", true)]
    [InlineData("a/*/c", "a/b/c", true)]
    [InlineData("a/*/c", "a/b/b/c", false)]
    [InlineData("a/**/c", "a/b/b/c", true)]
    [InlineData("a/**/c", "a/c", true)]
    [InlineData("**/c", "a/b/c", true)]
    [InlineData("?.txt", "a.txt", true)]
    [InlineData("?.txt", "ab.txt", false)]
    [InlineData("[a].txt", "[a].txt", true)]
    [InlineData("cache.db", "deep/cache.db-wal", true)]
    [InlineData("cache.db", "deep/other.db-wal", false)]
    public void A_pattern_means_a_name_or_a_path(string pattern, string path, bool expected) =>
        Assert.Equal(expected, new FolderPatterns([pattern]).Exclude(path));

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("../x")]
    public void A_pattern_that_means_nothing_is_refused(string pattern) =>
        Assert.Equal(ErrorCodes.InvalidArgument, Assert.ThrowsAny<BackupException>(() => new FolderPatterns([pattern])).Code);

    private static SqliteDatabase OpenInLog(string path, string sql)
    {
        SqliteDatabase writer = SqliteDatabase.OpenForWriting(path, SampleDatabase.Patience, CancellationToken.None);
        writer.ExecuteRaw("PRAGMA wal_autocheckpoint=0");
        writer.ExecuteRaw(sql);
        return writer;
    }
}
