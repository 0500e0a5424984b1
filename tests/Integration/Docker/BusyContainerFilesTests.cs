using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Docker;

/// <summary>Applications that never stop writing, whichever way their files are taken.</summary>
[Trait("Category", "Docker")]
public sealed class BusyContainerFilesTests(ITestOutputHelper output) : IDisposable
{
    private readonly ContainerFilesBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("WAL", Consistency.Auto, false, 3, 10)]
    [InlineData("DELETE", Consistency.Auto, false, 3, 10)]
    [InlineData("WAL", Consistency.Auto, true, 3, 10)]
    [InlineData("DELETE", Consistency.Auto, true, 3, 10)]
    [InlineData("WAL", Consistency.Live, false, 1, 3)]
    [InlineData("DELETE", Consistency.Live, false, 1, 3)]
    [InlineData("WAL", Consistency.Live, true, 1, 3)]
    [InlineData("DELETE", Consistency.Live, true, 1, 3)]
    [InlineData("WAL", Consistency.Stop, false, 1, 2)]
    [InlineData("DELETE", Consistency.Stop, true, 1, 2)]
    public async Task A_backup_holds_every_row_that_was_committed_before_it_began(string journal, Consistency consistency, bool throughEngine, int usual, int complete)
    {
        (string container, _) = _bench.RunWriter("rows", "/app/data/app.db", journal);
        _bench.Docker.WaitForLines(container, 20);
        for (int round = 0; round < Sampling.Rounds(usual, complete); round++)
        {
            long printed = _bench.LastPrinted(container);
            Backup backup = await _bench.BackUpAsync(
                ContainerFilesBench.Request(container, "/app/data", consistency, throughEngine), plan => Assert.Equal(throughEngine, plan.IsThroughEngine));
            output.WriteLine($"{backup.Manifest!.Pause}");
            Assert.Equal(consistency == Consistency.Live, backup.Manifest.Pause is null);
            Assert.True(_bench.IsRunning(container));

            string restored = await _bench.RestoreAsync(backup);
            Assert.Equal(["app.db"], Directory.EnumerateFiles(Path.Join(restored, "data")).Select(Path.GetFileName));
            ContainerFilesBench.AssertRows(Path.Join(restored, "data", "app.db"), printed);
        }
    }

    [Theory]
    [InlineData(false, 4, 20)]
    [InlineData(true, 2, 6)]
    public async Task Each_row_finds_its_file_after_a_restore(bool throughEngine, int usual, int complete)
    {
        int rounds = Sampling.Rounds(usual, complete);
        (string container, _) = _bench.RunWriter("--pause", "0.02", "attachments", "/app/data/app.db", "/app/data/files");
        _bench.Docker.WaitForLines(container, 50);
        int rows = 0;
        for (int round = 0; round < rounds; round++)
        {
            long printed = _bench.LastPrinted(container);
            Backup backup = await _bench.BackUpAsync(ContainerFilesBench.Request(container, "/app/data", throughEngine: throughEngine));
            output.WriteLine($"{backup.Manifest!.Pause}");
            string data = Path.Join(await _bench.RestoreAsync(backup), "data");
            (int found, int missing, int wrong) = ContainerFilesBench.CheckAttachments(Path.Join(data, "app.db"), Path.Join(data, "files"));
            Assert.Equal((0, 0), (missing, wrong));
            Assert.True(long.Parse(SampleDatabase.Text(Path.Join(data, "app.db"), "SELECT max(id) FROM attachments")!, System.Globalization.CultureInfo.InvariantCulture) >= printed);
            rows += found;
        }

        Assert.True(rows > rounds * 40, $"Only {rows} rows were compared.");
    }

    // With DBBACKUP_TEST_LARGE=1 it is the size that is talked about: 1 GB beside 10,000 files.
    [Theory]
    [InlineData("WAL")]
    [InlineData("DELETE")]
    public async Task The_pause_is_short_beside_many_files_and_a_large_database(string journal)
    {
        (int files, int blobs) = Environment.GetEnvironmentVariable("DBBACKUP_TEST_LARGE") == "1" ? (10_000, 1000) : (1_000, 50);
        (string container, _) = _bench.RunWriter("rows", "/app/data/app.db", journal);
        _bench.Docker.WaitForLines(container, 20);
        _bench.Docker.Exec(container, "python3", "-c", $"""
            import os, sqlite3
            os.mkdir('/app/data/files')
            for n in range({files}):
                with open(f'/app/data/files/{"{n}"}', 'wb') as file: file.write(os.urandom(4096))
            c = sqlite3.connect('/app/data/app.db', timeout=60)
            c.execute('CREATE TABLE large(content)')
            for n in range({blobs}): c.execute('INSERT INTO large VALUES (zeroblob(1000000))')
            c.commit()
            """);
        Backup backup = await _bench.BackUpAsync(ContainerFilesBench.Request(container, "/app/data"));
        output.WriteLine($"{journal}: {backup.Manifest!.Pause}, {backup.OriginalSize} bytes, {backup.Manifest.DurationSeconds:0.0} s");
        // On an idle machine it is a tenth of that.
        Assert.InRange(backup.Manifest.Pause!.Milliseconds, 0, 15_000);
    }

    [Fact]
    public async Task A_writer_frozen_in_the_middle_of_its_transaction_is_left_out_of_it()
    {
        string volume = _bench.Docker.CreateVolume();
        // Its cache is too small for the transaction, so the file itself is overwritten before the commit, and the lock is exclusive.
        const string Program = """
            import sqlite3, time
            c = sqlite3.connect('/app/data/app.db', isolation_level=None)
            c.execute('PRAGMA cache_size=5')
            c.execute('CREATE TABLE entries(id INTEGER PRIMARY KEY, filler TEXT)')
            c.executemany('INSERT INTO entries(filler) VALUES (?)', [('x' * 1000,)] * 500)
            c.execute('BEGIN')
            c.execute("UPDATE entries SET filler = replace(filler, 'x', 'y')")
            print(500, flush=True)
            time.sleep(600)
            """;
        string container = _bench.Docker.Run("--volume", $"{volume}:/app/data", DockerImages.App, "python3", "-c", Program);
        _bench.Docker.WaitForLines(container, 1);
        foreach (bool throughEngine in new[] { false, true })
        {
            Backup backup = await _bench.BackUpAsync(ContainerFilesBench.Request(container, "/app/data/app.db", throughEngine: throughEngine));
            string database = Path.Join(await _bench.RestoreAsync(backup), "app.db");
            ContainerFilesBench.AssertRows(database, 500);
            Assert.Equal("0", SampleDatabase.Text(database, "SELECT count(*) FROM entries WHERE filler LIKE '%y%'"));
        }
    }
}
