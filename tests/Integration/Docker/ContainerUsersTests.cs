using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Files;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Docker;

/// <summary>Who must stand still so that a volume or a folder does.</summary>
[Trait("Category", "Docker")]
public sealed class ContainerUsersTests : IDisposable
{
    private readonly DockerEngine _engine = DockerEngine.Require();
    private readonly TempFolder _folder = new();

    public void Dispose()
    {
        _engine.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task All_that_can_write_to_a_volume_are_found_and_no_others()
    {
        string volume = _engine.CreateVolume();
        string other = _engine.CreateVolume();
        string writer = _engine.Run("-v", $"{volume}:/data", DockerImages.App);
        string reader = _engine.Run("-v", $"{volume}:/srv:ro", DockerImages.App);
        string byFolder = _engine.Run("-v", $"{_engine.Docker("volume", "inspect", "--format", "{{.Mountpoint}}", volume)}:/mnt", DockerImages.App);
        string off = _engine.Run("-v", $"{volume}:/data", DockerImages.App);
        _engine.Docker("kill", off);
        _engine.Run("-v", $"{other}:/data", DockerImages.App);

        IReadOnlyList<ContainerUse> uses = await WithClientAsync(client => ContainerUsers.OfVolumeAsync(client, volume, CancellationToken.None));

        Assert.Equal(new[] { writer, reader, byFolder, off }.Order(), uses.Select(use => use.Container.Id).Order());
        Assert.Equal(new[] { writer, byFolder }.Order(), uses.Where(use => use.Disturbs).Select(use => use.Container.Id).Order());
    }

    [Fact]
    public async Task A_path_is_shared_by_those_that_mount_it_or_what_is_above_or_below_it()
    {
        string inner = _folder["data/uploads"];
        Directory.CreateDirectory(inner);
        string owner = _engine.Run("-v", $"{_folder["data"]}:/app/data", DockerImages.App);
        string below = _engine.Run("-v", $"{inner}:/uploads", DockerImages.App);
        string above = _engine.Run("-v", $"{_folder.Path}:/all", DockerImages.App);
        string watcher = _engine.Run("-v", "/:/host", DockerImages.App);
        string sibling = _engine.Run("-v", $"{_folder["data-other"]}:/app/data", DockerImages.App);

        string[] all = await IdsAsync(owner, "/app/data");
        Assert.Equal(new[] { owner, below, above }.Order(), all.Order());
        Assert.DoesNotContain(watcher, all);
        Assert.DoesNotContain(sibling, all);
        // Its own layer is its own, unless a mount lies below.
        Assert.Equal([owner], await IdsAsync(owner, "/opt"));
        Assert.Equal(new[] { owner, below, above }.Order(), (await IdsAsync(owner, "/app")).Order());
    }

    private static async Task<string[]> IdsAsync(string container, string path) =>
        [.. (await WithClientAsync(client => ContainerUsers.OfPathAsync(client, container, path, CancellationToken.None))).Where(use => use.Disturbs).Select(use => use.Container.Id)];

    private static async Task<T> WithClientAsync<T>(Func<DockerClient, Task<T>> action)
    {
        using DockerClient client = await DockerClient.ConnectAsync(PauseBench.Endpoint, CancellationToken.None);
        return await action(client);
    }
}
