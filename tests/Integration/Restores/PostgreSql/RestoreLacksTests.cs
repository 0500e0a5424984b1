using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Restores.PostgreSql;

/// <summary>What the target's server lacks is said before anything is touched; what every server has is no obstacle.</summary>
[Trait("Category", "PostgreSql")]
public sealed class RestoreLacksTests(OwnPostgreSqlServer own) : IClassFixture<OwnPostgreSqlServer>
{
    [Fact]
    public async Task Missing_roles_are_named_and_no_owner_works_without_them()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        bench.Database.Execute(
            "CREATE ROLE gone_owner; CREATE ROLE gone_reader; ALTER TABLE notes OWNER TO gone_owner; ALTER TABLE notes ENABLE ROW LEVEL SECURITY; CREATE POLICY mine ON notes TO gone_reader USING (true)");
        Backup backup = await bench.BackUpAsync();
        bench.Database.Execute("DROP POLICY mine ON notes; ALTER TABLE notes OWNER TO postgres; DROP ROLE gone_owner, gone_reader");
        bench.Migrate();

        BackupException failure = await bench.RestoreFailsAsync(bench.Request(backup));
        Assert.Equal(ErrorCodes.TargetLacksObjects, failure.Code);
        Assert.Contains("gone_owner", failure.Message, StringComparison.Ordinal);
        Assert.Contains("gone_reader", failure.Message, StringComparison.Ordinal);
        Assert.Contains("-NoOwner", failure.Hint, StringComparison.Ordinal);

        // A restore test needs no owners, but a policy's role.
        BackupTestResult restoreTest = await bench.TestAsync(backup);
        Assert.True(restoreTest.Passed, restoreTest.ToString());
        Assert.Equal(BackupStatus.Checked, restoreTest.Status);
        Assert.Contains(restoreTest.Missing, missing => missing.Contains("gone_reader", StringComparison.Ordinal));
        bench.AssertNothingLeftOnServer();
    }

    [Fact]
    public async Task Missing_owner_is_no_obstacle_with_no_owner()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        bench.Database.Execute("CREATE ROLE lost_owner; ALTER TABLE notes OWNER TO lost_owner; GRANT SELECT ON authors TO lost_owner");
        Backup backup = await bench.BackUpAsync();
        bench.Database.Execute("ALTER TABLE notes OWNER TO postgres; REVOKE ALL ON authors FROM lost_owner; DROP ROLE lost_owner");
        bench.Migrate();
        await bench.RestoreFailsAsync(bench.Request(backup));
        Assert.Equal(BackupStatus.Matched, (await bench.TestAsync(backup)).Status);
        RestoreResult result = await bench.RestoreAsync(bench.Request(backup) with { NoOwner = true });
        Assert.Equal(BackupStatus.Matched, result.Status);
        Assert.Equal("note 1", bench.Database.Query("SELECT body FROM notes WHERE id = 1"));
    }

    [Fact]
    public async Task Missing_extension_is_named_and_no_fault_of_the_backup()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        string control = Path.Join(Shell.Run(Path.Join(own.Server.BinFolder, "pg_config"), "--sharedir").Trim(), "extension", "dbbackup_gone.control");
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root", "Installing an extension needs root.");
        string script = Path.ChangeExtension(control, null) + "--1.sql";
        Backup backup;
        File.WriteAllText(control, "comment = 'of a test'\ndefault_version = '1'\n");
        try
        {
            File.WriteAllText(script, "CREATE FUNCTION gone() RETURNS integer LANGUAGE sql AS 'SELECT 1';");
            bench.Database.Execute("CREATE EXTENSION dbbackup_gone; CREATE TABLE uses (a integer DEFAULT gone())");
            backup = await bench.BackUpAsync();
        }
        finally
        {
            File.Delete(control);
            File.Delete(script);
        }

        bench.Migrate();
        BackupException failure = await bench.RestoreFailsAsync(bench.Request(backup));
        Assert.Equal(ErrorCodes.TargetLacksObjects, failure.Code);
        Assert.Contains("dbbackup_gone", failure.Message, StringComparison.Ordinal);

        BackupTestResult restoreTest = await bench.TestAsync(backup);
        Assert.True(restoreTest.Passed, restoreTest.ToString());
        Assert.Equal(BackupStatus.Checked, restoreTest.Status);
        Assert.Contains(restoreTest.Missing, missing => missing.Contains("dbbackup_gone", StringComparison.Ordinal));
        bench.AssertNothingLeftOnServer();
    }

    [Fact]
    public async Task Server_that_is_too_old_for_the_dump_is_refused_before_anything_is_touched()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        Backup backup = await bench.BackUpAsync();
        Payload payload = backup.Manifest!.Payloads.Single();
        Payload needy = payload with { Database = payload.Database! with { OldestServerMajor = 99 } };
        Backup newer = PostgreSqlBench.Claiming(backup, manifest => manifest with { Payloads = [needy] });
        BackupException failure = await bench.RestoreFailsAsync(bench.Request(newer));
        Assert.Equal(ErrorCodes.ServerTooOld, failure.Code);
        Assert.Contains("99", failure.Message, StringComparison.Ordinal);
        Assert.Contains("Nothing was changed", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dump_of_a_newer_server_is_refused_by_an_older_one()
    {
        using var server = Testing.PostgreSqlServer.Start(new PostgreSqlOptions { Programs = PostgreSqlPrograms.OfMajor(17) });
        using var newer = new PostgreSqlBench(server);
        newer.CreateNotes();
        Backup backup = await newer.BackUpWithAsync([17]);
        using var bench = new PostgreSqlBench(own.Server, repository: newer.Files.RepositoryPath);
        bench.CreateNotes();
        Assert.Equal(ErrorCodes.ServerTooOld, (await bench.RestoreFailsAsync(bench.Request(backup))).Code);
    }

    [Theory]
    [InlineData(PostgreSqlFormat.Custom)]
    [InlineData(PostgreSqlFormat.Plain)]
    public async Task Dump_that_creates_the_schema_public_restores_where_it_exists(PostgreSqlFormat format)
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        bench.Database.Execute("CREATE SCHEMA other; CREATE TABLE other.kept (id integer); INSERT INTO other.kept VALUES (7)");
        Backup backup = await bench.BackUpAsync(new PostgreSqlDumpOptions { Schemas = ["public"], Format = format });
        BackupTestResult restoreTest = await bench.TestAsync(backup);
        Assert.True(restoreTest.Status == BackupStatus.Matched, restoreTest.ToString());

        string copy = bench.Database.Name + "_copy";
        using var made = new TestDatabase(own.Server, copy);
        await bench.RestoreAsync(bench.Request(backup) with { NewName = copy });
        Assert.Equal("100", made.Query("SELECT count(*) FROM notes"));
        bench.AssertNothingLeftOnServer();
    }

    [Fact]
    public async Task One_schema_is_restored_into_the_live_database_and_the_rest_stays()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        bench.Database.Execute("CREATE SCHEMA other; CREATE TABLE other.kept (id integer); INSERT INTO other.kept VALUES (7)");
        Backup backup = await bench.BackUpAsync();
        bench.Database.Execute("UPDATE other.kept SET id = 8; DROP TABLE notes");
        await bench.RestoreAsync(bench.Request(backup) with { Schemas = ["public"] });
        Assert.Equal("100|8", bench.Database.Query("SELECT (SELECT count(*) FROM notes), (SELECT id FROM other.kept)"));
        bench.AssertNothingLeftOnServer();
    }
}
