using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Tunnel;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Tunnels;

namespace DbBackup.Tests.Unit.Engines.PostgreSql;

/// <summary>A server's address is one of its kinds, and a location in a manifest leads to the place that it names.</summary>
public sealed class ServerAddressTests
{
    [Fact]
    public void Text_and_host_make_the_address_that_they_mean()
    {
        Assert.Equal(ServerAddress.Default, ServerAddress.Of(null));
        Assert.Equal(ServerAddress.Default, ServerAddress.Of(string.Empty, string.Empty));
        Assert.Equal(new ServerAddress.AtHost("db1"), ServerAddress.Of(string.Empty, "db1"));
        Assert.Equal(new ServerAddress.OfText("host=db1", null), ServerAddress.Of("host=db1"));
        Assert.Equal(new ServerAddress.OfText("dbname=shop", "db2"), ServerAddress.Of("dbname=shop", "db2"));
    }

    [Fact]
    public void Text_with_a_password_is_not_shown() =>
        Assert.DoesNotContain("s3cret", new PostgreSqlConnectionRequest { Server = ServerAddress.Of("host=db1 password=s3cret", "db1") }.ToString(), StringComparison.Ordinal);

    [Theory]
    [InlineData("docker:///compose/shop/db/postgresql/orders", "orders")]
    [InlineData("docker+ssh://nas/container/pg/postgresql", null)]
    [InlineData("docker:///compose/shop/db", null)]
    public void Location_of_a_server_in_a_container_leads_through_a_tunnel(string location, string? database)
    {
        ITunnelAddress address = TunnelAddresses.Parse(location)!;
        Assert.Equal((database, true, false), (address.Database, address.NamesPlace, address.Starts));
    }

    // A volume has no server, and files are none.
    [Theory]
    [InlineData(null)]
    [InlineData("postgresql://db1:5432/shop")]
    [InlineData("/srv/app.db")]
    [InlineData("docker:///volume/data")]
    [InlineData("docker:///container/pats/path/app/pats.db")]
    public void Other_locations_need_no_tunnel(string? location) => Assert.Null(TunnelAddresses.Parse(location));

    [Fact]
    public void What_the_user_leaves_open_comes_from_the_backup()
    {
        ITunnelAddress origin = TunnelAddresses.Parse("docker:///compose/shop/db/postgresql/orders")!;
        ITunnelAddress Complete(ContainerAddress container, bool starts = false) => ((ITunnelAddress)new ContainerServerAddress(container) { Starts = starts }).CompleteFrom(origin);

        Assert.False(new ContainerServerAddress(new ContainerAddress.Unnamed { DockerHost = "ssh://nas" }).NamesPlace);
        Assert.Equal(
            new ContainerServerAddress(new ContainerAddress.OfService("shop", "db") { DockerHost = "ssh://nas" }) { Starts = true }, Complete(new ContainerAddress.Unnamed { DockerHost = "ssh://nas" }, starts: true));
        Assert.Equal(new ContainerServerAddress(new ContainerAddress.OfService("copy", "db")), Complete(new ContainerAddress.OfService("copy")));
        Assert.Equal(new ContainerServerAddress(new ContainerAddress.OfContainer("other")), Complete(new ContainerAddress.OfContainer("other")));
    }
}
