using System.Formats.Tar;
using System.Text;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Portability;
using DbBackup.Engine.Repository;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Portability;

/// <summary>A copy of an old backup has a new time: it must not become the newest one by that.</summary>
public sealed class ImportDateTests : IDisposable
{
    private static readonly DateTimeOffset Made = new(new DateTime(2026, 1, 31, 2, 3, 4, DateTimeKind.Local));
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task A_copied_old_backup_does_not_become_the_latest_one()
    {
        Backup live = await _bench.BackUpAsync(SampleDatabase.Create(_bench["shop.db"]));
        string copy = SampleDatabase.Create(_bench["shop_20260131_020304.db"]);
        File.SetLastWriteTimeUtc(copy, DateTime.UtcNow.AddMinutes(1));

        Backup imported = await ImportAsync(copy);

        Assert.Equal(Made, imported.Created);
        Assert.Equal("shop", imported.Source);
        Assert.Equal(live.Name, Assert.Single(BackupSelection.LatestGood(await _bench.ListAsync(), null)).Name);
    }

    [Theory]
    [InlineData("copy.db")]
    [InlineData("copy.sql")]
    [InlineData("data")]
    [InlineData("data.tar")]
    [InlineData("plain.sql")]
    public async Task Where_nothing_tells_the_date_it_is_asked_for(string name)
    {
        string path = Make(name);

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => ImportAsync(path));

        Assert.Equal(ErrorCodes.ImportDateUnknown, failure.Code);
        Assert.Contains("-Created (Get-Item '" + path + "').LastWriteTime", failure.Hint, StringComparison.Ordinal);
        await _bench.AssertNothingListedOrStagedAsync();
        if (name != "data.tar")
            Assert.Equal(ErrorCodes.ImportDateUnknown, Assert.ThrowsAny<BackupException>(() => new BackupImporter(_bench.Repository).Inspect(path, null)).Code);

