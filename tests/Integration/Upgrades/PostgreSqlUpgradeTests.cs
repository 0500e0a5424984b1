using System.Text.Json;
using DbBackup.Engine.Encryption;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Testing;
using DbBackup.Upgrades;
using Npgsql;

namespace DbBackup.Tests.Integration.Upgrades;

/// <summary>Upgrades of a database of a server: those that succeed, and those that fail in every way.</summary>
[Trait("Category", "PostgreSql")]
public sealed class PostgreSqlUpgradeTests(OwnPostgreSqlServer own) : IClassFixture<OwnPostgreSqlServer>
{
    private const string Psql = PostgreSqlUpgradeBench.Psql;

    // A URL of the same server's maintenance database.
    private const string Maintenance = "psql -X -q -v ON_ERROR_STOP=1 \"${DATABASE_URL%/*}/postgres\"";

    [Fact]
    public async Task Good_migration_is_rehearsed_made_and_checked()
    {
        using var bench = new PostgreSqlUpgradeBench(own.Server);
        UpgradeResult result = await bench.RunAsync(bench.Request(
            "echo \"$DATABASE_URL\" >> urls; " + PostgreSqlUpgradeBench.Good, "SELECT count(*) = 100 FROM notes WHERE extra = 'new'", Psql + " -c 'SELECT extra FROM notes' > /dev/null"));
        Assert.True(UpgradeState.Succeeded == result.State, result.Failure);
        Assert.All(result.Steps, step => Assert.Equal(UpgradeStepState.Done, step.State));
        Assert.Equal(("aaaa", "bbbb"), (result.FromRevision, result.ToRevision));
        bench.AssertMigrated();
        // The copy first, then the real one.
        string[] urls = File.ReadAllLines(bench.CodeFile("urls"));
        Assert.Equal(2, urls.Length);
        Assert.Contains("/dbbackup_", urls[0], StringComparison.Ordinal);
        Assert.EndsWith("/" + bench.Database.Name, urls[1], StringComparison.Ordinal);
        Backup backup = Assert.Single(await bench.Files.ListAsync());
        Assert.Equal((BackupReason.PreMigration, BackupStatus.Matched), (backup.Reason, backup.Status));
    }

    [Theory]
    [InlineData(Psql + " -c 'DROP TABLE notes'; echo out; echo reason >&2; exit 3", "reason")]
    [InlineData(Psql + " -c 'DELETE FROM notes' -c 'SELECT 1/0'", "division by zero")]
    public async Task Migration_that_would_fail_never_meets_the_real_data(string migrate, string reason)
    {
        using var bench = new PostgreSqlUpgradeBench(own.Server);
        UpgradeResult result = await bench.RunAsync(bench.Request("echo \"$DATABASE_URL\" >> urls; " + migrate));
        Assert.Equal(UpgradeState.RolledBack, result.State);
        Assert.Equal(UpgradeStepState.Failed, UpgradeBench.StateOf(result, "Rehearsal"));
        Assert.Equal(UpgradeStepState.Pending, UpgradeBench.StateOf(result, "Migration"));
        Assert.Contains(reason, result.Failure, StringComparison.Ordinal);
        Assert.Contains("/dbbackup_", Assert.Single(File.ReadAllLines(bench.CodeFile("urls"))), StringComparison.Ordinal);
        Assert.Empty(bench.Bench.KeptDatabases());
        bench.AssertAsBefore();
    }

    [Fact]
    public async Task Disk_that_is_full_at_the_backup_ends_it_before_anything_is_changed()
    {
        using var bench = new PostgreSqlUpgradeBench(own.Server);
        using var disk = new SmallDisk(40);
        var observer = new StepObserver(("Backup", () => disk.FillBut(4096)));
        UpgradeResult result = await bench.Service.RunAsync(bench.Request(PostgreSqlUpgradeBench.Good), DbBackup.Engine.Repository.BackupRepository.At(disk.Path), observer, CancellationToken.None);
        Assert.Equal((UpgradeState.RolledBack, UpgradeStepState.Failed), (result.State, UpgradeBench.StateOf(result, "Backup")));
        bench.AssertAsBefore();
    }

