using System.Collections.Concurrent;
using System.Diagnostics;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Campaigns;

/// <summary>Many processes and several users on one repository: nothing is half, nothing is damaged, and whoever loses hears why.</summary>
[Trait("Category", "Kill")]
public sealed class CrowdTests : IDisposable
{
    private const int Crowd = 8;

    // What one process may hear because of another.
    private static readonly HashSet<string> s_expected = [ErrorCodes.BackupNotFound, ErrorCodes.BackupInUse, ErrorCodes.RepositoryBusy, ErrorCodes.LastGoodBackup, ErrorCodes.BackupExists];

    private readonly Workbench _bench = new();
    private readonly string _database;

    public CrowdTests() => _database = SampleDatabase.Create(_bench["app.db"], rows: 200, journal: "WAL");

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Of_eight_processes_with_one_name_exactly_one_gets_it()
    {
        WorkerProcess[] workers = [.. Enumerable.Range(0, Crowd).Select(_ => new WorkerProcess())];
        try
        {
            for (int round = 0; round < Sampling.Rounds(5, 50); round++)
            {
                foreach (WorkerProcess worker in workers)
                    worker.Send("backupnamed", _database, _bench.RepositoryPath, $"release {round}");
                WorkerEnd[] ends = [.. workers.Select(worker => worker.End())];

                Assert.True(ends.Count(end => end.Exit == 0) == 1, string.Join('\n', ends.Select(end => end.Words)));
                Assert.All(ends.Where(end => end.Exit != 0), end => Assert.True(end.Exit == 1 && end.Code is ErrorCodes.BackupExists or ErrorCodes.RepositoryBusy, end.Words));
            }

            // Without a name each gets one of its own.
            foreach (WorkerProcess worker in workers)
                worker.Send("backup", _database, _bench.RepositoryPath, "0");
            Assert.All(workers.Select(worker => worker.End()).ToList(), end => Assert.True(end.Exit == 0, end.Words));
        }
        finally
        {
            Array.ForEach(workers, worker => worker.Dispose());
        }

        await CheckWholeAsync(Crowd + Sampling.Rounds(5, 50));
    }

    [Fact]
    public async Task Backups_removals_tests_and_listings_at_once_disturb_no_other()
    {
        await _bench.BackUpAsync(_database);
        TimeSpan time = Sampling.Complete ? TimeSpan.FromMinutes(10) : TimeSpan.FromSeconds(20);
        var problems = new ConcurrentQueue<string>();
        var counts = new ConcurrentDictionary<string, int>();
        var watch = Stopwatch.StartNew();
        string[] roles = ["backup", "backup", "remove", "test", "list"];

        await Task.WhenAll(roles.Select((role, index) => Task.Factory.StartNew(
            () => Work(role, new Random(index), () => watch.Elapsed < time, problems, counts), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));

        string told = string.Join(", ", counts.OrderBy(count => count.Key, StringComparer.Ordinal).Select(count => $"{count.Key} {count.Value}"));
        TestContext.Current.TestOutputHelper?.WriteLine(told);
        Assert.True(problems.IsEmpty, $"{told}\n{string.Join('\n', problems.Distinct().Take(20))}");
        Assert.All(roles.Distinct(), role => Assert.True(counts.GetValueOrDefault(role + " ok") > 0, $"No {role} succeeded: {told}"));
        await CheckWholeAsync(null);
    }

    [Fact]
    public async Task Root_and_a_service_account_share_the_account_s_repository()
    {
        (string user, string group) = RequireUsers();
        string repository = Shared(user, group, "2750");
        using var root = new WorkerProcess();
        using var account = new WorkerProcess(As(user, group));
        foreach (WorkerProcess worker in (WorkerProcess[])[account, root, account, root])
        {
            WorkerEnd end = worker.Run("backup", Path.Join(_bench["shared"], "app.db"), repository, "0");
            Assert.True(end.Exit == 0, end.Words);
        }

        using var bench = new Workbench(repository);
        IReadOnlyList<Backup> listed = await bench.ListAsync();
        Assert.Equal(4, listed.Count);
        foreach (Backup backup in listed)
            Assert.True((await bench.TestAsync(backup, BackupTestLevel.Checksum)).Passed, backup.ToString());
    }

    [Fact]
    public async Task Two_users_of_a_group_on_one_repository_work_or_hear_why_not()
    {
        (string user, string group) = RequireUsers();
        string repository = Shared(user, group, "2770");
        using var first = new WorkerProcess(As(user, group));
        using var second = new WorkerProcess(As("nobody", group));
        for (int round = 0; round < 3; round++)
        {
            string database = Path.Join(_bench["shared"], "app.db");
            first.Send("backup", database, repository, "0");
            second.Send("backup", database, repository, "0");
            WorkerEnd one = first.End(), other = second.End();
            Assert.True(one.Exit == 0 || other.Exit == 0, $"{one.Words}\n{other.Words}");
            foreach (WorkerEnd end in (WorkerEnd[])[one, other])
                Assert.True(end.Exit == 0 || (end.Exit == 1 && end.Code is ErrorCodes.RepositoryNotWritable or ErrorCodes.ReadFailed or ErrorCodes.PermissionDenied), end.Words);
        }

        using var bench = new Workbench(repository);
        IReadOnlyList<Backup> listed = await bench.ListAsync();
        Assert.NotEmpty(listed);
        foreach (Backup backup in listed)
            Assert.True((await bench.TestAsync(backup, BackupTestLevel.Checksum)).Passed, backup.ToString());
        bench.AssertNothingStaged();
    }

    private static (string User, string Group) RequireUsers()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root", "Other users can only be played by root.");
        Require.Tool("setpriv");
        return ("daemon", "daemon");
    }

