using DbBackup.Engine.Restores;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.DiskFaults;

/// <summary>
/// A disk that is full, fails or denies access at the nth system call. What is listed is whole, what is restored is all old or all new, errors
/// are the module's own, and the next run works. Some calls fail usually, every one with DBBACKUP_TEST_FULL=1.
/// </summary>
[Trait("Category", "Kill")]
public sealed class FailedSystemCallTests : IDisposable
{
    private const int Sample = 40;

    private readonly FaultCampaign _campaign = new();
    private readonly string _database;
    private readonly string _uploads;
    private readonly string _repository;

    public FailedSystemCallTests()
    {
        _database = _campaign["app.db"];
        _uploads = _campaign["uploads"];
        _repository = _campaign["backups"];
        Directory.CreateDirectory(_campaign["tmp"]);
        SampleDatabase.Create(_database, rows: 50, journal: "WAL", mark: "wanted");
        Directory.CreateDirectory(Path.Join(_uploads, "more"));
        File.WriteAllText(Path.Join(_uploads, "photo.txt"), "wanted");
        File.WriteAllText(Path.Join(_uploads, "more", "second.txt"), "second");
    }

    public void Dispose() => _campaign.Dispose();

    [SampledTheory]
    [InlineData("NoSpace", false)]
    [CompleteRunData("Disk", false)]
    [CompleteRunData("Access", false)]
    [CompleteRunData("NoSpace", true)]
    [InlineData("Disk", true)]
    [CompleteRunData("Access", true)]
    public async Task A_backup_with_a_failing_call_is_listed_whole_or_not_at_all(string fault, bool first)
    {
        string[] command = ["backup", _database, _repository, "0", _uploads];
        if (!first)
            Succeeded(_campaign.Run(command));
        _campaign.Remember();
        int before = first ? 0 : 1;
        string content = SampleDatabase.Content(_database);

        await _campaign.FailEachAsync(Enum.Parse<Faults>(fault), first ? Sample / 2 : Sample, command, async (exit, report) =>
        {
            using var bench = new Workbench(_repository);
            int listed = await CheckListedAsync(bench, report);
            if (exit == 0 && listed != before + 1)
                report($"the backup was confirmed, and {listed} are listed");
            if (exit != 0 && listed != before)
                report($"the backup failed, and {listed} are listed");
            await NextBackupWorksAsync(bench, listed);
            Assert.Equal(content, SampleDatabase.Content(_database));
        });

        _campaign.Complete();
    }

    [SampledTheory]
    [InlineData("NoSpace")]
    [CompleteRunData("Disk")]
    [CompleteRunData("Access")]
    public async Task A_restore_with_a_failing_call_leaves_all_old_or_all_new(string fault)
    {
        Succeeded(_campaign.Run("backup", _database, _repository, "0", _uploads));
        string wanted = State();
        SampleDatabase.Run(_database, "UPDATE notes SET text = 'present'");
        File.WriteAllText(Path.Join(_uploads, "photo.txt"), "present");
        string present = State();
        string name = Path.GetFileName(Directory.GetDirectories(Path.Join(_repository, "app")).Single());
        string[] command = ["restore", _repository, "app", name, "0"];
        _campaign.Remember();

        await _campaign.FailEachAsync(Enum.Parse<Faults>(fault), Sample, command, async (exit, report) =>
        {
            using var bench = new Workbench(_repository);
            // Where giving the old state back failed too, the journal is its process's until that ends.
            if (Directory.EnumerateFiles(_campaign.Root, ".dbbackup-restore-*").Any())
            {
                _campaign.EndProcess();
                await RestoreRecovery.RunAsync([_database], bench.Observer, CancellationToken.None);
            }

            // A disk that fails while SQLite writes leaves a journal, which the application's next connection rolls back.
            SampleDatabase.Run(_database, "SELECT count(*) FROM notes");
            string state = State();
            if (state != wanted && state != present)
                report($"neither old nor new: {state}");
            if (exit == 0 && state != wanted)
                report("the restore was confirmed, and the old state is there");
            int listed = await CheckListedAsync(bench, report);
            if (exit == 0 && listed < 2)
                report("the target was replaced, and there is no safety backup");
            if (exit == 1 && state == wanted)
                report("the restore failed, and the new state is there");
            string[] left = [.. Directory.EnumerateFileSystemEntries(_campaign.Root).Select(Path.GetFileName).OfType<string>().Where(each => each.Contains(".dbbackup-", StringComparison.Ordinal))];
            if (left.Length > 0)
                report($"left beside the target: {string.Join(' ', left)}");
            Backup backup = Assert.Single(await bench.ListAsync(), each => each.Name == name);
            await bench.RestoreAsync(backup);
            Assert.Equal(wanted, State());
        });

        _campaign.Complete();
    }

    private static void Succeeded((int Exit, string Words) end) => Assert.True(end.Exit == 0, end.Words);

    private static async Task<int> CheckListedAsync(Workbench bench, Action<string> report)
    {
        IReadOnlyList<Backup> listed = Directory.Exists(bench.RepositoryPath) ? await bench.ListAsync() : [];
        foreach (Backup backup in listed)
        {
            if (backup.Problem is { } problem)
                report($"half listed: {problem}");
            else if (await bench.TestAsync(backup, BackupTestLevel.Checksum) is { Passed: false } test)
                report($"damaged: {test.Failure}");
        }

        return listed.Count;
    }

    // A lease that could not be deleted is its process's until that ends.
    private async Task NextBackupWorksAsync(Workbench bench, int listed)
    {
        await bench.BackUpAsync(_database, _uploads);
        Assert.Equal(listed + 1, (await bench.ListAsync()).Count);
        if (Directory.Exists(Path.Join(_repository, ".dbbackup")) && Directory.EnumerateFiles(Path.Join(_repository, ".dbbackup"), "*", SearchOption.AllDirectories).Any())
        {
            _campaign.EndProcess();
            await bench.BackUpAsync(_database, _uploads);
        }

        bench.AssertNothingStaged();
    }

    private string State() => SampleDatabase.Text(_database, "SELECT count(*) || max(text) || min(text) FROM notes")
        + SampleDatabase.Text(_database, "PRAGMA quick_check") + "|" + File.ReadAllText(Path.Join(_uploads, "photo.txt")) + File.ReadAllText(Path.Join(_uploads, "more", "second.txt"));
}