    [Theory]
    [InlineData("exit 3")]
    [InlineData(Psql + " -c 'ALTER TABLE notes ADD COLUMN extra text' -c 'DELETE FROM notes WHERE id > 50' -c 'SELECT 1/0'")]
    [InlineData(Psql + " -c 'DROP TABLE notes'; exit 3")]
    [InlineData(Psql + " -c 'DROP SCHEMA public CASCADE'; exit 3")]
    [InlineData(Psql + " -c 'DELETE FROM notes' -c 'SELECT pg_sleep(600)'")]
    // The server goes on with a transaction whose program was ended.
    [InlineData(Psql + " -c 'BEGIN; DROP TABLE notes; SELECT pg_sleep(600); COMMIT'")]
    [InlineData(Psql + " -c 'DELETE FROM notes' -c 'SELECT pg_sleep(600)' & " + Psql + " -c 'SELECT pg_sleep(600)'")]
    [InlineData(Maintenance + " -c \"DROP DATABASE \\\"${DATABASE_URL##*/}\\\"\"; exit 3")]
    public async Task Failure_in_the_middle_of_the_migration_gives_back_what_was_there(string migrate)
    {
        using var bench = new PostgreSqlUpgradeBench(own.Server);
        UpgradeResult result = await bench.RunAsync(bench.Request(migrate) with { NoRehearsal = true, Timeout = TimeSpan.FromSeconds(migrate.Contains("sleep", StringComparison.Ordinal) ? 3 : 60) });
        Assert.Equal(UpgradeState.RolledBack, result.State);
        Assert.Equal(UpgradeStepState.Failed, UpgradeBench.StateOf(result, "Migration"));
        Assert.Equal(UpgradeStepState.Done, UpgradeBench.StateOf(result, "Rollback"));
        bench.AssertAsBefore();
    }

    [Theory]
    [InlineData("SELECT count(*) FROM notes WHERE extra IS NULL", "returned 0")]
    [InlineData("SELECT no_such_column FROM notes", "no_such_column")]
    [InlineData("SELECT pg_sleep(600)", "statement timeout")]
    [InlineData("echo not well; false", "not well")]
    public async Task Check_that_does_not_hold_gives_back_what_was_there(string check, string reason)
    {
        using var bench = new PostgreSqlUpgradeBench(own.Server);
        UpgradeResult result = await bench.RunAsync(bench.Request(PostgreSqlUpgradeBench.Good, check) with { NoRehearsal = true, Timeout = TimeSpan.FromSeconds(5) });
        Assert.Equal(UpgradeState.RolledBack, result.State);
        Assert.Equal(UpgradeStepState.Done, UpgradeBench.StateOf(result, "Migration"));
        Assert.Equal(UpgradeStepState.Failed, UpgradeBench.StateOf(result, "Check"));
        Assert.Contains(reason, result.Failure, StringComparison.Ordinal);
        bench.AssertAsBefore();
    }

    [Fact]
    public async Task Index_that_a_migration_could_not_build_is_found()
    {
        using var bench = new PostgreSqlUpgradeBench(own.Server);
        UpgradeResult result = await bench.RunAsync(bench.Request(Psql + " -c 'CREATE UNIQUE INDEX CONCURRENTLY half ON notes (author)'; true") with { NoRehearsal = true });
        Assert.Equal(UpgradeState.RolledBack, result.State);
        Assert.Contains("index public.half is not valid", result.Failure, StringComparison.Ordinal);
        bench.AssertAsBefore();
    }

    [Fact]
    public async Task Index_that_was_not_built_before_is_not_taken_for_the_migrations_doing()
    {
        using var bench = new PostgreSqlUpgradeBench(own.Server);
        using (NpgsqlConnection connection = await OpenAsync(bench, "SELECT 1"))
        {
            using var command = new NpgsqlCommand("CREATE UNIQUE INDEX CONCURRENTLY half ON notes (author)", connection);
            await Assert.ThrowsAsync<PostgresException>(() => command.ExecuteNonQueryAsync());
        }

        BackupException refused = await Assert.ThrowsAnyAsync<BackupException>(() => UpgradeService.PlanAsync(bench.Request(PostgreSqlUpgradeBench.Good), bench.Files.Repository, CancellationToken.None));
        Assert.Equal(ErrorCodes.SourceCorrupt, refused.Code);
        Assert.Contains("index public.half is not valid", refused.Message, StringComparison.Ordinal);
        UpgradeResult result = await bench.RunAsync(bench.Request(PostgreSqlUpgradeBench.Good));
        Assert.Equal((UpgradeState.RolledBack, UpgradeStepState.Failed), (result.State, UpgradeBench.StateOf(result, "Preflight")));
        Assert.False(bench.IsMigrated);

        // One that waits for its partitions is as it is meant to be.
        bench.Database.Execute("DROP INDEX half; CREATE TABLE parts (id integer) PARTITION BY RANGE (id); CREATE TABLE part PARTITION OF parts DEFAULT; CREATE INDEX ON ONLY parts (id)");
        result = await bench.RunAsync(bench.Request(PostgreSqlUpgradeBench.Good));
        Assert.True(UpgradeState.Succeeded == result.State, result.Failure);
    }

