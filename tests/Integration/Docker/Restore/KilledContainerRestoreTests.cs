using DbBackup.Engine.Docker.Pausing;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Docker.Restore;

/// <summary>Restores into a container that end as kill -9 ends them.</summary>
[Trait("Category", "Docker")]
[Trait("Category", "Kill")]
public sealed class KilledContainerRestoreTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly ContainerRestoreBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Killed_at_any_report_it_leaves_all_old_or_all_new_and_the_application_goes_on()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no kill -9.");
        string volume = _bench.Docker.CreateVolume();
        string folder = _bench.Folder(volume);
        string container = _bench.RunFilled(volume);
        Backup backup = await _bench.BackUpAsync(container);
        string wanted = State(folder);
        string present = string.Empty, started = string.Empty;
        int killed = 0, stopped = 0;
        (int ExitCode, string Output) Run(string killAt)
        {
            _bench.Docker.Exec(container, "sh", "-c", $"printf 'present {killAt}' > /app/data/a.txt; sqlite3 /app/data/app.db 'UPDATE t SET x = {killAt} + 100'");
            present = State(folder);
            started = _bench.StartedAt(container);
            return OtherProcess.Run(OtherProcess.Command("pgrestore", _bench.Files.Bench.RepositoryPath, backup.Source, backup.Name, killAt));
        }

        (int exit, string output) = Run("0");
        Assert.True(exit == 0, output);
        int reports = KillPoints.CountReports(output);
        // Nearly every report here is a state of its own: the sample is larger.
        await KillPoints.KillAtEachAsync(KillPoints.Of(reports, sampleSize: 9), Run, async (report, _) =>
        {
            killed++;
            await ContainerPause.RecoverAsync(_bench.Files.Bench.Observer, CancellationToken.None);
            for (var limit = System.Diagnostics.Stopwatch.StartNew(); !_bench.Files.IsRunning(container) && limit.Elapsed < Patience;)
                await Task.Delay(50);
            Assert.True(_bench.Files.IsRunning(container), $"Killed at {report}, it stays stopped.");
            stopped += started == _bench.StartedAt(container) ? 0 : 1;
            string state = State(folder);
            Assert.True(state == present || state == wanted, $"Killed at {report}: '{state}' is neither '{present}' nor '{wanted}'.");
        });

        Assert.True(killed >= 4 && stopped >= 1, $"Of {reports} reports it was killed at {killed}, {stopped} times while the application was stopped.");
        (exit, output) = Run("0");
        Assert.True(exit == 0, output);
        Assert.Equal(wanted, State(folder));
        // What the killed ones left is gone with the next that lives.
        _bench.AssertNothingLeft(folder);
        Assert.All(await _bench.Files.Bench.ListAsync(), each => Assert.NotNull(each.Manifest));
    }

    private static string State(string folder) =>
        File.ReadAllText(Path.Join(folder, "a.txt")) + SampleDatabase.Text(Path.Join(folder, "app.db"), "SELECT max(x) FROM t") + File.Exists(Path.Join(folder, "second"));
}
