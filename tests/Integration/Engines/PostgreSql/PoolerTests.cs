using System.Globalization;
using DbBackup.Testing;
using Npgsql;
using PostgreSqlServer = DbBackup.Engine.Engines.PostgreSql.Connect.PostgreSqlServer;

namespace DbBackup.Tests.Integration.Engines.PostgreSql;

/// <summary>
/// A server behind pgbouncer, whose connections outlive their clients: a setting that stays in one is the application's next. A pooler that
/// shares them is recognized and told, one that lends them whole can be backed up through, and neither keeps anything.
/// </summary>
[Trait("Category", "PostgreSql")]
public sealed class PoolerTests(OwnPostgreSqlServer own) : IClassFixture<OwnPostgreSqlServer>
{
    private const int Clients = 6;

    [Theory]
    [InlineData("transaction")]
    [InlineData("statement")]
    public async Task A_pooler_that_shares_its_connections_is_told_and_keeps_nothing(string mode)
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        Backup backup = await bench.BackUpAsync();
        using PgBouncer bouncer = PgBouncer.Start(own.Server, mode);
        await Application.FillPoolAsync(bouncer, bench.Database.Name, mode);

        foreach (int attempt in Enumerable.Range(0, 3))
            AssertTold(bench, await Assert.ThrowsAnyAsync<BackupException>(() => bench.Files.BackUpAsync(bench.Source(connection: bouncer.Superuser, database: bench.Database.Name))), attempt);
        AssertTold(bench, await Assert.ThrowsAnyAsync<BackupException>(() => bench.TestAsync(backup, server: bouncer.Superuser)), 0);
        AssertTold(bench, await Assert.ThrowsAnyAsync<BackupException>(() => bench.RestoreAsync(bench.Request(backup) with { Connection = bouncer.Superuser })), 0);
        AssertTold(bench, await Assert.ThrowsAnyAsync<BackupException>(() => bench.RestoreAsync(bench.Request(backup) with { Connection = bouncer.Superuser, InPlace = true })), 0);
        AssertTold(bench, await Assert.ThrowsAnyAsync<BackupException>(() => PostgreSqlServer.DatabasesAsync(PostgreSqlBench.Resolve(bouncer.Superuser), CancellationToken.None)), 0);

        await Application.AssertUndisturbedAsync(bouncer, bench.Database.Name, mode);
    }

    [Fact]
    public async Task Through_a_pooler_that_lends_whole_connections_backups_are_made_and_restores_are_told()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        using PgBouncer bouncer = PgBouncer.Start(own.Server, "session");

        Backup backup = await bench.Files.BackUpAsync(bench.Source(connection: bouncer.Superuser));
        Assert.Equal(BackupStatus.Matched, (await bench.TestAsync(backup)).Status);
        AssertTold(bench, await Assert.ThrowsAnyAsync<BackupException>(() => bench.RestoreAsync(bench.Request(backup) with { Connection = bouncer.Superuser })), 0);
        AssertTold(bench, await Assert.ThrowsAnyAsync<BackupException>(() => bench.TestAsync(backup, server: bouncer.Superuser)), 0);

        await Application.AssertUndisturbedAsync(bouncer, bench.Database.Name, "session");
    }

    private static void AssertTold(PostgreSqlBench bench, BackupException failure, int attempt)
    {
        Assert.True(failure.Code == ErrorCodes.ConnectionPooled, $"{attempt}: {failure}");
        Assert.Contains("pooler", failure.Message, StringComparison.Ordinal);
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"-HostName 127.0.0.1 -Port {bench.Server.Port}"), failure.Hint, StringComparison.Ordinal);
        bench.AssertSound(failure);
    }

    private static class Application
    {
        /// <summary>Has the pool open as many connections as an application at work.</summary>
        public static Task<string[]> FillPoolAsync(PgBouncer bouncer, string database, string mode) => OnAllAsync(bouncer, database, mode, "SELECT pg_sleep(0.2)");

        /// <summary>What an application sees in each of the pool's connections is what the server gives a new one.</summary>
        public static async Task AssertUndisturbedAsync(PgBouncer bouncer, string database, string mode)
        {
            string[] changed = await OnAllAsync(
                bouncer,
                database,
                mode,
                "SELECT string_agg(name || '=' || setting, ', ') FROM pg_settings, pg_sleep(0.2) WHERE source = 'session' AND name NOT IN ('client_encoding', 'application_name', 'DateStyle', 'TimeZone', 'standard_conforming_strings')");
            Assert.All(changed, Assert.Empty);
            Assert.All(await OnAllAsync(bouncer, database, mode, "SELECT count(*)::text FROM notes, pg_sleep(0.2)"), count => Assert.Equal("100", count));
        }

        private static async Task<string[]> OnAllAsync(PgBouncer bouncer, string database, string mode, string query) =>
            await Task.WhenAll(Enumerable.Range(0, Clients).Select(async _ =>
            {
                await using var connection = new NpgsqlConnection(bouncer.ConnectionString(database) + (mode == "statement" ? ";No Reset On Close=true" : string.Empty));
                await connection.OpenAsync();
                await using var command = new NpgsqlCommand(query, connection);
                return await command.ExecuteScalarAsync() as string ?? string.Empty;
            }));
    }
}