        Assert.Equal(Made, (await ImportAsync(path, created: Made)).Created);
    }

    [Theory]
    [InlineData("plain-2026-01-31T02:03:04.sql")]
    [InlineData("2026-01-31 02.03.04/plain.sql")]
    [InlineData("data-20260131-020304.tar")]
    [InlineData("data-20260131-020304/")]
    public async Task The_name_tells_it(string name)
    {
        string path = Make(name);

        Backup backup = await ImportAsync(path);

        Assert.Equal(Made, backup.Created);
        Assert.Equal(name.Contains("data", StringComparison.Ordinal) ? "app" : "plain", backup.Source);
    }

    [Fact]
    public async Task A_link_has_the_date_of_the_file_to_which_it_leads()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege there.");
        Make("plain-20260131T020304.sql");
        File.CreateSymbolicLink(_bench["latest.sql"], "plain-20260131T020304.sql");

        Assert.Equal(Made, (await ImportAsync(_bench["latest.sql"])).Created);
    }

    [Fact]
    public async Task The_content_goes_before_the_name_and_the_person_before_both()
    {
        string path = _bench["plain_20250101.sql"];
        File.WriteAllText(path, Captured("plain.sql").Replace("-- Dumped by", "-- Started on 2026-01-31 02:03:04 UTC\n\n-- Dumped by", StringComparison.Ordinal));

        Assert.Equal(new DateTimeOffset(2026, 1, 31, 2, 3, 4, TimeSpan.Zero), (await ImportAsync(path)).Created);
        DateTimeOffset said = Made.AddDays(-1);
        Assert.Equal(said, (await ImportAsync(path, created: said)).Created);
    }

    [Theory]
    [InlineData(14)]
    [InlineData(15)]
    [InlineData(16)]
    public void The_header_of_an_archive_tells_it(byte minor)
    {
        // WriteHead in pg_backup_archiver.c: the compression (an integer before 1.15), then struct tm.
        byte[] compression = minor >= 15 ? [1] : [0, 255, 0, 0, 0];
        byte[] time = [.. new[] { 4, 3, 2, 31, 0, 126, 0 }.SelectMany(value => (byte[])[0, (byte)value, 0, 0, 0])];
        byte[] head = [.. "PGDMP"u8, 1, minor, 0, 4, 8, 1, .. compression, .. time, 0, 4, 0, 0, 0, .. "shop"u8];
        File.WriteAllBytes(_bench["shop.dump"], head);
        Directory.CreateDirectory(_bench["shop"]);
        head[10] = 3;
        File.WriteAllBytes(_bench["shop/toc.dat"], head);
        using (var tar = new TarWriter(File.Create(_bench["shop.tar"]), TarEntryFormat.Ustar))
            tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, "toc.dat") { DataStream = new MemoryStream(head) });

        foreach (string name in (string[])["shop.dump", "shop", "shop.tar"])
            Assert.Equal(Made, new BackupImporter(_bench.Repository).Inspect(_bench[name], null).Created);
    }

    [Fact]
    public async Task A_date_in_the_future_is_none()
    {
        string path = SampleDatabase.Create(_bench["shop_20990101.db"]);

        Assert.Equal(ErrorCodes.ImportDateUnknown, (await Assert.ThrowsAnyAsync<BackupException>(() => ImportAsync(path))).Code);
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => ImportAsync(path, created: DateTimeOffset.UtcNow.AddHours(1)));
        Assert.Equal(ErrorCodes.InvalidArgument, failure.Code);
        Assert.Contains("in the future", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dumps_of_one_database_are_one_source()
    {
        string[] files = ["plain-2026-11-20.sql", "plain_20261121_020000.sql", "20261122 plain.sql"];
        foreach (string file in files)
            Assert.Equal("plain", (await ImportAsync(Make(file))).Manifest!.Payloads[0].Database!.Name);

        Assert.Equal(["plain", "plain", "plain"], (await _bench.ListAsync()).Select(backup => backup.Source));
    }

    [Fact]
    public async Task A_name_that_is_a_date_alone_needs_a_source()
    {
        string path = Make("2026-11-20.sql");

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => ImportAsync(path));

        Assert.Equal(ErrorCodes.ImportSourceUnknown, failure.Code);
        Assert.Contains("-Source", failure.Hint, StringComparison.Ordinal);
        Backup backup = await ImportAsync(path, source: "shop");
        Assert.Equal(("shop", "shop"), (backup.Source, backup.Manifest!.Payloads[0].Database!.Name));
    }

    private static string Captured(string name) => File.ReadAllText(Path.Join(AppContext.BaseDirectory, "Data", "postgresql", name), Encoding.UTF8);

    private string Make(string name)
    {
        string path = Path.TrimEndingDirectorySeparator(_bench[name]);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        if (name.EndsWith(".db", StringComparison.Ordinal))
        {
            SampleDatabase.Create(path);
        }
        else if (name == "copy.sql")
        {
            File.WriteAllText(path, "BEGIN TRANSACTION;\nCREATE TABLE notes (id INTEGER);\nCOMMIT;\n");
        }
        else if (name.EndsWith(".sql", StringComparison.Ordinal))
        {
            File.WriteAllText(path, Captured("plain.sql"));
        }
        else
        {
            string folder = name.EndsWith(".tar", StringComparison.Ordinal) ? _bench["tree/data"] : path;
            Directory.CreateDirectory(folder);
            SampleDatabase.Create(Path.Join(folder, "app.db"));
            File.WriteAllText(Path.Join(folder, "note.txt"), "kept");
            if (folder != path)
                TarFile.CreateFromDirectory(folder, path, includeBaseDirectory: true);
        }

        return path;
    }

    private Task<Backup> ImportAsync(string path, DateTimeOffset? created = null, string? source = null) => new BackupImporter(_bench.Repository)
        .ImportAsync(path, new BackupRequest { Sources = [], Created = created, SourceName = source }, _bench.Observer, CancellationToken.None);
}
