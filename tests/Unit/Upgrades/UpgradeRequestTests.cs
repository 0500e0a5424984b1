using System.Text.Json;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Upgrades;

namespace DbBackup.Tests.Unit.Upgrades;

/// <summary>A request as it stands in the journal.</summary>
public sealed class UpgradeRequestTests
{
    [Fact]
    public void Request_comes_back_from_the_journal_as_it_was_without_the_password()
    {
        var request = new UpgradeRequest
        {
            DatabasePath = "/srv/a.db",
            Server = new PostgreSqlConnectionRequest { Server = ServerAddress.Of("host='db1'"), Database = "we\"ird", Password = "s3cret" },
            Application = new ContainerAddress.OfService("shop") { DockerHost = "ssh://box" },
            Services = ["web", "worker"],
            DatabaseService = "db",
            Database = "shop",
            ContainerPaths = ["/app/data"],
            DatabaseFiles = ["/app/data/a.db"],
            Image = "shop:2",
            Pull = true,
            Build = true,
            GitRef = "v2",
            ProjectFolder = "/srv/shop",
            AdditionalPaths = ["/srv/uploads"],
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
        Assert.DoesNotContain("s3cret", written, StringComparison.Ordinal);
        UpgradeRequest read = JsonSerializer.Deserialize<UpgradeRequest>(written)!;
        Assert.Null(read.Server!.Password);
        Assert.Equal(written, JsonSerializer.Serialize(read));
        Assert.Equivalent(request with { Server = request.Server with { Password = null } }, read, strict: true);
    }

    [Fact]
    public void What_was_left_open_stays_open()
    {
        UpgradeRequest read = JsonSerializer.Deserialize<UpgradeRequest>(JsonSerializer.Serialize(new UpgradeRequest()))!;
        Assert.Equivalent(new UpgradeRequest(), read, strict: true);
        Assert.Null(read.DatabaseFiles);
    }
}
