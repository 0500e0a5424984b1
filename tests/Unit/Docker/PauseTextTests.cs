using System.Diagnostics;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Pausing;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Docker;

/// <summary>What the pause reads and writes, without an engine.</summary>
public sealed class PauseTextTests
{
    private static readonly string[] s_ids = ["aa11", "bb22"];

    [Theory]
    [InlineData("db:service_healthy:false,cache:service_started:true", "db=service_healthy cache=service_started")]
    [InlineData("db:service_started", "db=service_started")]
    [InlineData("db,cache", "db= cache=")]
    [InlineData("", "")]
    [InlineData(null, "")]
    public void The_label_of_compose_is_read(string? label, string expected) =>
        Assert.Equal(expected, string.Join(' ', StartOrder.Dependencies(label).Select(dependency => $"{dependency.Service}={dependency.Condition}")));

    [Fact]
    public void What_others_depend_on_is_started_first_and_circles_end()
    {
        ContainerInspect[] shop = [Service("web", "app"), Service("db", null), Service("app", "db:service_healthy:false,cache"), Service("cache", null)];
        Assert.Equal("db cache|app|web", Text(shop));
        Assert.Equal("a b", Text([Service("a", "b"), Service("b", "a")]).Replace("|", " ", StringComparison.Ordinal).Split(' ').Order().Aggregate((left, right) => $"{left} {right}"));
        Assert.True(StartOrder.MustBeHealthy(shop[1], shop));
        Assert.False(StartOrder.MustBeHealthy(shop[3], shop));
    }

    [Fact]
    public void The_guard_of_windows_is_one_line_for_cmd_that_holds_no_path()
    {
        ProcessStartInfo start = GuardCommand.For(DockerEndpoint.Default(windows: true), PauseMode.Stopped, s_ids, name => $@"C:\Program Files\{name}.exe", windows: true)!;

        Assert.Equal("/d /v:on /s /c \"set word=& set /p word=& if not \"!word!\"==\"done\" for %i in (aa11 bb22) do docker start %i\"", start.Arguments);
        Assert.Equal("npipe:////./pipe/docker_engine", start.Environment["DOCKER_HOST"]);
        Assert.True(start.CreateNoWindow);
    }

    [Fact]
    public void The_guard_is_told_of_certificates_by_its_environment()
    {
        DockerEndpoint endpoint = DockerEndpoint.Parse("tcp://nas:2376", "the test") with { UsesTls = true, CertificateFolder = "/home/me/.docker" };
        ProcessStartInfo start = GuardCommand.For(endpoint, PauseMode.Paused, s_ids, name => "/bin/" + name, windows: false)!;

        Assert.Equal(("tcp://nas:2376", "1", "/home/me/.docker"), (start.Environment["DOCKER_HOST"], start.Environment["DOCKER_TLS_VERIFY"], start.Environment["DOCKER_CERT_PATH"]));
        Assert.DoesNotContain(start.ArgumentList, argument => argument.Contains("nas", StringComparison.Ordinal) || argument.Contains(".docker", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("unix:///var/run/docker.sock", "sh,docker,curl", true)]
    [InlineData("unix:///var/run/docker.sock", "sh,curl", true)]
    [InlineData("tcp://nas:2375", "sh,curl", false)]
    [InlineData("unix:///var/run/docker.sock", "docker,curl", false)]
    [InlineData("unix:///var/run/docker.sock", "sh", false)]
    public void A_guard_is_had_where_its_programs_are(string host, string programs, bool expected) => Assert.Equal(
        expected, GuardCommand.For(DockerEndpoint.Parse(host, "the test"), PauseMode.Paused, s_ids, name => programs.Split(',').Contains(name) ? "/bin/" + name : null, windows: false) is not null);

    [Fact]
    public void The_container_that_this_runs_in_is_known_by_its_mounts()
    {
        string[] inside = ["612 598 8:1 /var/lib/docker/containers/aa11/hostname /etc/hostname rw,relatime - ext4 /dev/sda1 rw"];
        string[] outside = ["612 598 0:52 / /var/lib/docker/containers/aa11/mounts/shm rw - tmpfs shm rw"];
        Assert.True(OwnContainer.Is("aa11", inside));
        Assert.False(OwnContainer.Is("bb22", inside));
        Assert.False(OwnContainer.Is("aa11", outside));
    }

    [Fact]
    public void The_notes_are_their_owners_alone()
    {
        using var folder = new TempFolder();
        var pauses = new PauseFolder(folder["pauses"]);
        pauses.Create();
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no modes; the profile is its user's alone.");
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(pauses.Path));
    }

    [Fact]
    public async Task A_folder_that_cannot_be_made_is_an_error_before_anything_is_paused()
    {
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(folder["file"], string.Empty);
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(
            () => new PauseFolder(folder["file/pauses"]).LockAsync([("aa11", "shop")], SilentObserver.Instance, CancellationToken.None));
        Assert.Equal(ErrorCodes.WriteFailed, failure.Code);
    }

    private static string Text(IReadOnlyList<ContainerInspect> containers) =>
        string.Join('|', StartOrder.Of(containers).Select(group => string.Join(' ', group.Select(container => container.ShortName))));

    private static ContainerInspect Service(string name, string? dependsOn)
    {
        var labels = new Dictionary<string, string> { [ComposeLabels.Project] = "shop", [ComposeLabels.Service] = name };
        if (dependsOn is not null)
            labels[ComposeLabels.DependsOn] = dependsOn;
        return new ContainerInspect(
            name, "/" + name, "image", new ContainerState("running", true, false, false, false, 0, null, null, null),
            new ContainerConfig(null, null, labels, null, null, null, null, null), new ContainerHostConfig(null, false, false, "default"), null, null, 0);
    }
}
