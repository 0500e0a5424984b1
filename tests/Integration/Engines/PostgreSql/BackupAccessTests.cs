using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Testing;
using PostgreSqlServer = DbBackup.Testing.PostgreSqlServer;

namespace DbBackup.Tests.Integration.Engines.PostgreSql;

/// <summary>A backup that its role, its address or the database does not allow: the error names what is wrong, and nothing is left.</summary>
[Trait("Category", "PostgreSql")]
public sealed class BackupAccessTests(OwnPostgreSqlServer own) : IClassFixture<OwnPostgreSqlServer>
{
    [Fact]
    public async Task Backup_with_a_wrong_password_names_the_role_and_leaves_nothing()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        BackupException failure = await bench.BackupFailsAsync(connection: bench.Superuser with { Password = "wrong one" });
        Assert.Equal(ErrorCodes.AuthenticationFailed, failure.Code);
        Assert.Contains("'postgres'", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong one", failure.ToString(), StringComparison.Ordinal);
        Assert.False(failure.CanRetry);
    }

    [Fact]
    public async Task Backup_of_a_server_that_is_not_there_names_its_address()
    {
        using var bench = new PostgreSqlBench(own.Server);
        BackupException port = await bench.BackupFailsAsync(connection: bench.Superuser with { Port = 6179 });
        Assert.Equal(ErrorCodes.ServerUnreachable, port.Code);
        Assert.Contains("127.0.0.1:6179", port.Message, StringComparison.Ordinal);
        Assert.True(port.CanRetry);
        BackupException host = await bench.BackupFailsAsync(connection: bench.Superuser with { Server = ServerAddress.Of(null, "no-such-host.invalid") });
        Assert.Equal(ErrorCodes.ServerUnreachable, host.Code);
        Assert.Contains("no-such-host.invalid", host.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Backup_of_a_database_that_is_not_there_names_it()
    {
        using var bench = new PostgreSqlBench(own.Server);
        BackupException failure = await bench.BackupFailsAsync(database: bench.Database.Name.ToUpperInvariant());
        Assert.Equal(ErrorCodes.SourceNotFound, failure.Code);
        Assert.Contains(bench.Database.Name.ToUpperInvariant(), failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Backup_by_a_role_that_may_not_read_some_tables_names_them_all()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        PostgreSqlConnectionRequest role = bench.CreateRole("half", grants: "GRANT SELECT ON authors, authors_id_seq TO ROLE");
        BackupException failure = await bench.BackupFailsAsync(connection: role);
        Assert.Equal(ErrorCodes.PermissionDenied, failure.Code);
        Assert.Contains("2 of 3 tables", failure.Message, StringComparison.Ordinal);
        Assert.Contains("public.alembic_version, public.notes", failure.Message, StringComparison.Ordinal);
        Assert.Contains("pg_read_all_data", failure.Hint, StringComparison.Ordinal);

        // The hint is right.
        bench.Server.Execute("postgres", $"GRANT pg_read_all_data TO {role.Username}");
        Backup backup = await bench.Files.BackUpAsync(bench.Source(connection: role));
        Assert.Equal(BackupStatus.Matched, (await bench.TestAsync(backup)).Status);
    }

    [Fact]
    public async Task Backup_by_a_role_that_sees_nothing_is_no_empty_backup()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.Database.Execute("CREATE SCHEMA hidden; CREATE TABLE hidden.a (id integer); CREATE TABLE hidden.b (id integer); REVOKE ALL ON SCHEMA hidden FROM PUBLIC");
        BackupException failure = await bench.BackupFailsAsync(connection: bench.CreateRole("blind"));
        Assert.Equal(ErrorCodes.PermissionDenied, failure.Code);
        Assert.Contains("hidden.a, hidden.b", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Backup_by_a_role_that_may_not_read_a_sequence_fails()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        PostgreSqlConnectionRequest role = bench.CreateRole("tables", grants: "GRANT SELECT ON ALL TABLES IN SCHEMA public TO ROLE");
        BackupException failure = await bench.BackupFailsAsync(connection: role);
        Assert.Equal(ErrorCodes.PermissionDenied, failure.Code);
        Assert.Contains("_id_seq", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Backup_by_a_role_from_whom_row_level_security_hides_rows_fails(bool filtered)
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        PostgreSqlConnectionRequest role = bench.CreateRole("secured", grants: "GRANT pg_read_all_data TO ROLE");
        bench.Database.Execute("ALTER TABLE notes ENABLE ROW LEVEL SECURITY; CREATE POLICY half ON notes USING (id % 2 = 0)");
        BackupException failure = await bench.BackupFailsAsync(new PostgreSqlDumpOptions { Tables = filtered ? ["notes"] : [] }, role);
        Assert.Equal(ErrorCodes.PermissionDenied, failure.Code);
        Assert.Contains("BYPASSRLS", failure.Hint, StringComparison.Ordinal);
        Assert.Contains("notes", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Backup_of_an_empty_database_is_refused_unless_it_is_wanted()
    {
        using var bench = new PostgreSqlBench(own.Server);
        Assert.Equal(ErrorCodes.SourceEmpty, (await bench.BackupFailsAsync()).Code);
        foreach (PostgreSqlFormat format in new[] { PostgreSqlFormat.Custom, PostgreSqlFormat.Directory, PostgreSqlFormat.Plain })
        {
            Backup backup = await bench.BackUpAsync(new PostgreSqlDumpOptions { AllowEmpty = true, Format = format });
            BackupTestResult result = await bench.TestAsync(backup);
            Assert.True(result.Status == BackupStatus.Matched, result.ToString());
        }
    }

    [Fact]
    public async Task Backup_of_a_pattern_that_finds_nothing_fails()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        Assert.Equal(ErrorCodes.SourceNotFound, (await bench.BackupFailsAsync(new PostgreSqlDumpOptions { Tables = ["notes", "invoices"] })).Code);
        Assert.Equal(ErrorCodes.SourceNotFound, (await bench.BackupFailsAsync(new PostgreSqlDumpOptions { Schemas = ["no*such"], Format = PostgreSqlFormat.Plain })).Code);
    }

    [Fact]
    public async Task Backup_of_a_server_newer_than_all_clients_names_both_and_what_to_install()
    {
        PostgreSqlServer newer = PostgreSqlServer.OtherMajor(17);
        using var bench = new PostgreSqlBench(newer);
        bench.CreateNotes();
        BackupException failure = await bench.Files.BackupFailsAsync(bench.Source());
        Assert.Equal(ErrorCodes.ClientTooOld, failure.Code);
        Assert.Contains("17.", failure.Message, StringComparison.Ordinal);
        Assert.Matches(@"pg_dump here is 1[0-6]\.", failure.Message);
        Assert.Contains("17", failure.Hint, StringComparison.Ordinal);
    }
}
