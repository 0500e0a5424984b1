using System.Net;
using DbBackup.Engine.Encryption;
using DbBackup.Upgrades;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Upgrades;

/// <summary>Upgrades of SQLite databases: those that succeed, and those that fail in every way.</summary>
[Trait("Category", "Tool")]
public sealed class UpgradeTests : IDisposable
{
    private readonly UpgradeBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Good_migration_is_rehearsed_made_and_checked()
    {
        UpgradeResult result = await _bench.RunAsync(_bench.Request(UpgradeBench.Good, "SELECT count(*) = 100 FROM notes WHERE extra = 'new'", "test -f app.db"));
        Assert.True(UpgradeState.Succeeded == result.State, result.Failure);
        Assert.Null(result.Failure);
        Assert.All(result.Steps, step => Assert.Equal(UpgradeStepState.Done, step.State));
        Assert.Contains("on a copy", result.Steps.Single(step => step.Name == "Rehearsal").Detail, StringComparison.Ordinal);
        Assert.True(_bench.IsMigrated);
        Backup backup = Assert.Single(await _bench.Files.ListAsync());
        Assert.Equal(BackupReason.PreMigration, backup.Reason);
        Assert.Equal(BackupStatus.Matched, backup.Status);
        Assert.Equal(result.Backup, backup.ToString());
        Assert.Equal(UpgradeState.Succeeded, Assert.Single(_bench.Service.List()).State);
    }

    [Fact]
    public async Task Migration_that_would_fail_never_meets_the_real_data()
    {
        DateTime written = File.GetLastWriteTimeUtc(_bench.Database);
        UpgradeResult result = await _bench.RunAsync(_bench.Request("p=${DATABASE_URL#sqlite:///}; sqlite3 \"$p\" 'DROP TABLE notes'; echo out; echo reason >&2; exit 3"));
        Assert.Equal(UpgradeState.RolledBack, result.State);
        Assert.Equal(UpgradeStepState.Failed, UpgradeBench.StateOf(result, "Rehearsal"));
        Assert.Equal(UpgradeStepState.Pending, UpgradeBench.StateOf(result, "Migration"));
        Assert.Contains("exit code 3", result.Failure, StringComparison.Ordinal);
        Assert.Contains("reason", result.Failure, StringComparison.Ordinal);
        Assert.Equal(written, File.GetLastWriteTimeUtc(_bench.Database));
        _bench.AssertAsBefore();
    }

    [Theory]
    [InlineData("exit 3")]
    [InlineData("sqlite3 app.db 'ALTER TABLE notes ADD COLUMN extra TEXT; DELETE FROM notes WHERE id > 50'; exit 3")]
    [InlineData("sqlite3 app.db 'DROP TABLE notes'; exit 3")]
    [InlineData("sqlite3 app.db 'PRAGMA journal_mode=WAL; DELETE FROM notes'; exit 3")]
    [InlineData("head -c 20000 /dev/urandom > app.db; exit 3")]
    [InlineData("rm app.db; exit 3")]
    [InlineData("sqlite3 app.db 'DELETE FROM notes'; sleep 600 & sleep 600")]
    public async Task Failure_in_the_middle_of_the_migration_gives_back_what_was_there(string migrate)
    {
        UpgradeResult result = await _bench.RunAsync(_bench.Request(migrate) with { NoRehearsal = true, Timeout = TimeSpan.FromSeconds(migrate.Contains("sleep", StringComparison.Ordinal) ? 2 : 60) });
        Assert.Equal(UpgradeState.RolledBack, result.State);
        Assert.Equal(UpgradeStepState.Failed, UpgradeBench.StateOf(result, "Migration"));
        Assert.Equal(UpgradeStepState.Done, UpgradeBench.StateOf(result, "Rollback"));
        _bench.AssertAsBefore();
    }

    [Theory]
    [InlineData("SELECT count(*) FROM notes WHERE extra IS NULL")]
    [InlineData("SELECT no_such_column FROM notes")]
    [InlineData("echo not well; false")]
    [InlineData("http://127.0.0.1:1/health")]
    public async Task Check_that_does_not_hold_gives_back_what_was_there(string check)
    {
        UpgradeResult result = await _bench.RunAsync(_bench.Request(UpgradeBench.Good, check) with { NoRehearsal = true, Timeout = TimeSpan.FromSeconds(3) });
        Assert.Equal(UpgradeState.RolledBack, result.State);
        Assert.Equal(UpgradeStepState.Done, UpgradeBench.StateOf(result, "Migration"));
        Assert.Equal(UpgradeStepState.Failed, UpgradeBench.StateOf(result, "Check"));
        _bench.AssertAsBefore();
    }

