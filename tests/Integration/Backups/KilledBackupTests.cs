using System.Globalization;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Backups;

[Trait("Category", "Kill")]
public sealed class KilledBackupTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly HashSet<string> _whole = [];

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task A_backup_killed_at_any_report_is_listed_whole_or_not_at_all_and_the_next_run_cleans_up()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no kill -9.");
        string database = SampleDatabase.Create(_bench["app.db"], rows: 30_000, journal: "WAL");
        Directory.CreateDirectory(_bench["uploads"]);
        File.WriteAllBytes(_bench["uploads/a.bin"], new byte[3_000_000]);
        string before = SampleDatabase.Content(database);
        (int ExitCode, string Output) Run(string killAt) => OtherProcess.Run(OtherProcess.Command("backup", database, _bench.RepositoryPath, killAt, _bench["uploads"]));
        (int exit, string output) = Run("0");
        Assert.True(exit == 0, output);
        int reports = KillPoints.CountReports(output);
        Assert.True(reports >= 10, $"It reported only {reports} times.");

        await KillPoints.KillAtEachAsync(KillPoints.Of(reports), Run, (_, _) => AssertAllWholeAsync());

        await _bench.BackUpAsync(database, _bench["uploads"]);
        await AssertAllWholeAsync();
        _bench.AssertNothingStaged();
        Assert.Equal(before, SampleDatabase.Content(database));
    }

    [Fact]
    public async Task A_backup_killed_at_any_moment_is_listed_whole_or_not_at_all()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no kill -9.");
        string database = SampleDatabase.Create(_bench["app.db"], rows: 60_000);
        var random = new Random(7);
        int killed = 0;
        for (int round = 0; round < Sampling.Rounds(6, 12); round++)
        {
            using OtherProcess run = OtherProcess.Start("backup", database, _bench.RepositoryPath, "0");
            run.WaitFor(lines => lines.Count > 0);
            run.Process.WaitForExit(random.Next(250));
            if (run.Process.HasExited)
                continue;
            run.Kill();
            killed++;
        }

        Assert.True(killed > 0, "Each run was over before it could be killed.");
        await _bench.BackUpAsync(database);
        await AssertAllWholeAsync();
        _bench.AssertNothingStaged();
    }

    [Theory]
    [InlineData("rename,renameat,renameat2,rmdir,unlinkat")]
    [InlineData("fsync,fdatasync")]
    public async Task A_backup_killed_at_a_rename_or_a_flush_is_listed_whole_or_not_at_all(string calls)
    {
        SystemCalls.Require();
        string database = SampleDatabase.Create(_bench["app.db"], rows: 2000);
        string[] command = OtherProcess.Command("backup", database, _bench.RepositoryPath, "0");
        int count = SystemCalls.Count(_bench.Folder, calls, command);

        await KillPoints.KillAtEachAsync(
            KillPoints.Of(count), call => SystemCalls.KillAt(_bench.Folder, calls, int.Parse(call, CultureInfo.InvariantCulture), command), (_, _) => AssertAllWholeAsync());

        await _bench.BackUpAsync(database);
        await AssertAllWholeAsync();
        _bench.AssertNothingStaged();
    }

    // Each backup once: its files do not change any more.
    private async Task AssertAllWholeAsync()
    {
        IReadOnlyList<Backup> all = Directory.Exists(_bench.RepositoryPath) ? await _bench.ListAsync() : [];
        foreach (Backup backup in all.Where(backup => _whole.Add(backup.Location)))
        {
            Assert.Equal(BackupStatus.Matched, (await _bench.TestAsync(backup, BackupTestLevel.Restore)).Status);
            Assert.NotNull(await _bench.Repository.FindAsync(new(backup.Source, backup.Name), CancellationToken.None));
        }
    }
}
