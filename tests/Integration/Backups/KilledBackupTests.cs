using System.Globalization;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Backups;

[Trait("Category", "Kill")]
public sealed class KilledBackupTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task A_backup_killed_at_any_report_is_listed_whole_or_not_at_all_and_the_next_run_cleans_up()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no kill -9.");
        string database = SampleDatabase.Create(_bench["app.db"], rows: 30_000, journal: "WAL");
        Directory.CreateDirectory(_bench["uploads"]);
        File.WriteAllBytes(_bench["uploads/a.bin"], new byte[3_000_000]);
        string before = SampleDatabase.Content(database);
        int killed = 0;
        for (int report = 1; ; report++)
        {
            (int exit, string output) = OtherProcess.Run(OtherProcess.Command(
                "backup", database, _bench.RepositoryPath, report.ToString(CultureInfo.InvariantCulture), _bench["uploads"]));
            if (exit == 0)
                break;
            Assert.True(exit == 137, output);
            killed++;
            await AssertAllWholeAsync();
        }

        Assert.True(killed >= 10, $"It reported only {killed} times.");
        await _bench.BackUpAsync(database, _bench["uploads"]);
        _bench.AssertNothingStaged();
        Assert.Equal(before, SampleDatabase.Content(database));
    }

    [Fact]
    public async Task A_backup_killed_at_any_moment_is_listed_whole_or_not_at_all()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no kill -9.");
        string database = SampleDatabase.Create(_bench["app.db"], rows: 60_000);
        var random = new Random(7);
        for (int round = 0; round < 12; round++)
        {
            using OtherProcess run = OtherProcess.Start("backup", database, _bench.RepositoryPath, "0");
            run.WaitFor(lines => lines.Count > 0);
            run.Process.WaitForExit(random.Next(250));
            if (!run.Process.HasExited)
                run.Kill();
        }

        await AssertAllWholeAsync();
        await _bench.BackUpAsync(database);
        _bench.AssertNothingStaged();
    }

    [Theory]
    [InlineData("rename,renameat2,rmdir", 12)]
    [InlineData("fsync,fdatasync", 12)]
    public async Task A_backup_killed_at_a_rename_or_a_flush_is_listed_whole_or_not_at_all(string calls, int most)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Calls are counted by strace, which only Linux has.");
        Require.Tool("strace");
        string database = SampleDatabase.Create(_bench["app.db"], rows: 2000);
        for (int call = 1; call <= most; call++)
        {
            OtherProcess.Run(
            [
                "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + calls, "-e", $"inject={calls}:signal=SIGKILL:when={call}",
                .. OtherProcess.Command("backup", database, _bench.RepositoryPath, "0"),
            ]);
            await AssertAllWholeAsync();
        }

        await _bench.BackUpAsync(database);
        _bench.AssertNothingStaged();
    }

    private async Task AssertAllWholeAsync()
    {
        if (!Directory.Exists(_bench.RepositoryPath))
            return;
        foreach (Backup backup in await _bench.ListAsync())
        {
            Assert.Equal(BackupStatus.Matched, (await _bench.TestAsync(backup, BackupTestLevel.Restore)).Status);
            await _bench.Repository.Storage.FindAsync(new(backup.Source, backup.Name), CancellationToken.None);
        }
    }
}