    [Fact]
    public async Task Address_is_asked_until_it_answers_well()
    {
        using var server = new HttpListener();
        server.Prefixes.Add("http://127.0.0.1:38471/");
        server.Start();
        int asked = 0;
        _ = Task.Run(async () =>
        {
            while (server.IsListening)
            {
                HttpListenerContext context = await server.GetContextAsync();
                context.Response.StatusCode = ++asked < 3 ? 503 : 200;
                context.Response.Close();
            }
        });
        UpgradeResult result = await _bench.RunAsync(_bench.Request(UpgradeBench.Good, "http://127.0.0.1:38471/health"));
        Assert.True(UpgradeState.Succeeded == result.State, result.Failure);
        Assert.Equal(3, asked);
    }

    [Fact]
    public async Task Way_back_is_tried_again_where_something_stands_in_it()
    {
        Task<UpgradeResult> upgrade;
        using (OtherProcess holder = OtherProcess.Hold(_bench.Database))
        {
            upgrade = _bench.RunAsync(_bench.Request("sqlite3 app.db 'DELETE FROM notes'; exit 3") with { NoRehearsal = true, LockTimeout = TimeSpan.FromSeconds(1) });
            await WaitForAsync(() => _bench.Files.Observer.Warnings.Any(warning => warning.Contains("is retried", StringComparison.Ordinal)));
        }

        Assert.Equal(UpgradeState.RolledBack, (await upgrade).State);
        _bench.AssertAsBefore();
    }

    [Fact]
    public async Task Way_back_that_fails_says_how_it_is_found_and_is_found()
    {
        using (OtherProcess holder = OtherProcess.Hold(_bench.Database))
        {
            BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() =>
                _bench.RunAsync(_bench.Request("sqlite3 app.db 'DELETE FROM notes'; exit 3") with { NoRehearsal = true, LockTimeout = TimeSpan.FromSeconds(1) }));
            Assert.Contains("Undo-DbUpgrade", failure.Hint, StringComparison.Ordinal);
        }

