using System.Text.Json;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Tunnel;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Upgrades;

namespace DbBackup.Tests.Unit.Upgrades;

/// <summary>A request as it stands in the journal.</summary>
public sealed class UpgradeRequestTests
{
    private static readonly UpgradeSubject[] s_subjects =
    [
        new UpgradeSubject.SqliteFile("/srv/a.db") { AdditionalPaths = ["/srv/uploads"] },
        new UpgradeSubject.ServerDatabase(new PostgreSqlConnectionRequest { Server = ServerAddress.Of("host='db1'"), Database = "we\"ird" }) { AdditionalPaths = ["/srv/uploads"] },
        new UpgradeSubject.Container("shop") { DockerHost = "ssh://box", ContainerPaths = ["/app/data"], DatabaseFiles = ["/app/data/a.db"], Pull = true, Image = "shop:2" },
        new UpgradeSubject.ComposeProject("shop")
        {
            DockerHost = "ssh://box",
            Folder = "/srv/shop",
            Services = ["web", "worker"],
            DatabaseService = "db",
            Database = "shop",
            ContainerPaths = ["/app/data"],
            DatabaseFiles = ["/app/data/a.db"],
            Pull = true,
            Build = true,
            GitRef = "v2",
        },
    ];

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Request_comes_back_from_the_journal_as_it_was(int subject)
    {
        var request = new UpgradeRequest
        {
            Subject = s_subjects[subject],
            SourceName = "shop",
            Migrate = "alembic upgrade head",
            MigrationPath = "/srv/shop",
            MigrationTool = "alembic",
            DatabaseVariable = "DATABASE_URL",
            Checks = ["SELECT 1", "true"],
            Timeout = TimeSpan.FromSeconds(90.5),
            SettleTime = TimeSpan.FromSeconds(3),
            NoRollback = true,
            NoRehearsal = true,
            RequireRehearsal = true,
            Force = true,
            LockTimeout = TimeSpan.FromSeconds(7),
        };
        string written = JsonSerializer.Serialize(request);
        UpgradeRequest read = JsonSerializer.Deserialize<UpgradeRequest>(written)!;
        Assert.Equal(written, JsonSerializer.Serialize(read));
        Assert.IsType(request.Subject.GetType(), read.Subject);
        Assert.Equivalent(request, read, strict: true);
    }

    [Fact]
    public void Password_stays_out_of_the_journal()
    {
        var server = new UpgradeSubject.ServerDatabase(new PostgreSqlConnectionRequest { Server = ServerAddress.Of("host='db1'"), Database = "shop", Password = "s3cret" });
        string written = JsonSerializer.Serialize(new UpgradeRequest { Subject = server });
        Assert.DoesNotContain("s3cret", written, StringComparison.Ordinal);
        UpgradeRequest read = JsonSerializer.Deserialize<UpgradeRequest>(written)!;
        Assert.Equivalent(server with { Connection = server.Connection with { Password = null } }, read.Subject, strict: true);
    }

    [Fact]
    public void What_was_left_open_stays_open()
    {
        var open = new UpgradeRequest { Subject = new UpgradeSubject.ComposeProject("shop") };
        UpgradeRequest read = JsonSerializer.Deserialize<UpgradeRequest>(JsonSerializer.Serialize(open))!;
        Assert.Equivalent(open, read, strict: true);
        Assert.Null(((UpgradeSubject.Application)read.Subject).DatabaseFiles);
    }

    [Fact]
    public void Application_is_addressed_by_its_first_service_and_its_database_service()
    {
        var project = new UpgradeSubject.ComposeProject("shop") { DockerHost = "ssh://box", Services = ["web", "worker"], DatabaseService = "db" };
        Assert.Equal(new ContainerAddress.OfService("shop", "web") { DockerHost = "ssh://box" }, project.Main);
        Assert.Equal(
            new ServerAddress.Through(new ContainerServerAddress(new ContainerAddress.OfService("shop", "db") { DockerHost = "ssh://box" })), project.Server);
        Assert.Equal(new ContainerAddress.OfContainer("pats"), new UpgradeSubject.Container("pats").Main);
    }
}
