using DbBackup.Engine.Docker.Api;
using DbBackup.Upgrades.Deployments;

namespace DbBackup.Tests.Unit.Upgrades.Deployments;

/// <summary>Images that a server's data do, or do not, survive.</summary>
public sealed class ServerImageTests
{
    private const string Old = "/var/lib/postgresql/data";
    private const string New = "/var/lib/postgresql/18/docker";

    [Fact]
    public void Same_major_version_with_the_data_in_the_same_place_fits() =>
        Assert.Null(ServerImage.FindTrap(Server("15", Old, Old), Image("15", Old)));

    [Fact]
    public void Other_major_version_does_not_fit() =>
        Assert.Contains("PostgreSQL 16, which cannot open the data of PostgreSQL 15", ServerImage.FindTrap(Server("15", Old, Old), Image("16", Old)), StringComparison.Ordinal);

    [Fact]
    public void Data_that_would_be_in_no_mount_are_told_of()
    {
        string trap = ServerImage.FindTrap(Server(null, Old, Old), Image("18", New))!;
        Assert.Contains($"'{New}' is not in a mount ({Old})", trap, StringComparison.Ordinal);
        Assert.Contains($"the data are in '{Old}'", trap, StringComparison.Ordinal);
    }

    [Fact]
    public void Data_that_would_be_looked_for_elsewhere_in_the_mount_are_told_of() =>
        Assert.Contains($"data directory is '{New}', and the data are in '{Old}'", ServerImage.FindTrap(Server(null, Old, "/var/lib/postgresql"), Image(null, New)), StringComparison.Ordinal);

    [Fact]
    public void Image_of_something_else_is_no_trap()
    {
        Assert.Null(ServerImage.FindTrap(Server("15", Old, Old), Image(null, null)));
        Assert.Null(ServerImage.FindTrap(Server(null, null, "/data"), Image("16", New)));
        Assert.Null(ServerImage.FindTrap(Server(null, null, "/data"), new ImageInspect("sha256:1", null, null, null, null)));
    }

    [Fact]
    public void Last_word_of_the_environment_counts()
    {
        ContainerInspect server = Server("15", Old, Old);
        server = server with { Config = server.Config with { Env = [.. server.Config.Env!, "PGDATA=" + New] } };
        Assert.Null(ServerImage.FindTrap(server, Image("15", New)));
    }

    [Fact]
    public void Volume_is_mounted_where_the_new_image_looks_for_its_data()
    {
        ImageInspect moved = Image("18", New) with { Config = Config("18", New) with { Volumes = new Dictionary<string, object> { ["/var/lib/postgresql"] = new() } } };
        Assert.Equal(Old, ServerImage.MountFor(Server("15", Old, Old), Image("15", Old), Image("17", Old), Old));
        Assert.Equal("/var/lib/postgresql", ServerImage.MountFor(Server("15", Old, Old), Image("15", Old), moved, Old));
        Assert.Equal(New, ServerImage.MountFor(Server("15", Old, Old), Image("15", Old), Image("18", New), Old));
        // A folder that the user chose is the new server's too.
        Assert.Equal("/data", ServerImage.MountFor(Server("15", "/data/pg", "/data"), Image("15", Old), moved, "/data"));
    }

    [Fact]
    public void Trap_is_an_error_that_says_what_to_do_unless_it_is_wanted()
    {
        BackupFailure failure = Assert.Throws<BackupFailure>(() => ServerImage.RequireCompatible(Server("15", Old, Old), Image("16", Old), "postgres:16", force: false));
        Assert.Equal(ErrorCodes.TargetInvalid, failure.Code);
        Assert.Contains("'postgres:16'", failure.Message, StringComparison.Ordinal);
        Assert.Contains("upgrade the server alone: Invoke-DbUpgrade", failure.Hint, StringComparison.Ordinal);
        ServerImage.RequireCompatible(Server("15", Old, Old), Image("16", Old), "postgres:16", force: true);
    }

    private static ContainerInspect Server(string? major, string? data, string mount) => new(
        "1", "/db", "sha256:0", new ContainerState("running", true, false, false, false, 0, null, null, null), Config(major, data),
        new ContainerHostConfig(null, false, false, null), null, [new MountPoint("volume", "db", null, mount, "local", true), new MountPoint("tmpfs", null, null, "/var/lib", null, true)], 0);

    private static ImageInspect Image(string? major, string? data) => new("sha256:1", null, Config(major, data), "amd64", "linux");

    private static ContainerConfig Config(string? major, string? data) => new(
        null, [.. new[] { "PATH=/bin", major is null ? null : "PG_MAJOR=" + major, data is null ? null : "PGDATA=" + data }.OfType<string>()], null, null, null, null, null, null);
}
