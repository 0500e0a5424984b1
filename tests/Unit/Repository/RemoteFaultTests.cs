using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Restores;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Repository;

/// <summary>Backups, their tests, copies and restores over a server that fails: each succeeds, or is one error that leaves nothing half.</summary>
public sealed class RemoteFaultTests : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly S3Double _server = new();
    private readonly TempFolder _folder = new();
    private readonly string _database;
    private int _requests;

    public RemoteFaultTests()
    {
        _database = SampleDatabase.Create(_folder["app.db"], rows: 1000);
        Directory.CreateDirectory(_folder["uploads"]);
        byte[] content = new byte[900_000];
        new Random(5).NextBytes(content);
        File.WriteAllBytes(_folder["uploads/a.bin"], content);
    }

    public static TheoryData<string> Passing() => ["500", "503", "cut off", "answers lost", "slow", "none"];

    public static TheoryData<string, string> Lasting()
    {
        var all = new TheoryData<string, string>();
        foreach (string what in (string[])["backup", "copy"])
        {
            foreach (string fault in (string[])["500", "cut", "full", "quota", "denied"])
                all.Add(what, fault);
        }

        return all;
    }

    public void Dispose()
    {
        _server.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [MemberData(nameof(Passing))]
    public async Task What_fails_for_a_moment_hinders_no_backup_test_copy_or_restore(string fault)
    {
        using var bench = new Workbench(store: _server.Open("app"));
        using var near = new Workbench();
        using var far = new Workbench(store: _server.Open("far"));
        string before = SampleDatabase.Content(_database);
        int faults = 0;
        _server.Faults = (method, path) =>
        {
            S3Double.Fault? chosen = FaultOf(fault, method, path, Interlocked.Increment(ref _requests));
            if (chosen is not null)
                Interlocked.Increment(ref faults);
            return chosen;
        };

        Backup backup = await bench.BackUpAsync(Request() with { Verify = true });
        Assert.Equal(BackupStatus.Matched, (await bench.TestAsync(backup, BackupTestLevel.Restore)).Status);
        Backup fetched = await new BackupCopy(bench.Repository, near.Repository).RunAsync(backup, allowNew: false, bench.Observer, None);
        Assert.True((await near.TestAsync(fetched, BackupTestLevel.Checksum)).Passed);
        Backup sent = await new BackupCopy(near.Repository, far.Repository).RunAsync(fetched, allowNew: false, bench.Observer, None);
        SampleDatabase.Run(_database, "DELETE FROM notes");
        await far.RestoreAsync(new RestoreRequest { Backup = sent });

        Assert.Equal(before, SampleDatabase.Content(_database));
        Assert.Empty(_server.Uploads);
        Assert.Equal(fault != "none", faults > 2);
    }

    [Theory]
    [MemberData(nameof(Lasting))]
    public async Task What_lasts_is_one_error_and_nothing_half(string what, string fault)
    {
        using var near = new Workbench();
        using var bench = new Workbench(store: _server.Open("app", patience: 1));
        Backup source = await near.BackUpAsync(Request());
        _server.Faults = (method, path) => method == "PUT" && path.Contains("partNumber=4", StringComparison.Ordinal) ? FaultOf(fault) : null;

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => what == "backup" ? bench.BackUpAsync(Request()) : CopyAsync());

        ErrorAssert.Sound(failure);
        Assert.Equal(fault switch { "500" or "cut" => ErrorCodes.ServerUnreachable, "denied" => ErrorCodes.RepositoryNotWritable, _ => ErrorCodes.NotEnoughSpace }, failure.Code);
        Assert.Empty(await bench.ListAsync());
        _server.Faults = null;
        // What arrived of a copy waits for the next one, unless there is no room for it.
        bool waits = what == "copy" && fault is ("500" or "cut");
        Assert.Equal(waits ? 1 : 0, _server.Uploads.Count);
        if (!waits)
            Assert.Equal(["app/repository.json"], Kept());
        Backup made = what == "backup" ? await bench.BackUpAsync(Request()) : await CopyAsync();
        Assert.True((await bench.TestAsync(made, BackupTestLevel.Restore)).Passed);
        Assert.Empty(_server.Uploads);

        Task<Backup> CopyAsync() => new BackupCopy(near.Repository, bench.Repository).RunAsync(source, allowNew: false, bench.Observer, None);
    }

    [Fact]
    public async Task A_server_that_is_away_while_a_payload_is_sent_fails_no_backup()
    {
        // A whole minute with DBBACKUP_TEST_FULL=1.
        TimeSpan outage = TimeSpan.FromSeconds(Sampling.Complete ? 60 : 4);
        using var bench = new Workbench(store: _server.Open("away", patience: 130));
        long back = 0;
        int refused = 0;
        _server.Faults = (method, path) =>
        {
            if (method == "PUT" && path.Contains("partNumber=3", StringComparison.Ordinal))
                Interlocked.CompareExchange(ref back, Environment.TickCount64 + (long)outage.TotalMilliseconds, 0);
            long until = Interlocked.Read(ref back);
            if (until == 0 || Environment.TickCount64 >= until)
                return null;
            Interlocked.Increment(ref refused);
            return S3Double.Fault.Of(503, "SlowDown");
        };
        long begun = Environment.TickCount64;

        Backup backup = await bench.BackUpAsync(Request());

        Assert.True(Environment.TickCount64 >= back && back > 0);
        Assert.Equal(BackupStatus.Matched, (await bench.TestAsync(backup, BackupTestLevel.Restore)).Status);
        TestContext.Current.TestOutputHelper?.WriteLine($"away for {outage.TotalSeconds} s, {refused} requests refused, the backup took {Environment.TickCount64 - begun} ms with its test");
    }

    [Fact]
    public async Task A_store_that_lists_late_gives_one_error_and_keeps_no_bytes_of_it()
    {
        using var bench = new Workbench(store: _server.Open("app"));
        _server.ListingLag = TimeSpan.FromSeconds(30);

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => bench.BackUpAsync(Request()));

        ErrorAssert.Sound(failure);
        Assert.Equal(ErrorCodes.BackupDamaged, failure.Code);
        _server.ListingLag = TimeSpan.Zero;
        Assert.Empty(await bench.ListAsync());
        Assert.Equal(["app/repository.json"], Kept());
        Assert.Empty(_server.Uploads);
    }

    private BackupRequest Request() => new() { Sources = [Workbench.Sqlite(_database), new FolderSource(_folder["uploads"])] };

    private string[] Kept() => [.. _server.Keys.Where(key => !key.Contains("/.dbbackup/", StringComparison.Ordinal))];

    private static S3Double.Fault? FaultOf(string fault, string method, string path, int request) => fault switch
    {
        "500" => request % 5 == 0 ? S3Double.Fault.Of(500) : null,
        "503" => request % 4 == 0 ? S3Double.Fault.Of(503, "SlowDown") : null,
        "cut off" => method == "GET" && request % 2 == 0 ? new S3Double.Fault { CutAfter = 40_000 } : null,
        "answers lost" => method is "PUT" or "POST" && request % 4 == 0 ? new S3Double.Fault { LosesAnswer = true } : null,
        "slow" => new S3Double.Fault { Delay = TimeSpan.FromMilliseconds(25) },
        _ => null,
    };

    private static S3Double.Fault FaultOf(string fault) => fault switch
    {
        "500" => S3Double.Fault.Of(500),
        "cut" => new S3Double.Fault { LosesAnswer = true },
        "full" => S3Double.Fault.Of(507, "InsufficientStorage"),
        "quota" => S3Double.Fault.Of(403, "QuotaExceeded"),
        _ => S3Double.Fault.Of(403, "AccessDenied"),
    };
}
