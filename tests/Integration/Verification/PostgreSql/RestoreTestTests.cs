using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Verification;
using DbBackup.Testing;
using PostgreSqlServer = DbBackup.Testing.PostgreSqlServer;

namespace DbBackup.Tests.Integration.Verification.PostgreSql;

/// <summary>The restore test: what it finds is the backup's, what its server lacks or suffers is not, and its database is always dropped.</summary>
[Trait("Category", "PostgreSql")]
public sealed class RestoreTestTests(OwnPostgreSqlServer own) : IClassFixture<OwnPostgreSqlServer>
{
    [Fact]
    public async Task Assertions_are_asked_of_the_restored_database()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        Backup backup = await bench.BackUpAsync();
        bench.Database.Execute("DELETE FROM notes");

        BackupTestResult holds = await bench.TestAsync(backup, BackupTestLevel.Restore, null, "SELECT count(*) = 100 FROM notes", "SELECT bool_and(author > 0) FROM public.notes");
        Assert.True(holds.Passed, holds.ToString());
        Assert.Equal(BackupStatus.Matched, holds.Status);
        foreach (string wrong in new[] { "SELECT count(*) = 99 FROM notes", "SELECT 1", "SELECT true WHERE false" })
        {
            BackupTestResult fails = await bench.TestAsync(backup, BackupTestLevel.Restore, null, "SELECT true", wrong);
            BackupCheck failed = Assert.Single(fails.Checks, check => !check.Passed);
            Assert.Contains(wrong, failed.Name, StringComparison.Ordinal);
            Assert.Equal(BackupStatus.Mismatched, fails.Status);
        }

        // What cannot run says nothing about the backup.
        foreach (string broken in new[] { "SELECT true FROM no_such_table", "not even SQL" })
        {
            BackupTestResult sound = await bench.TestAsync(backup, BackupTestLevel.Restore, null, "SELECT true", broken);
            Assert.Equal((false, BackupStatus.Matched), (sound.Passed, sound.Status));
            Assert.Contains(broken, Assert.Single(sound.NotRun), StringComparison.Ordinal);
            Assert.All(sound.Checks, check => Assert.True(check.Passed, check.ToString()));
        }

        bench.AssertNothingLeftOnServer();
    }

    [Fact]
    public async Task Restore_test_on_another_server_and_major_matches()
    {
        using var bench = new PostgreSqlBench(own.Server);
        using var other = new PostgreSqlBench(PostgreSqlServer.OtherMajor(17));
        PostgreSqlSample.Create(bench.Database);
        foreach (string role in PostgreSqlSample.Roles)
            other.Database.Execute($"DO $$ BEGIN CREATE ROLE {PostgreSqlServer.SqlName(role)}; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
        Backup backup = await bench.BackUpAsync();
        BackupTestResult result = await bench.TestAsync(backup, BackupTestLevel.Restore, other.Superuser);
        Assert.True(result.Status == BackupStatus.Matched, result + "; missing " + string.Join(", ", result.Missing));
        other.AssertNothingLeftOnServer();
    }

    [Fact]
    public async Task Restore_test_that_is_cancelled_drops_its_database_and_notes_nothing()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        bench.AddLargeDump(150);
        Backup backup = await bench.BackUpAsync(fingerprint: FingerprintLevel.Rows);
        using var cancel = new CancellationTokenSource();
        Task restoreTest = Task.Run(() => new BackupVerifier(bench.Files.Repository).TestAsync(
            backup, new BackupTestOptions { Level = BackupTestLevel.Restore, TestServer = bench.Superuser }, bench.Observer, cancel.Token));
        bench.WaitForCopy("dbbackup\\_test\\_%");
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => restoreTest);
        bench.AssertNothingLeftOnServer();
        bench.Files.AssertNothingStaged();
        Assert.Empty(Assert.Single(await bench.Files.ListAsync()).Tests);
    }

    [Theory]
    [InlineData(PostgreSqlFormat.Custom)]
    [InlineData(PostgreSqlFormat.Plain)]
    public async Task Restore_test_whose_connections_are_cut_says_nothing_of_the_backup(PostgreSqlFormat format)
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        bench.AddLargeDump(150);
        Backup backup = await bench.BackUpAsync(new PostgreSqlDumpOptions { Format = format }, FingerprintLevel.Rows);
        Task<BackupTestResult> restoreTest = Task.Run(() => bench.TestAsync(backup));
        bench.WaitForCopy("dbbackup\\_test\\_%");
        bench.CutConnections("dbbackup\\_test\\_%");
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => restoreTest);
        Assert.Equal(ErrorCodes.ServerUnreachable, failure.Code);
        bench.AssertNothingLeftOnServer();
        Assert.NotEqual(BackupStatus.Damaged, Assert.Single(await bench.Files.ListAsync()).Status);
    }

    [Fact]
    public async Task Restore_test_server_that_is_down_or_refuses_says_nothing_of_the_backup()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        Backup backup = await bench.BackUpAsync();
        BackupException down = await Assert.ThrowsAnyAsync<BackupException>(() => bench.TestAsync(backup, server: bench.Superuser with { Port = 6179 }));
        Assert.Equal(ErrorCodes.ServerUnreachable, down.Code);
        BackupException refused = await Assert.ThrowsAnyAsync<BackupException>(() => bench.TestAsync(backup, server: bench.Superuser with { Password = "wrong" }));
        Assert.Equal(ErrorCodes.AuthenticationFailed, refused.Code);
        Assert.Equal(BackupStatus.Written, Assert.Single(await bench.Files.ListAsync()).Status);

        BackupTestResult humble = await bench.TestAsync(backup, server: bench.CreateRole("humble"));
        Assert.True(humble.Passed, humble.ToString());
        Assert.Equal(BackupStatus.Checked, humble.Status);
        Assert.Contains(humble.Missing, missing => missing.Contains("create databases", StringComparison.Ordinal));
    }
}
