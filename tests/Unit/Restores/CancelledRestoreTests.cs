using DbBackup.Engine.Restores;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Restores;

/// <summary>Restores that are stopped.</summary>
public sealed class CancelledRestoreTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly string _database;

    public CancelledRestoreTests() => _database = _bench["app.db"];

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task A_restore_cancelled_at_any_report_before_its_swap_leaves_the_present_state()
    {
        SampleDatabase.Create(_database, rows: 2000, journal: "WAL");
        Directory.CreateDirectory(_bench["uploads"]);
        File.WriteAllText(_bench["uploads/photo.txt"], "wanted");
        Backup backup = await _bench.BackUpAsync(_database, _bench["uploads"]);
        SampleDatabase.Run(_database, "DELETE FROM notes WHERE id > 7");
        File.WriteAllText(_bench["uploads/photo.txt"], "present");
        int cancelled = 0;
        for (int report = 1; ; report++)
        {
            using var stop = new CancellationTokenSource();
            int reports = 0;
            bool swapping = false;
            _bench.Observer.At = step =>
            {
                swapping |= step == "putting it in place";
                if (++reports == report && !swapping)
                    stop.Cancel();
            };
            try
            {
                await _bench.RestoreAsync(new RestoreRequest { Backup = backup }, stop.Token);
                break;
            }
            catch (OperationCanceledException)
            {
                cancelled++;
                Assert.Equal("7", SampleDatabase.Text(_database, "SELECT count(*) FROM notes"));
                Assert.Equal("present", File.ReadAllText(_bench["uploads/photo.txt"]));
                _bench.AssertNoLeftovers();
                _bench.AssertNothingStaged();
            }
        }

        Assert.True(cancelled >= 5);
        Assert.Equal("wanted", File.ReadAllText(_bench["uploads/photo.txt"]));
    }
}