    [Theory]
    [InlineData("SELECT pg_advisory_lock(1)", "with an advisory lock")]
    [InlineData("SET application_name = 'pg_dump'; BEGIN; SELECT count(*) FROM authors", "(pg_dump, from 127.0.0.1) in a transaction since")]
    [InlineData("BEGIN; INSERT INTO authors (name) VALUES ('late'); PREPARE TRANSACTION 'other'", "the prepared transaction 'other' since")]
    public async Task Others_with_locks_are_waited_for_by_a_person(string sql, string reason)
    {
        using var bench = new PostgreSqlUpgradeBench(own.Server);
        using NpgsqlConnection holder = await OpenAsync(bench, sql);
        try
        {
            BackupException refused = await Assert.ThrowsAnyAsync<BackupException>(() => UpgradeService.PlanAsync(bench.Request(PostgreSqlUpgradeBench.Good), bench.Files.Repository, CancellationToken.None));
            Assert.Equal(ErrorCodes.DatabaseInUse, refused.Code);
            Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
            bench.Bench.AssertSound(refused);
            UpgradeResult result = await bench.RunAsync(bench.Request(PostgreSqlUpgradeBench.Good));
            Assert.Equal((UpgradeState.RolledBack, UpgradeStepState.Failed), (result.State, UpgradeBench.StateOf(result, "Preflight")));
            Assert.Contains(reason, result.Failure, StringComparison.Ordinal);
            Assert.False(bench.IsMigrated);

            // They hold nothing that this migration needs.
            result = await bench.RunAsync(bench.Request(PostgreSqlUpgradeBench.Good) with { Force = true, Timeout = TimeSpan.FromSeconds(60) });
            Assert.True(UpgradeState.Succeeded == result.State, result.Failure);
            Assert.True(bench.IsMigrated);
        }
        finally
        {
            await EndPreparedAsync(bench, "ROLLBACK");
        }
    }

    [Fact]
    public async Task Session_for_which_a_forced_migration_waits_in_vain_is_ended_by_the_way_back()
    {
        using var bench = new PostgreSqlUpgradeBench(own.Server);
        using NpgsqlConnection holder = await OpenAsync(bench, "SET application_name = 'pg_dump'; BEGIN; SELECT count(*) FROM notes");
        UpgradeResult result = await bench.RunAsync(bench.Request(PostgreSqlUpgradeBench.Good) with { Force = true, NoRehearsal = true, Timeout = TimeSpan.FromSeconds(5) });
        Assert.Equal(UpgradeState.RolledBack, result.State);
        Assert.Contains("took longer than 5 s", result.Failure, StringComparison.Ordinal);
        bench.AssertAsBefore();
    }

