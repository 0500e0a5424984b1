using System.Net;
using System.Net.Sockets;
using System.Text;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Platform;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Engines.PostgreSql;

/// <summary>A server that a backup alone names gets no password.</summary>
public sealed class UnknownServerTests : IDisposable
{
    private const string Password = "s3cret of another server";
    private readonly Workbench _bench = new();

    private KnownServers Known => new(_bench["servers"]);

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("postgresql://db.evil.example:5432/shop")]
    [InlineData("postgresql://192.0.2.1:5432/shop")]
    public async Task A_server_of_another_machine_must_be_known_or_named(string location)
    {
        BackupException refused = await Assert.ThrowsAnyAsync<BackupException>(() => ResolveAsync(new() { Password = Password }, location));

        ErrorAssert.Sound(refused, Password);
        Assert.Equal(ErrorCodes.ServerNotConfirmed, refused.Code);
        Assert.Contains("-HostName", refused.Hint, StringComparison.Ordinal);

        PostgreSqlConnectionSettings named = await ResolveAsync(new() { Server = ServerAddress.Of(null, "db2"), Password = Password }, location);
        Assert.Equal(("db2", false), (named.Host, named.ProvesPasswordAlone));
        Known.Remember([location]);
        PostgreSqlConnectionSettings known = await ResolveAsync(new() { Password = Password }, location);
        Assert.Equal((Password, false), (known.Password, known.ProvesPasswordAlone));
    }

    [Theory]
    [InlineData("docker+tcp://evil.example:2375/container/db/postgresql/shop")]
    [InlineData("docker+ssh://root@evil.example/compose/shop/db/postgresql/shop")]
    public async Task An_engine_of_another_machine_must_be_known_or_named(string location)
    {
        BackupException refused = await Assert.ThrowsAnyAsync<BackupException>(() => ResolveAsync(new(), location));

        ErrorAssert.Sound(refused, Password);
        Assert.Equal(ErrorCodes.ServerNotConfirmed, refused.Code);
        Assert.Contains("-DockerHost " + location["docker+".Length..location.IndexOf('/', 14)], refused.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(5)]
    public async Task A_server_of_this_machine_gets_no_password_that_it_does_not_know_itself(int method)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Task<string> heard = Task.Run(() => AskFor(listener, method));
        string location = $"postgresql://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/shop";

        PostgreSqlConnectionSettings settings = await ResolveAsync(new() { Password = Password, Username = "app" }, location);
        BackupException refused = await Assert.ThrowsAnyAsync<BackupException>(() => PostgreSqlSession.OpenAsync(settings, "shop", CancellationToken.None));

        Assert.True(settings.ProvesPasswordAlone);
        Assert.Equal("scram-sha-256,none", settings.ToToolEnvironment()["PGREQUIREAUTH"]);
        ErrorAssert.Sound(refused, Password);
        Assert.Equal(ErrorCodes.ServerNotConfirmed, refused.Code);
        listener.Stop();
        Assert.Equal(string.Empty, await heard);
    }

    [Theory]
    [InlineData("postgresql://db1:5432/shop", "postgresql://db1:5432")]
    [InlineData("postgresql://[::1]:5432", "postgresql://[::1]:5432")]
    [InlineData("postgresql:///shop?host=/tmp&port=5432", "postgresql:///?host=/tmp&port=5432")]
    [InlineData("docker+tcp://nas:2375/container/db", "docker+tcp://nas:2375")]
    [InlineData("docker:///container/db", null)]
    [InlineData("/srv/app/app.db", null)]
    [InlineData(null, null)]
    public void A_location_says_where_one_connects_to(string? location, string? server) => Assert.Equal(server, KnownServers.ServerOf(location));

    private Task<PostgreSqlConnectionSettings> ResolveAsync(PostgreSqlConnectionRequest request, string location) =>
        PostgreSqlTarget.ResolveAsync(request, location, "app", Known, CancellationToken.None);

    // Speaks as much of the protocol as it takes to be told a password: no TLS, then "authenticate in cleartext" (3) or with MD5 (5).
    private static string AskFor(TcpListener listener, int method)
    {
        var heard = new StringBuilder();
        try
        {
            while (true)
            {
                using TcpClient client = listener.AcceptTcpClient();
                NetworkStream stream = client.GetStream();
                byte[] buffer = new byte[4096];
                int read = stream.Read(buffer);
                while (read == 8)
                {
                    stream.Write("N"u8);
                    read = stream.Read(buffer);
                }

                stream.Write(method == 3 ? [(byte)'R', 0, 0, 0, 8, 0, 0, 0, 3] : [(byte)'R', 0, 0, 0, 12, 0, 0, 0, 5, 1, 2, 3, 4]);
                read = stream.Read(buffer);
                if (read > 0 && buffer[0] == 'p')
                    heard.Append(Encoding.UTF8.GetString(buffer, 0, read));
            }
        }
        // InvalidOperationException: it is asked for the next connection after it was stopped.
        catch (Exception ended) when (ended is SocketException or IOException or InvalidOperationException)
        {
            return heard.ToString();
        }
    }
}
