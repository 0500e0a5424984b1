using System.Globalization;
using DbBackup.Engine.Restores;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Restores;

/// <summary>Restores of single files that end as kill -9 ends them: all of the named files are then old, or once the next run has been there, all new.</summary>
[Trait("Category", "Kill")]
public sealed class KilledFileRestoreTests : IDisposable
{
    private static readonly string[] Named = ["a/1.txt", "a/2.txt", "b"];
    private readonly Workbench _bench = new();
    private readonly string _database;
    private readonly string _uploads;

    public KilledFileRestoreTests()
    {
        _database = _bench["app.db"];
        _uploads = _bench["uploads"];
    }

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task A_restore_of_files_killed_at_any_report_leaves_all_old_or_all_new_and_touches_no_other()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no kill -9.");
        Backup backup = await PrepareAsync();
        string present = string.Empty;
        (int ExitCode, string Output) Run(string killAt)
        {
            present = Change(killAt);
            return OtherProcess.Run(Command(backup, killAt));
        }

        (int exit, string output) = Run("0");
        Assert.True(exit == 0, output);
        Assert.Equal("wanted wanted wanted", State());
        int reports = KillPoints.CountReports(output);
        Assert.True(reports >= 3, $"It reported only {reports} times.");
        await KillPoints.KillAtEachAsync(KillPoints.Of(reports), Run, (report, _) => CheckAsync(present, report));
    }

    [Theory]
    [InlineData("rename,renameat2,renameat")]
    [InlineData("unlink,unlinkat,rmdir")]
    public async Task A_restore_of_files_killed_at_any_rename_or_deletion_leaves_all_old_or_all_new(string calls)
    {
        SystemCalls.Require();
        Backup backup = await PrepareAsync();
        string[] command = Command(backup, "0");
        string present = Change("first");
        int count = SystemCalls.Count(_bench.Folder, calls, command);
        Assert.Equal("wanted wanted wanted", State());
        await KillPoints.KillAtEachAsync(
            KillPoints.Of(count),
            call =>
            {
                present = Change(call);
                return SystemCalls.KillAt(_bench.Folder, calls, int.Parse(call, CultureInfo.InvariantCulture), command);
            },
            (call, _) => CheckAsync(present, call));
    }

    private async Task CheckAsync(string present, int place)
    {
        // What the next backup or restore of the folder does.
        await RestoreRecovery.RunAsync([_uploads], _bench.Observer, CancellationToken.None);
        string state = State();
        Assert.True(state == present || state == "wanted wanted wanted", $"Killed at {place}: '{state}' is neither '{present}' nor what was wanted.");
        Assert.Equal("untouched", File.ReadAllText(Path.Join(_uploads, "a", "other.txt")));
        _bench.AssertNoLeftovers();
    }

    private async Task<Backup> PrepareAsync()
    {
        SampleDatabase.Create(_database, rows: 5, journal: "WAL", mark: "wanted");
        Directory.CreateDirectory(Path.Join(_uploads, "a"));
        Directory.CreateDirectory(Path.Join(_uploads, "b"));
        foreach (string file in (string[])["a/1.txt", "a/2.txt", "b/3.txt", "a/other.txt"])
            File.WriteAllText(Path.Join(_uploads, file), "wanted");
        Backup backup = await _bench.BackUpAsync(_database, _uploads);
        File.WriteAllText(Path.Join(_uploads, "a", "other.txt"), "untouched");
        return backup;
    }

    private string Change(string round)
    {
        foreach (string file in (string[])["a/1.txt", "a/2.txt", "b/3.txt"])
            File.WriteAllText(Path.Join(_uploads, file), round);
        return State();
    }

    private string State() => string.Join(' ', ((string[])["a/1.txt", "a/2.txt", "b/3.txt"]).Select(file => File.ReadAllText(Path.Join(_uploads, file))));

    private string[] Command(Backup backup, string killAt) => OtherProcess.Command(["restore", _bench.RepositoryPath, backup.Source, backup.Name, killAt, .. Named]);
}
