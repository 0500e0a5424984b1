using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Restores.PostgreSql;

/// <summary>A database that receives by a subscription: the one that a restore keeps receives nothing any more, and both can be dropped.</summary>
[Trait("Category", "PostgreSql")]
public sealed class ReplicatedDatabaseTests
{
    [Fact]
    public async Task The_subscription_of_a_kept_database_is_disabled_and_told_and_it_can_be_dropped()
    {
        using PostgreSqlServer server = PostgreSqlServer.Start(new PostgreSqlOptions { Settings = new Dictionary<string, string> { ["wal_level"] = "logical" } });
        using var bench = new PostgreSqlBench(server);
        using TestDatabase publisher = server.CreateDatabase("publisher");
        bench.CreateNotes();
        publisher.Execute("CREATE TABLE notes (id integer PRIMARY KEY, author integer, body text); CREATE PUBLICATION news FOR TABLE notes; SELECT pg_create_logical_replication_slot('news', 'pgoutput')");
        string password = server.Password.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal);
        string connection = $"host={server.Host} port={server.Port} user={server.User} password='{password}' dbname='{publisher.Name}'";
        bench.Database.Execute($"CREATE SUBSCRIPTION news CONNECTION {PostgreSqlServer.SqlText(connection)} PUBLICATION news WITH (create_slot = false, slot_name = 'news', copy_data = false)");
        Backup backup = await bench.BackUpAsync();
        Assert.Equal(BackupStatus.Matched, (await bench.TestAsync(backup)).Status);

        await bench.RestoreAsync(backup);
        Assert.Equal("0", server.Query("postgres", "SELECT count(*) FROM pg_subscription WHERE subenabled"));
        Assert.Contains(bench.Observer.Warnings, warning => warning.Contains("ALTER SUBSCRIPTION \"news\" ENABLE", StringComparison.Ordinal));
        bench.AssertNothingLeftOnServer();

        // What was told is right: the live database receives.
        bench.Database.Execute("ALTER SUBSCRIPTION news ENABLE; ALTER SUBSCRIPTION news REFRESH PUBLICATION WITH (copy_data = false)");
        publisher.Execute("INSERT INTO notes VALUES (5000, 1, 'published')");
        Assert.True(SpinWait.SpinUntil(() => bench.Database.Query("SELECT count(*) FROM notes WHERE id = 5000") == "1", TimeSpan.FromSeconds(30)), "The live database receives nothing.");

        // Replaced without a copy, the present one goes with its subscription.
        await bench.RestoreAsync(bench.Request(backup) with { NoSafetyBackup = true });
        Assert.Equal("100", bench.Database.Query("SELECT count(*) FROM notes"));
        bench.AssertNothingLeftOnServer();
        foreach (string name in (string[])[bench.Database.Name, .. bench.KeptDatabases()])
            server.Execute(name, "ALTER SUBSCRIPTION news DISABLE; ALTER SUBSCRIPTION news SET (slot_name = NONE); DROP SUBSCRIPTION news");
    }
}