        UpgradeResult failed = Assert.Single(_bench.Service.List());
        Assert.Equal(UpgradeState.Failed, failed.State);
        UpgradeResult undone = await _bench.Service.UndoAsync(failed.Id, null, new KeyRing(), _bench.Files.Observer, CancellationToken.None);
        Assert.Equal(UpgradeState.RolledBack, undone.State);
        _bench.AssertAsBefore();
    }

    [Fact]
    public async Task Failure_that_is_not_to_be_taken_back_can_be_later_or_gone_on_with()
    {
        UpgradeRequest request = _bench.Request("sqlite3 app.db 'DELETE FROM notes WHERE id > 50'; test -f go") with { NoRehearsal = true, NoRollback = true };
        UpgradeResult failed = await _bench.RunAsync(request);
        Assert.Equal(UpgradeState.Failed, failed.State);
        Assert.Equal("50", SampleDatabase.Text(_bench.Database, "SELECT count(*) FROM notes"));
        await _bench.Service.UndoAsync(failed.Id, null, new KeyRing(), _bench.Files.Observer, CancellationToken.None);
        _bench.AssertAsBefore();
        BackupException twice = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.Service.UndoAsync(failed.Id, null, new KeyRing(), _bench.Files.Observer, CancellationToken.None));
        Assert.Equal(ErrorCodes.InvalidArgument, twice.Code);

        UpgradeResult again = await _bench.RunAsync(request);
        Assert.Equal(UpgradeState.Failed, again.State);
        File.WriteAllText(_bench.Files["go"], string.Empty);
        UpgradeResult resumed = await _bench.Service.ResumeAsync(again.Id, null, new KeyRing(), _bench.Files.Observer, CancellationToken.None);
        Assert.Equal(UpgradeState.Succeeded, resumed.State);
        Assert.Equal("50", SampleDatabase.Text(_bench.Database, "SELECT count(*) FROM notes"));
    }

    [Fact]
    public async Task Success_is_taken_back_where_that_is_wished_the_last_one_first()
    {
        UpgradeResult result = await _bench.RunAsync(_bench.Request(UpgradeBench.Good));
        UpgradeResult later = await _bench.RunAsync(_bench.Request("true"));
        BackupException refused = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.Service.UndoAsync(result.Id, null, new KeyRing(), _bench.Files.Observer, CancellationToken.None));
        Assert.Contains(later.Id, refused.Hint, StringComparison.Ordinal);
        await _bench.Service.UndoAsync(later.Id, null, new KeyRing(), _bench.Files.Observer, CancellationToken.None);
        await _bench.Service.UndoAsync(result.Id, null, new KeyRing(), _bench.Files.Observer, CancellationToken.None);
        _bench.AssertAsBefore();
    }

    [Fact]
    public async Task Stopped_upgrade_gives_back_what_was_there()
    {
        using var cancel = new CancellationTokenSource();
        Task<UpgradeResult> upgrade = _bench.RunAsync(_bench.Request("sqlite3 app.db 'DELETE FROM notes'; touch begun; sleep 600") with { NoRehearsal = true }, cancel.Token);
        await WaitForAsync(() => File.Exists(_bench.Files["begun"]));
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => upgrade);
        _bench.AssertAsBefore();
        Assert.Equal(UpgradeState.RolledBack, Assert.Single(_bench.Service.List()).State);
    }

    [Fact]
    public async Task Second_upgrade_of_the_same_database_waits_for_nothing_and_is_refused()
    {
        Task<UpgradeResult> first = _bench.RunAsync(_bench.Request("touch begun; while [ ! -f go ]; do sleep 0.1; done") with { NoRehearsal = true });
        await WaitForAsync(() => File.Exists(_bench.Files["begun"]));
        BackupException refused = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.RunAsync(_bench.Request(UpgradeBench.Good)));
        Assert.Equal(ErrorCodes.UpgradeInProgress, refused.Code);
        File.WriteAllText(_bench.Files["go"], string.Empty);
        Assert.Equal(UpgradeState.Succeeded, (await first).State);
    }

    [Fact]
    public async Task Backup_that_would_find_no_room_ends_it_before_anything_is_changed()
    {
        using var disk = new SmallDisk(1);
        SampleDatabase.Run(_bench.Database, "INSERT INTO notes SELECT id + 1000, text, randomblob(40000) FROM notes");
        string before = SampleDatabase.Content(_bench.Database);
        UpgradeResult result = await _bench.Service.RunAsync(_bench.Request(UpgradeBench.Good), Repositories(disk.Path), _bench.Files.Observer, CancellationToken.None);
        Assert.Equal(UpgradeState.RolledBack, result.State);
        Assert.Equal(UpgradeStepState.Failed, UpgradeBench.StateOf(result, "Preflight"));
        Assert.Equal(before, SampleDatabase.Content(_bench.Database));
    }

    [Fact]
    public async Task Files_beside_the_database_come_back_too()
    {
        string uploads = Directory.CreateDirectory(_bench.Files["uploads"]).FullName;
        File.WriteAllText(Path.Combine(uploads, "a.txt"), "old");
        UpgradeResult result = await _bench.RunAsync(_bench.Request("rm uploads/a.txt; echo new > uploads/b.txt; exit 3") with { NoRehearsal = true, Subject = new UpgradeSubject.SqliteFile(_bench.Database) { AdditionalPaths = [uploads] } });
        Assert.Equal(UpgradeState.RolledBack, result.State);
        Assert.Equal("old", File.ReadAllText(Path.Combine(uploads, "a.txt")));
        Assert.False(File.Exists(Path.Combine(uploads, "b.txt")));
        _bench.AssertAsBefore();
    }

    [Theory]
    [InlineData("alembic upgrade head", "alembic")]
    [InlineData("uv run alembic upgrade heads", "uv run alembic")]
    [InlineData("cd backend && alembic upgrade head", null)]
    [InlineData("bun migrate", null)]
    public void Alembic_is_known_by_its_command(string migrate, string? tool) => Assert.Equal(tool, UpgradeRequest.ToolOf(migrate));

    private static Engine.Repository.BackupRepository Repositories(string path) => Engine.Repository.BackupRepository.At(Path.Combine(path, "backups"));

    private static async Task WaitForAsync(Func<bool> condition)
    {
        for (int attempt = 0; !condition(); attempt++)
        {
            Assert.True(attempt < 600, "It did not come to pass.");
            await Task.Delay(50);
        }
    }
}
