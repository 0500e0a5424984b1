using System.Diagnostics;
using System.Net;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Testing;
using PostgreSqlServer = DbBackup.Testing.PostgreSqlServer;

namespace DbBackup.Tests.Integration.Engines.PostgreSql;

/// <summary>What a killed run leaves on a server.</summary>
[Trait("Category", "PostgreSql")]
public sealed class LostClientTests
{
    [Fact]
    public async Task Query_of_a_client_that_is_gone_ends_within_seconds()
    {
        PostgreSqlServer server = PostgreSqlServer.Shared;
        using TestDatabase database = server.CreateDatabase();
        using var folder = new TempFolder();
        using var forwarder = new SocketForwarder(folder[".s.PGSQL.5432"], new IPEndPoint(IPAddress.Parse(server.Host), server.Port));
        forwarder.Open();
        PostgreSqlConnectionSettings settings = await Engine.Engines.PostgreSql.Connect.PostgreSqlServer.ResolveAsync(
            new PostgreSqlConnectionRequest { Server = ServerAddress.Of(null, folder.Path), Port = 5432, Username = server.User, Password = server.Password }, CancellationToken.None);
        using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(settings, database.Name, CancellationToken.None);
        Task query = session.ExecuteAsync("SELECT pg_sleep(600)", "counting", CancellationToken.None);
        const string Running = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)'";
        await UntilAsync(() => database.Query(Running) == "1");

        forwarder.Close();

        await Assert.ThrowsAnyAsync<BackupException>(() => query);
        await UntilAsync(() => database.Query(Running) == "0");
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        for (var limit = Stopwatch.StartNew(); !condition(); await Task.Delay(100))
            Assert.True(limit.Elapsed < TimeSpan.FromMinutes(1), "It did not happen within a minute.");
    }
}
