using System.Diagnostics;
using DbBackup.Engine.Restores;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Campaigns;

/// <summary>
/// Kills at moments that chance spreads over the whole of a run: 20 of each usually, 200 with DBBACKUP_TEST_FULL=1. The matrices of reports,
/// renames and flushes (KilledBackupTests, KilledRestoreTests) kill where something is known to happen; this one anywhere.
/// </summary>
[Trait("Category", "Kill")]
public sealed class KillCampaignTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly string _database;
    private readonly string _uploads;
    private readonly HashSet<string> _known = [];

    public KillCampaignTests()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no kill -9.");
        _database = SampleDatabase.Create(_bench["app.db"], rows: 5000, journal: "WAL", mark: "wanted");
        _uploads = _bench["uploads"];
        Directory.CreateDirectory(_uploads);
        File.WriteAllText(Path.Join(_uploads, "photo.txt"), "wanted");
        File.WriteAllBytes(Path.Join(_uploads, "large.bin"), new byte[1_000_000]);
    }

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task A_backup_killed_anywhere_is_listed_whole_or_not_at_all()
    {
        string content = SampleDatabase.Content(_database);
        string[] command = ["backup", _database, _bench.RepositoryPath, "0", _uploads];

        await KillAsync(command, () => { }, CheckListedAsync);

        await NextRunCleansUpAsync();
        Assert.Equal(content, SampleDatabase.Content(_database));
    }

    [Fact]
    public async Task A_restore_killed_anywhere_leaves_all_old_or_all_new()
    {
        Backup backup = await _bench.BackUpAsync(_database, _uploads);
        string wanted = State(), present = wanted;
        int round = 0;
        string[] command = ["restore", _bench.RepositoryPath, backup.Source, backup.Name, "0"];
        void Change()
        {
            string text = $"present {++round}";
            SampleDatabase.Run(_database, $"UPDATE notes SET text = '{text}'");
            File.WriteAllText(Path.Join(_uploads, "photo.txt"), text);
            present = State();
        }

        await KillAsync(command, Change, async () =>
        {
            await RestoreRecovery.RunAsync([_database], _bench.Observer, CancellationToken.None);
            // One that was killed before it had written its journal is left alone for a minute.
            foreach (string journal in Directory.EnumerateFiles(_bench.Folder.Path, ".dbbackup-restore-*").Where(file => new FileInfo(file).Length == 0))
                File.SetLastWriteTimeUtc(journal, DateTime.UtcNow.AddHours(-1));
            await RestoreRecovery.RunAsync([_database], _bench.Observer, CancellationToken.None);
            string state = State();
            Assert.True(state == wanted || state == present, $"'{state}' is neither '{present}' nor '{wanted}'.");
            _bench.AssertNoLeftovers();
            await CheckListedAsync();
        });

        await NextRunCleansUpAsync();
    }

    // What was killed before it could say whose it is, is left alone for a while: its owner may live.
    private async Task NextRunCleansUpAsync()
    {
        foreach (string path in Directory.EnumerateFileSystemEntries(Path.Join(_bench.RepositoryPath, ".dbbackup"), "*", SearchOption.AllDirectories))
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddDays(-3));
        await _bench.BackUpAsync(_database, _uploads);
        await CheckListedAsync();
        _bench.AssertNothingStaged();
    }

    private static async Task KillAsync(string[] command, Action prepare, Func<Task> check)
    {
        prepare();
        TimeSpan duration;
        using (var whole = new WorkerProcess())
        {
            var watch = Stopwatch.StartNew();
            WorkerEnd end = whole.Run(command);
            Assert.True(end.Exit == 0, end.Words);
            duration = watch.Elapsed;
        }

        int wanted = Sampling.Rounds(10, 200), killed = 0;
        int seed = Environment.GetEnvironmentVariable("DBBACKUP_TEST_SEED") is { } given ? int.Parse(given, System.Globalization.CultureInfo.InvariantCulture) : Environment.TickCount;
        var random = new Random(seed);
        // Some runs are over before their moment, which is tried again.
        for (int run = 0; run < 2 * wanted && killed < wanted; run++)
        {
            prepare();
            using var worker = new WorkerProcess();
            worker.Send(command);
            if (!worker.KillAfter(random.NextDouble() * duration))
                continue;
            killed++;
            try
            {
                await check();
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                Assert.Fail($"Kill {killed} of seed {seed}: {exception}");
            }
        }

        Assert.True(killed >= wanted / 2, $"Of {2 * wanted} runs only {killed} were killed.");
        TestContext.Current.TestOutputHelper?.WriteLine($"{killed} kills over {duration.TotalMilliseconds:0} ms, seed {seed}");
    }

    // Each backup once: its files do not change any more.
    private async Task CheckListedAsync()
    {
        IReadOnlyList<Backup> all = Directory.Exists(_bench.RepositoryPath) ? await _bench.ListAsync() : [];
        foreach (Backup backup in all.Where(backup => _known.Add(backup.Location)))
        {
            Assert.Null(backup.Problem);
            BackupTestResult result = await _bench.TestAsync(backup, BackupTestLevel.Checksum);
            Assert.True(result.Passed, $"{backup}: {result.Failure}");
        }
    }

    private string State() => SampleDatabase.Text(_database, "SELECT count(*) || max(text) || min(text) FROM notes")
        + SampleDatabase.Text(_database, "PRAGMA quick_check") + "|" + File.ReadAllText(Path.Join(_uploads, "photo.txt"));
}