    private string[] As(string user, string group) =>
        ["setpriv", $"--reuid={user}", $"--regid={group}", "--clear-groups", "env", $"HOME={Path.Join(_bench["shared"], "home-" + user)}", $"TMPDIR={Path.Join(_bench["shared"], "home-" + user)}"];

    // A place that the group may use, as an administrator makes it.
    private string Shared(string user, string group, string mode)
    {
        string folder = _bench["shared"];
        string repository = Path.Join(folder, "backups");
        Directory.CreateDirectory(repository);
        SampleDatabase.Create(Path.Join(folder, "app.db"), rows: 100, journal: "DELETE");
        foreach (string each in (string[])[user, "nobody"])
        {
            string home = Path.Join(folder, "home-" + each);
            Directory.CreateDirectory(home);
            Shell.Run("chown", each, home);
        }

        Shell.Run("chmod", "755", _bench.Folder.Path, folder);
        Shell.Run("chown", $"{user}:{group}", folder, repository, Path.Join(folder, "app.db"));
        Shell.Run("chmod", "664", Path.Join(folder, "app.db"));
        Shell.Run("chmod", mode, repository);
        return repository;
    }

    private void Work(string role, Random random, Func<bool> goesOn, ConcurrentQueue<string> problems, ConcurrentDictionary<string, int> counts)
    {
        using var worker = new WorkerProcess();
        while (goesOn())
        {
            string[] command = role switch
            {
                "backup" => ["backup", _database, _bench.RepositoryPath, "0"],
                "list" => ["list", _bench.RepositoryPath],
                _ => Chosen() is { } name ? [role, _bench.RepositoryPath, "app", name] : [],
            };
            if (command.Length == 0)
            {
                Thread.Sleep(50);
                continue;
            }

            WorkerEnd end = worker.Run(command);
            counts.AddOrUpdate(end.Exit == 0 ? role + " ok" : $"{role} {end.Code}", 1, (_, count) => count + 1);
            if (end.Exit > 1 || (end.Exit == 1 && !s_expected.Contains(end.Code)))
                problems.Enqueue($"{string.Join(' ', command)} ended with {end.Exit}: {end.Words}");
            if (end.Exit > 2)
                return;
            if (end.Exit == 0 && end.Lines.FirstOrDefault(line => (line.StartsWith("app/", StringComparison.Ordinal) || line.StartsWith("tested ", StringComparison.Ordinal)) && (line.EndsWith("Unreadable", StringComparison.Ordinal) || line.EndsWith("Damaged", StringComparison.Ordinal))) is { } damaged)
                problems.Enqueue($"{role} saw {damaged}");
            // Removals are not to win the race for good.
            if (role == "remove")
                Thread.Sleep(random.Next(100));
        }

        string? Chosen()
        {
            string folder = Path.Join(_bench.RepositoryPath, "app");
            string[] names = Directory.Exists(folder) ? [.. Directory.EnumerateDirectories(folder).Select(Path.GetFileName).OfType<string>().Order(StringComparer.Ordinal)] : [];
            return names.Length == 0 ? null : names[random.Next(names.Length)];
        }
    }

    private async Task CheckWholeAsync(int? count)
    {
        IReadOnlyList<Backup> listed = await _bench.ListAsync();
        if (count is { } wanted)
            Assert.Equal(wanted, listed.Count);
        Assert.Equal(listed.Count, listed.Select(backup => backup.Manifest!.Id).Distinct().Count());
        foreach (Backup backup in listed)
            Assert.True((await _bench.TestAsync(backup, BackupTestLevel.Checksum)).Passed, backup.ToString());
        _bench.AssertNothingStaged();
        await _bench.BackUpAsync(_database);
    }
}
