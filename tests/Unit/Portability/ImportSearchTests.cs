using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Portability;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Portability;

/// <summary>A folder that another program has filled is imported once, and each file says what became of it.</summary>
public sealed class ImportSearchTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Each_content_is_one_backup_whatever_its_names_are()
    {
        Gzip("old/daily/shop-20260131.sql.gz", Dump("one"));
        Gzip("old/last/shop-latest.sql.gz", Dump("one"));
        Gzip("old/weekly/shop-202605.sql.gz", Dump("one"));
        Gzip("old/daily/shop-20260201.sql.gz", Dump("two"));

        IReadOnlyList<ImportCandidate> found = await SearchAsync();

        Assert.Equal([_bench["old/daily/shop-20260131.sql.gz"], _bench["old/daily/shop-20260201.sql.gz"]], found.Select(each => each.Path));
        Assert.Equal([_bench["old/last/shop-latest.sql.gz"], _bench["old/weekly/shop-202605.sql.gz"]], found[0].Copies);
        Assert.Equal(["daily", "weekly"], found[0].Tags);
        Assert.Equal(["daily"], found[1].Tags);

        Backup backup = await new BackupImporter(_bench.Repository).ImportAsync(found[0], new BackupRequest { Sources = [], Tags = ["moved"] }, _bench.Observer, CancellationToken.None);
        Assert.Equal(["moved", "daily", "weekly"], backup.Tags);
        Assert.Equal(2, backup.Manifest!.Notes.Count(note => note.Contains("too", StringComparison.Ordinal)));
        Assert.Equal(found[0].Sha256, backup.Manifest.ImportedSha256);

        // What is imported is found again, whatever its files are called by now.
        ImportHistory history = await ImportHistory.ReadAsync(_bench.Repository, allowNew: false, CancellationToken.None);
        Directory.Move(_bench["old/weekly"], _bench["old/kept"]);
        found = await SearchAsync();
        Assert.Equal(backup.Name, history.Find(found[0], null)?.Name);
        Assert.Equal(backup.Name, history.Find(found[0], "shop")?.Name);
        Assert.Null(history.Find(found[0], "other"));
        Assert.Null(history.Find(found[1], null));
    }

    [Fact]
    public async Task What_is_no_backup_is_skipped_and_what_is_broken_is_an_error()
    {
        Write("old/backup.log", "02:00 done");
        Write("old/notes.txt", string.Empty);
        Write("old/shop.sql.gz", string.Empty);
        byte[] whole = Gzipped(Dump("one"));
        File.WriteAllBytes(_bench["old/cut.sql.gz"], whole[..20]);
        File.WriteAllBytes(_bench["old/sealed.sql.gz.enc"], [.. "Salted__"u8, .. whole]);
        File.WriteAllText(_bench["old/windows.sql"], Dump("one"), Encoding.Unicode);
        SampleDatabase.Create(_bench["old/app.db"]);
        Write("old/app.db-journal", "x");

        Dictionary<string, ImportCandidate> found = (await SearchAsync()).ToDictionary(each => Path.GetFileName(each.Path));

        Assert.Equal(["app.db-journal", "backup.log", "notes.txt"], found.Values.Where(each => each.Skipped is not null).Select(each => Path.GetFileName(each.Path)).Order(StringComparer.Ordinal));
        Assert.Contains("empty", found["notes.txt"].Skipped, StringComparison.Ordinal);
        Assert.Contains("app.db", found["app.db-journal"].Skipped, StringComparison.Ordinal);
        Assert.Equal(ErrorCodes.DumpIncomplete, found["shop.sql.gz"].Failure?.Code);
        Assert.Equal(ErrorCodes.DumpIncomplete, found["cut.sql.gz"].Failure?.Code);
        Assert.Contains("openssl", found["sealed.sql.gz.enc"].Failure?.Message, StringComparison.Ordinal);
        Assert.Contains("UTF-16", found["windows.sql"].Failure?.Message, StringComparison.Ordinal);
        Assert.NotNull(found["app.db"].Sha256);
    }

    [Fact]
    public async Task Folders_that_are_one_backup_are_taken_whole_and_those_of_the_module_not_at_all()
    {
        foreach (string folder in (string[])["old/backup_20241201_120000", "old/20250101", "old/2026-01-31"])
            Directory.CreateDirectory(_bench[folder]);
        SampleDatabase.Create(_bench["old/backup_20241201_120000/pats.db"]);
        Write("old/backup_20241201_120000/backup_metadata.json", "{}");
        SampleDatabase.Create(_bench["old/20250101/partshub.db"]);
        Write("old/20250101/a.pdf", "a");
        Write("old/2026-01-31/shop.sql", Dump("one"));
        await new Workbench(_bench["old"]).BackUpAsync(SampleDatabase.Create(_bench["live.db"]));

        IReadOnlyList<ImportCandidate> found = await SearchAsync();

        Assert.Equal(
            [_bench["old/20250101"], _bench["old/2026-01-31/shop.sql"], _bench["old/backup_20241201_120000"]],
            found.Select(each => each.Path).Order(StringComparer.Ordinal));
        ImportPreview preview = new BackupImporter(_bench.Repository).Inspect(found.Single(each => each.Path.EndsWith("shop.sql", StringComparison.Ordinal)), null, null);
        Assert.Equal(("shop", BackupReason.Manual, "by its name"), (preview.Source, preview.Reason, preview.CreatedBy));
    }

    [Fact]
    public async Task A_folder_of_dumps_is_no_backup_itself()
    {
        Write("old/shop-20260131/shop.sql", Dump("one"));

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => ImportAsync(_bench["old/shop-20260131"]));
        Assert.Equal(ErrorCodes.ImportNotRecognized, failure.Code);
        Assert.Contains("-Recurse", failure.Hint, StringComparison.Ordinal);

        TarFile.CreateFromDirectory(_bench["old"], _bench["all-20260131.tar"], includeBaseDirectory: true);
        failure = await Assert.ThrowsAnyAsync<BackupException>(() => ImportAsync(_bench["all-20260131.tar"]));
        Assert.Contains("Unpack it", failure.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("2026-01-31 02:03:04", "shop_20260131.sql", false)]
    [InlineData("2026-01-31 02:03:04", "shop_20260201.sql", false)]
    [InlineData("2026-01-31 02:03:04", "shop_20260203.sql", true)]
    public async Task A_name_that_contradicts_the_content_is_told(string started, string name, bool contradicts)
    {
        Write(name, Dump("one").Replace("-- Dumped by", $"-- Started on {started} UTC\n\n-- Dumped by", StringComparison.Ordinal));

        Backup backup = await ImportAsync(_bench[name]);

        Assert.Equal(new DateTimeOffset(2026, 1, 31, 2, 3, 4, TimeSpan.Zero), backup.Created);
        Assert.Equal(contradicts, _bench.Observer.Warnings.Any(warning => warning.Contains("its name says", StringComparison.Ordinal)));
        Assert.Equal(contradicts, new BackupImporter(_bench.Repository).Inspect(_bench[name], null).CreatedBy!.Contains("contradicts", StringComparison.Ordinal));
    }

    private static string Dump(string mark) => File.ReadAllText(Path.Join(AppContext.BaseDirectory, "Data", "postgresql", "plain.sql"), Encoding.UTF8)
        .Replace("-- Dumped by", $"-- {mark}\n-- Dumped by", StringComparison.Ordinal);

    private static byte[] Gzipped(string text)
    {
        var bytes = new MemoryStream();
        using (var gzip = new GZipStream(bytes, CompressionLevel.Fastest))
            gzip.Write(Encoding.UTF8.GetBytes(text));
        return bytes.ToArray();
    }

    private void Gzip(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_bench[name])!);
        File.WriteAllBytes(_bench[name], Gzipped(text));
    }

    private void Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_bench[name])!);
        File.WriteAllText(_bench[name], text);
    }

    private Task<IReadOnlyList<ImportCandidate>> SearchAsync() => BackupImporter.SearchAsync(_bench["old"], _bench.Observer, CancellationToken.None);

    private Task<Backup> ImportAsync(string path) =>
        new BackupImporter(_bench.Repository).ImportAsync(path, new BackupRequest { Sources = [] }, _bench.Observer, CancellationToken.None);
}
