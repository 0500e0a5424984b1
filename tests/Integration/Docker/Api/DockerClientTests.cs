using System.Formats.Tar;
using System.Text;
using DbBackup.Engine.Docker.Api;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Docker.Api;

/// <summary>What is asked of an engine, with a real one.</summary>
[Trait("Category", "Docker")]
public sealed class DockerClientTests
{
    [Fact]
    public async Task Container_goes_through_all_its_states_and_each_may_be_asked_for_twice()
    {
        using DockerEngine docker = DockerEngine.Require();
        using DockerClient client = await DockerClient.ConnectAsync(DockerEndpoint.Default(OperatingSystem.IsWindows()), CancellationToken.None);
        string id = await client.ContainerCreateAsync(docker.NewName("container"), new { Image = DockerImages.App, Cmd = (string[])["sh", "-c", "trap 'exit 5' TERM; echo out; echo err >&2; sleep 600 & wait"] }, default);
        await client.ContainerStartAsync(id, default);
        await client.ContainerStartAsync(id, default);
        while (!(await client.ContainerTopAsync(id, default)).Any(command => command.StartsWith("sleep", StringComparison.Ordinal)))
            await Task.Delay(50);
        await client.ContainerPauseAsync(id, default);
        Assert.True((await client.ContainerInspectAsync(id, default)).State.Paused);
        await client.ContainerUnpauseAsync(id, default);
        string name = docker.NewName("renamed");
        await client.ContainerRenameAsync(id, name, default);
        Task<int> waiting = client.ContainerWaitAsync(name, default);
        await client.ContainerStopAsync(name, default);
        await client.ContainerStopAsync(name, default);
        Assert.Equal(5, await waiting.WaitAsync(TimeSpan.FromSeconds(60)));
        Assert.Equal(("out\n", "err\n"), await client.ContainerOutputAsync(id, default));
        await client.ContainerDeleteAsync(id, default);
        Assert.Null(await client.ContainerFindAsync(id, default));
        BackupFailure gone = await Assert.ThrowsAsync<BackupFailure>(() => client.ContainerStartAsync(id, default));
        Assert.Equal(ErrorCodes.ContainerNotFound, gone.Code);
    }

    [Fact]
    public async Task Log_of_a_container_with_a_terminal_is_its_text()
    {
        using DockerEngine docker = DockerEngine.Require();
        using DockerClient client = await DockerClient.ConnectAsync(DockerEndpoint.Default(OperatingSystem.IsWindows()), CancellationToken.None);
        string id = docker.Run("--tty", DockerImages.App, "sh", "-c", "for i in 1 2 3; do echo line $i; done");
        Assert.Equal(0, await client.ContainerWaitAsync(id, default));
        Assert.Equal("line 1\r\nline 2\r\nline 3\r\n", await client.ContainerLogsAsync(id, 10, default));
        Assert.Equal("line 3\r\n", await client.ContainerLogsAsync(id, 1, default));
    }

    [Fact]
    public async Task Files_go_into_a_container_that_does_not_run_and_come_back()
    {
        using DockerEngine docker = DockerEngine.Require();
        using DockerClient client = await DockerClient.ConnectAsync(DockerEndpoint.Default(OperatingSystem.IsWindows()), CancellationToken.None);
        string id = await client.ContainerCreateAsync(docker.NewName("container"), new { Image = DockerImages.App }, default);
        byte[] content = Encoding.UTF8.GetBytes("as it was");
        await client.PutContainerArchiveAsync(id, "/tmp", async (target, token) =>
        {
            using var tar = new TarWriter(target, TarEntryFormat.Pax, leaveOpen: true);
            await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.Directory, "a b"), token);
            await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, "a b/ä?&.txt") { DataStream = new MemoryStream(content) }, token);
            await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.SymbolicLink, "a b/link") { LinkName = "/etc/hostname" }, token);
        }, default);
        Assert.Equal((true, false), (await client.ContainerArchiveInfoAsync(id, "/tmp/a b", default)) is { } folder ? (folder.IsDirectory, folder.IsSymbolicLink) : default);
        Assert.Equal(content.Length, (await client.ContainerArchiveInfoAsync(id, "/tmp/a b/ä?&.txt", default))!.Size);
        Assert.True((await client.ContainerArchiveInfoAsync(id, "/tmp/a b/link", default))!.IsSymbolicLink);
        Assert.Null(await client.ContainerArchiveInfoAsync(id, "/tmp/nothing", default));
        using (Stream archive = await client.ContainerArchiveAsync(id, "/tmp/a b/ä?&.txt", default))
        {
            using var tar = new TarReader(archive);
            TarEntry entry = (await tar.GetNextEntryAsync())!;
            Assert.Equal("ä?&.txt", entry.Name);
            Assert.Equal("as it was", await new StreamReader(entry.DataStream!).ReadToEndAsync());
        }

        BackupFailure missing = await Assert.ThrowsAsync<BackupFailure>(() => client.ContainerArchiveInfoAsync("dbbackup-no-such-container", "/tmp", default));
        Assert.Equal(ErrorCodes.ContainerNotFound, missing.Code);
    }

    [Fact]
    public async Task Volumes_and_names_of_images_come_and_go()
    {
        using DockerEngine docker = DockerEngine.Require();
        using DockerClient client = await DockerClient.ConnectAsync(DockerEndpoint.Default(OperatingSystem.IsWindows()), CancellationToken.None);
        string volume = docker.NewName("volume");
        await client.VolumeCreateAsync(volume, new Dictionary<string, string> { ["shop"] = "1" }, default);
        Assert.Equal("1", (await client.VolumeInspectAsync(volume, default)).Labels!["shop"]);
        await client.VolumeDeleteAsync(volume, default);
        Assert.Equal(ErrorCodes.VolumeNotFound, (await Assert.ThrowsAsync<BackupFailure>(() => client.VolumeDeleteAsync(volume, default))).Code);

        string name = docker.NewName("image") + "/of/shop:7";
        string image = (await client.ImageInspectAsync(DockerImages.App, default)).Id;
        await client.ImageTagAsync(image, name, default);
        Assert.Equal(image, (await client.ImageInspectAsync(name, default)).Id);
        await client.ImageUntagAsync(name, default);
        Assert.Null(await client.ImageFindAsync(name, default));
        Assert.NotNull(await client.ImageFindAsync(DockerImages.App, default));
        Assert.Equal(ErrorCodes.ImageNotFound, (await Assert.ThrowsAsync<BackupFailure>(() => client.ImageUntagAsync(name, default))).Code);
    }
}
