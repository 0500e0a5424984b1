using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Engines.PostgreSql;

/// <summary>Settings that an administrator has put on a role or a database, for its applications: no session and no program of a backup, test or restore has them.</summary>
[Trait("Category", "PostgreSql")]
public sealed class RoleSettingsTests(OwnPostgreSqlServer own) : IClassFixture<OwnPostgreSqlServer>
{
    private static readonly string[] s_settings =
    [
        "default_transaction_read_only = on", "default_transaction_isolation = 'serializable'", "default_transaction_deferrable = on",
        "statement_timeout = '40ms'", "lock_timeout = '1ms'", "idle_in_transaction_session_timeout = '1s'", "idle_session_timeout = '1s'",
    ];

    [Theory]
    [InlineData(true, PostgreSqlFormat.Custom)]
    [InlineData(false, PostgreSqlFormat.Custom)]
    [InlineData(true, PostgreSqlFormat.Directory)]
    [InlineData(true, PostgreSqlFormat.Plain)]
    public async Task Settings_of_role_or_database_do_not_reach_a_backup_a_test_or_a_restore(bool ofRole, PostgreSqlFormat format)
    {
        using var bench = new PostgreSqlBench(own.Server);
        PostgreSqlConnectionRequest role = bench.CreateRole("limited", "SUPERUSER");
        bench.CreateNotes(100_000);
        string before = bench.Database.Dump();
        string of = ofRole ? $"ROLE {role.Username}" : $"DATABASE {bench.Database.Name}";
        own.Server.Execute("postgres", string.Join(' ', s_settings.Select(setting => $"ALTER {of} SET {setting};")));

        Backup backup = await bench.Files.BackUpAsync(bench.Source(new PostgreSqlDumpOptions { Format = format, Jobs = 2 }, role));
        Assert.Equal(BackupStatus.Matched, (await bench.TestAsync(backup, server: role)).Status);
        own.Server.Execute(bench.Database.Name, "SET statement_timeout = 0; SET default_transaction_read_only = off; DELETE FROM notes");
        Assert.Equal(BackupStatus.Matched, (await bench.RestoreAsync(bench.Request(backup) with { Connection = role, InPlace = true })).Status);
        Assert.Equal(before, bench.Database.Dump());
        Assert.Equal(BackupStatus.Matched, (await bench.RestoreAsync(bench.Request(backup) with { Connection = role })).Status);
        Assert.Equal(before, bench.Database.Dump());
        bench.AssertNothingLeftOnServer();
        own.Server.Execute("postgres", $"ALTER {of} RESET ALL");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Statement_timeout_that_ends_the_first_query_keeps_nobody_from_connecting(bool ofRole)
    {
        using var bench = new PostgreSqlBench(own.Server);
        PostgreSqlConnectionRequest role = bench.CreateRole("hurried", "SUPERUSER");
        bench.CreateNotes(1_000);
        string of = ofRole ? $"ROLE {role.Username}" : $"DATABASE {bench.Database.Name}";
        own.Server.Execute("postgres", $"ALTER {of} SET statement_timeout = 1");

        Backup backup = await bench.Files.BackUpAsync(bench.Source(new PostgreSqlDumpOptions(), role));
        Assert.Equal(BackupStatus.Matched, (await bench.TestAsync(backup, server: role)).Status);
        own.Server.Execute("postgres", $"ALTER {of} RESET ALL");
    }
}
