using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;

namespace DbBackup.Tests.Unit.Docker;

/// <summary>Where a source is found again, as manifests have it.</summary>
public sealed class DockerLocationTests
{
    [Theory]
    [InlineData("docker:///compose/shop/db")]
    [InlineData("docker:///compose/shop/db/postgresql")]
    [InlineData("docker:///compose/shop/db/postgresql/orders")]
    [InlineData("docker:///compose/shop/db/postgresql/with%20space%2Fand%20slash%3F%23%25")]
    [InlineData("docker:///container/pats/path/app/data")]
    [InlineData("docker:///container/pats/path/app/%C3%BCber%20alles%23.db")]
    [InlineData("docker:///container/pats/path/")]
    [InlineData("docker:///volume/redis_data")]
    [InlineData("docker:///volume/redis_data/path/dump.rdb")]
    [InlineData("docker+ssh://admin@nas/container/pats/path/app/data")]
    [InlineData("docker+ssh://admin@nas:2222/compose/shop/db/postgresql/orders")]
    [InlineData("docker+tcp://nas:2376/volume/v")]
    // Containers and services that are called as the parts of a location are.
    [InlineData("docker:///compose/path/postgresql/postgresql/path")]
    [InlineData("docker:///container/volume/path/path/compose")]
    public void Text_of_a_location_is_read_as_it_was_written(string text)
    {
        Assert.True(DockerLocation.IsOne(text));
        DockerLocation location = DockerLocation.Parse(text);
        Assert.Equal(text, location.ToString());
        Assert.Equal(location, DockerLocation.Parse(location.ToString()));
    }

    [Fact]
    public void Parts_have_their_own_letters()
    {
        Assert.Equal(new DockerLocation { Project = "shop", Service = "db", Server = "postgresql", Database = "a b/c?#%" }, DockerLocation.Parse("docker:///compose/shop/db/postgresql/a%20b%2Fc%3F%23%25"));
        Assert.Equal(new DockerLocation { Host = "ssh://admin@nas", Container = "pats", Path = "/app/über.db" }, DockerLocation.Parse("docker+ssh://admin@nas/container/pats/path/app/%C3%BCber.db"));
        Assert.Equal(new DockerLocation { Container = "maria", Server = "mysql", Database = "shop" }, DockerLocation.Parse("docker:///container/maria/mysql/shop"));
        Assert.Equal(new DockerLocation { Host = "tcp://nas:2376", Volume = "v" }, DockerLocation.Parse("docker+tcp://nas:2376/volume/v"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("docker://")]
    [InlineData("docker:///")]
    [InlineData("docker:///compose/shop")]
    [InlineData("docker:///container/x/postgresql/a/b")]
    [InlineData("docker:///container/x/Elsewhere")]
    [InlineData("docker+ssh://nas")]
    [InlineData("/app/data.db")]
    public void Text_that_is_no_location_is_refused(string text) =>
        Assert.Equal(ErrorCodes.InvalidArgument, Assert.Throws<BackupFailure>(() => DockerLocation.Parse(text)).Code);

    [Theory]
    [InlineData("unix:///run/user/1000/docker.sock", null)]
    [InlineData("npipe:////./pipe/docker_engine", null)]
    [InlineData("tcp://nas:2376", "tcp://nas:2376")]
    [InlineData("ssh://admin@nas", "ssh://admin@nas")]
    public void Engine_of_this_machine_has_no_address(string endpoint, string? host) =>
        Assert.Equal(host, DockerLocation.HostOf(DockerEndpoint.Parse(endpoint, "DOCKER_HOST")));

    [Fact]
    public void What_a_person_said_is_completed_by_where_a_backup_came_from()
    {
        DockerLocation origin = DockerLocation.Parse("docker+ssh://nas/compose/shop/db/postgresql/orders");
        Assert.Equal(new ContainerAddress.OfService("shop", "db") { DockerHost = "ssh://nas" }, new ContainerAddress.Unnamed().CompleteFrom(origin));
        Assert.Equal(new ContainerAddress.OfService("shop", "db") { DockerHost = "ssh://other" }, (new ContainerAddress.Unnamed { DockerHost = "ssh://other" }).CompleteFrom(origin));
        Assert.Equal(new ContainerAddress.OfService("copy", "db"), (new ContainerAddress.OfService("copy")).CompleteFrom(origin));
        Assert.Equal(new ContainerAddress.OfContainer("alone"), (new ContainerAddress.OfContainer("alone")).CompleteFrom(origin));
        Assert.Equal(new ContainerAddress.OfVolume("data"), new ContainerAddress.OfVolume("data").CompleteFrom(origin));
        Assert.Equal(new ContainerAddress.OfService("shop", "web") { DockerHost = "ssh://nas" }, new ContainerAddress.Unnamed("web").CompleteFrom(origin));
        Assert.Throws<BackupFailure>(() => ContainerAddress.Of(null, "alone", "shop"));
        // A place that the user names is on the engine that the user names.
        Assert.Equal("docker+ssh://nas2/container/alone/path/app", new ContainerAddress.OfContainer("alone") { DockerHost = "ssh://nas2" }.LocationOf("/app", origin).ToString());
        Assert.Equal("docker:///compose/shop/db/path/app", new ContainerAddress.OfService("shop").LocationOf("/app", origin).ToString());
    }

    // As compose itself names projects (loader.NormalizeProjectName).
    [Theory]
    [InlineData("/srv/Shop", "shop")]
    [InlineData("/srv/My Shop.v2/", "myshopv2")]
    [InlineData("/srv/_-shop_1-a", "shop_1-a")]
    [InlineData("/srv/Ünï", "n")]
    public void Project_is_called_after_its_folder(string folder, string name) => Assert.Equal(name, ComposeProject.DefaultName(folder));
}