    [Fact]
    public async Task Prepared_transaction_for_which_a_forced_migration_waits_in_vain_is_left_to_its_owner()
    {
        using var bench = new PostgreSqlUpgradeBench(own.Server);
        using NpgsqlConnection holder = await OpenAsync(bench, "BEGIN; LOCK TABLE notes IN ACCESS SHARE MODE; PREPARE TRANSACTION 'other'");
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() =>
            bench.RunAsync(bench.Request(PostgreSqlUpgradeBench.Good) with { Force = true, NoRehearsal = true, Timeout = TimeSpan.FromSeconds(5), LockTimeout = TimeSpan.FromSeconds(2) }));
        bench.Bench.AssertSound(failure);
        Assert.Contains("Undo-DbUpgrade", failure.Hint, StringComparison.Ordinal);
        await EndPreparedAsync(bench, "COMMIT");
        UpgradeResult failed = Assert.Single(bench.Service.List());
        Assert.Equal(UpgradeState.Failed, failed.State);
        Assert.Equal(UpgradeState.RolledBack, (await bench.UndoAsync(failed.Id)).State);
        bench.AssertAsBefore();
    }

    [Fact]
    public async Task Wrong_password_is_refused_before_anything_is_done()
    {
        using var bench = new PostgreSqlUpgradeBench(own.Server);
        UpgradeRequest request = bench.Request("touch begun");
        request = request with { Subject = new UpgradeSubject.ServerDatabase(bench.Bench.Superuser with { Database = bench.Database.Name, Password = "wr0ng-passw0rd" }) };
        BackupException refused = await Assert.ThrowsAnyAsync<BackupException>(() => UpgradeService.PlanAsync(request, bench.Files.Repository, CancellationToken.None));
        Assert.Equal(ErrorCodes.AuthenticationFailed, refused.Code);
        UpgradeResult result = await bench.RunAsync(request);
        Assert.Equal((UpgradeState.RolledBack, UpgradeStepState.Failed), (result.State, UpgradeBench.StateOf(result, "Preflight")));
        Assert.DoesNotContain("wr0ng-passw0rd", result.Failure, StringComparison.Ordinal);
        Assert.False(File.Exists(bench.CodeFile("begun")));
        AssertNowhere(bench, "wr0ng-passw0rd");
        bench.AssertAsBefore();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Password_is_in_no_journal_and_is_asked_for_again(bool inConnectionString)
    {
        using var bench = new PostgreSqlUpgradeBench(own.Server);
        // Programs that fail like to tell with what.
        UpgradeRequest request = bench.Request("echo \"$DATABASE_URL\"; echo \"cannot connect with $DATABASE_URL\" >&2; test -f go && " + PostgreSqlUpgradeBench.Good) with { NoRehearsal = true, NoRollback = true };
        if (inConnectionString)
            request = request with { Subject = new UpgradeSubject.ServerDatabase(new() { Server = ServerAddress.Of(bench.Database.Uri) }) };
        var words = new List<string>();
        bench.Observer.At = words.Add;
        UpgradeResult failed = await bench.RunAsync(request);
        Assert.Equal(UpgradeState.Failed, failed.State);
        Assert.Contains("cannot connect with", failed.Failure, StringComparison.Ordinal);
        AssertNowhere(bench, bench.Bench.Server.Password);
        Assert.All(words, line => Assert.DoesNotContain(Uri.EscapeDataString(bench.Bench.Server.Password), line, StringComparison.Ordinal));

        BackupException lacking = await Assert.ThrowsAnyAsync<BackupException>(() => bench.Service.ResumeAsync(failed.Id, null, new KeyRing(), bench.Observer, CancellationToken.None));
        Assert.Equal(ErrorCodes.AuthenticationFailed, lacking.Code);
        Assert.Equal(UpgradeState.Failed, Assert.Single(bench.Service.List()).State);
        File.WriteAllText(bench.CodeFile("go"), string.Empty);
        Assert.Equal(UpgradeState.Succeeded, (await bench.ResumeAsync(failed.Id)).State);
        bench.AssertMigrated();
        lacking = await Assert.ThrowsAnyAsync<BackupException>(() => bench.Service.UndoAsync(failed.Id, null, new KeyRing(), bench.Observer, CancellationToken.None));
        Assert.Equal(ErrorCodes.AuthenticationFailed, lacking.Code);
        await bench.UndoAsync(failed.Id);
        bench.AssertAsBefore();
        AssertNowhere(bench, bench.Bench.Server.Password);
    }

    [Fact]
    public async Task Password_of_the_environment_serves_for_the_way_on_and_the_way_back()
    {
        using var bench = new PostgreSqlUpgradeBench(own.Server);
        UpgradeResult failed = await bench.RunAsync(bench.Request("test -f go && " + PostgreSqlUpgradeBench.Good) with { NoRehearsal = true, NoRollback = true });
        File.WriteAllText(bench.CodeFile("go"), string.Empty);
        var environment = new Dictionary<string, string> { ["PGPASSWORD"] = bench.Bench.Server.Password };
        (int exit, string output) = OtherProcess.Run(environment, OtherProcess.Command("resume", bench.Journals, failed.Id));
        Assert.True(exit == 0, output);
        bench.AssertMigrated();
        (exit, output) = OtherProcess.Run(environment, OtherProcess.Command("undo", bench.Journals, failed.Id));
        Assert.True(exit == 0, output);
        bench.AssertAsBefore();
    }

    [Fact]
    public async Task Second_upgrade_of_the_same_database_is_refused()
    {
        using var bench = new PostgreSqlUpgradeBench(own.Server);
        Task<UpgradeResult> first = bench.RunAsync(bench.Request("touch begun; while [ ! -f go ]; do sleep 0.1; done; " + PostgreSqlUpgradeBench.Good) with { NoRehearsal = true });
        await PostgreSqlUpgradeBench.WaitForAsync(() => File.Exists(bench.CodeFile("begun")));
        BackupException refused = await Assert.ThrowsAnyAsync<BackupException>(() => bench.RunAsync(bench.Request(PostgreSqlUpgradeBench.Good)));
        Assert.Equal(ErrorCodes.UpgradeInProgress, refused.Code);
        // However it is named.
        refused = await Assert.ThrowsAnyAsync<BackupException>(() => bench.RunAsync(bench.Request(PostgreSqlUpgradeBench.Good) with { Subject = new UpgradeSubject.ServerDatabase(new() { Server = ServerAddress.Of(bench.Database.Uri) }) }));
        Assert.Equal(ErrorCodes.UpgradeInProgress, refused.Code);
        File.WriteAllText(bench.CodeFile("go"), string.Empty);
        Assert.Equal(UpgradeState.Succeeded, (await first).State);
        bench.AssertMigrated();
    }

    [Fact]
    public async Task Way_back_is_tried_again_where_something_stands_in_it()
    {
        using var bench = new PostgreSqlUpgradeBench(own.Server);
        string aside = bench.Files.RepositoryPath + ".aside";
        bench.Observer.At = words =>
        {
            if (words.Contains("rolling back", StringComparison.Ordinal))
                Directory.Move(bench.Files.RepositoryPath, aside);
            else if (words.Contains("is retried", StringComparison.Ordinal) && Directory.Exists(aside))
                Directory.Move(aside, bench.Files.RepositoryPath);
        };
        UpgradeResult result = await bench.RunAsync(bench.Request(Psql + " -c 'DELETE FROM notes'; exit 3") with { NoRehearsal = true });
        Assert.Equal(UpgradeState.RolledBack, result.State);
        Assert.Contains(bench.Observer.Warnings, warning => warning.Contains("is retried", StringComparison.Ordinal));
        bench.AssertAsBefore();
    }

    [Fact]
    public async Task Success_is_taken_back_where_that_is_wished()
    {
        using var bench = new PostgreSqlUpgradeBench(own.Server);
        UpgradeResult result = await bench.RunAsync(bench.Request(PostgreSqlUpgradeBench.Good));
        Assert.Equal(UpgradeState.RolledBack, (await bench.UndoAsync(result.Id)).State);
        bench.AssertAsBefore();
    }

    // The shell cannot even be started.
    [Fact]
    public async Task Failure_that_nobody_has_foreseen_gives_back_what_was_there()
    {
        using var bench = new PostgreSqlUpgradeBench(own.Server);
        bench.Observer.At = words =>
        {
            if (words == "Migration")
                Directory.Delete(bench.Code);
        };
        Exception? failure = await Record.ExceptionAsync(() => bench.RunAsync(bench.Request(PostgreSqlUpgradeBench.Good) with { NoRehearsal = true }));
        UpgradeResult result = Assert.Single(bench.Service.List());
        Assert.Equal((UpgradeState.RolledBack, UpgradeStepState.Failed), (result.State, UpgradeBench.StateOf(result, "Migration")));
        Assert.Equal(UpgradeStepState.Done, UpgradeBench.StateOf(result, "Rollback"));
        Assert.True(failure is null || failure.Message == result.Failure, failure?.ToString());
        bench.AssertAsBefore();
    }

    private static async Task<NpgsqlConnection> OpenAsync(PostgreSqlUpgradeBench bench, string sql)
    {
        var connection = new NpgsqlConnection(bench.Database.ConnectionString);
        await connection.OpenAsync();
        using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
        return connection;
    }

    private static async Task EndPreparedAsync(PostgreSqlUpgradeBench bench, string how)
    {
        if (bench.Database.Query("SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()") == "0")
            return;
        using NpgsqlConnection _ = await OpenAsync(bench, how + " PREPARED 'other'");
    }

    private static void AssertNowhere(PostgreSqlUpgradeBench bench, string password) => Assert.All(
        Directory.EnumerateFiles(bench.Journals),
        file =>
        {
            string text = File.ReadAllText(file);
            Assert.DoesNotContain(password, text, StringComparison.Ordinal);
            Assert.DoesNotContain(Uri.EscapeDataString(password), text, StringComparison.Ordinal);
            Assert.DoesNotContain(JsonSerializer.Serialize(password).Trim('"'), text, StringComparison.Ordinal);
            // The random part, however the rest is written.
            Assert.DoesNotContain(password[^12..], text, StringComparison.Ordinal);
        });
}
