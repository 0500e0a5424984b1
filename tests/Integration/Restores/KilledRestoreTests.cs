using System.Globalization;
using DbBackup.Engine.Restores;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Restores;

/// <summary>Restores that end as kill -9 ends them. The database and its folder are then both old or, once the next run has been there, both new.</summary>
[Trait("Category", "Kill")]
public sealed class KilledRestoreTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly string _database;
    private readonly string _uploads;

    public KilledRestoreTests()
    {
        _database = _bench["app.db"];
        _uploads = _bench["uploads"];
    }

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("WAL", false)]
    [InlineData("DELETE", false)]
    [InlineData("WAL", true)]
    public async Task A_restore_killed_at_any_report_leaves_all_old_or_all_new(string journal, bool force)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no kill -9.");
        (Backup backup, string wanted) = await PrepareAsync(journal);
        string present = Change(0);
        (int ExitCode, string Output) Run(string killAt)
        {
            present = Change(int.Parse(killAt, CultureInfo.InvariantCulture));
            using OtherProcess? holder = force ? OtherProcess.Hold(_database) : null;
            return OtherProcess.Run(Command(backup, killAt, force));
        }

        (int exit, string output) = Run("0");
        Assert.True(exit == 0, output);
        Assert.Equal(wanted, State());
        int reports = KillPoints.CountReports(output);
        Assert.True(reports >= 8, $"It reported only {reports} times.");

        await KillPoints.KillAtEachAsync(KillPoints.Of(reports), Run, async (report, _) =>
        {
            await RestoreRecovery.RunAsync([_database], _bench.Observer, CancellationToken.None);
            AssertOneState(present, wanted, report);
        });
        await AssertRepositoryWholeAsync();
    }

    [Theory]
    [InlineData("rename,renameat2,renameat")]
    [InlineData("unlink,unlinkat,rmdir")]
    [InlineData("fsync")]
    public async Task A_restore_killed_at_any_rename_deletion_or_flush_leaves_all_old_or_all_new(string calls)
    {
        SystemCalls.Require();
        (Backup backup, string wanted) = await PrepareAsync("WAL");
        string[] command = Command(backup, "0", force: false);
        string present = Change(0);
        int count = SystemCalls.Count(_bench.Folder, calls, command);
        Assert.Equal(wanted, State());

        await KillPoints.KillAtEachAsync(
            KillPoints.Of(count),
            call =>
            {
                present = Change(int.Parse(call, CultureInfo.InvariantCulture));
                return SystemCalls.KillAt(_bench.Folder, calls, int.Parse(call, CultureInfo.InvariantCulture), command);
            },
            async (call, _) =>
            {
                await RestoreRecovery.RunAsync([_database], _bench.Observer, CancellationToken.None);
                AssertOneState(present, wanted, call);
            });
        await AssertRepositoryWholeAsync();
    }

    [Fact]
    public async Task A_restore_that_was_refused_in_the_middle_of_its_staging_is_never_completed_later()
    {
        (Backup backup, _) = await PrepareAsync("DELETE");
        string present = Change(1);
        string payload = Directory.GetFiles(backup.Location, "uploads.tar*").Single();
        byte[] bytes = File.ReadAllBytes(payload);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(payload, bytes);

        (int exit, string output) = OtherProcess.Run(Command(backup, "0", force: false));
        Assert.True(exit == 1, output);
        Assert.Contains(ErrorCodes.BackupDamaged, output, StringComparison.Ordinal);
        await RestoreRecovery.RunAsync([_database], _bench.Observer, CancellationToken.None);

        Assert.Equal(present, State());
        _bench.AssertNoLeftovers();
    }

    private async Task<(Backup Backup, string Wanted)> PrepareAsync(string journal)
    {
        SampleDatabase.Create(_database, rows: 500, journal: journal, mark: "wanted");
        Directory.CreateDirectory(_uploads);
        File.WriteAllText(Path.Join(_uploads, "photo.txt"), "wanted");
        Backup backup = await _bench.BackUpAsync(_database, _uploads);
        return (backup, State());
    }

    // Another state each time, so that a restore that did nothing is told from one that was done before.
    private string Change(int round)
    {
        SampleDatabase.Run(_database, $"UPDATE notes SET text = 'present {round}'");
        File.WriteAllText(Path.Join(_uploads, "photo.txt"), $"present {round}");
        return State();
    }

    private string State() => SampleDatabase.Text(_database, "SELECT count(*) || max(text) || min(text) FROM notes")
        + SampleDatabase.Text(_database, "PRAGMA quick_check") + "|" + File.ReadAllText(Path.Join(_uploads, "photo.txt"));

    private string[] Command(Backup backup, string killAt, bool force) => OtherProcess.Command(
        [
            "restore", _bench.RepositoryPath, backup.Source, backup.Name, killAt,
            .. force ? ["force"] : Array.Empty<string>(),
        ]);

    private void AssertOneState(string present, string wanted, int place)
    {
        string state = State();
        Assert.True(state == present || state == wanted, $"Killed at {place}: '{state}' is neither '{present}' nor '{wanted}'.");
        _bench.AssertNoLeftovers();
    }

    private async Task AssertRepositoryWholeAsync()
    {
        foreach (Backup each in await _bench.ListAsync())
            Assert.True((await _bench.TestAsync(each, BackupTestLevel.Restore)).Passed, each.ToString());
        await _bench.BackUpAsync(_database, _uploads);
        _bench.AssertNothingStaged();
    }
}
