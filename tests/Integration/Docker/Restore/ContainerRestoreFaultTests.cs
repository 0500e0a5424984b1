using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Restores;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Docker.Restore;

/// <summary>A restore that cannot be done, or that fails in the middle, leaves all as it was: the data, the containers, and nothing of its own.</summary>
[Trait("Category", "Docker")]
public sealed class ContainerRestoreFaultTests : IDisposable
{
    private readonly ContainerRestoreBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task What_would_not_outlive_the_container_or_cannot_be_replaced_is_refused()
    {
        string container = _bench.RunFilled(_bench.Docker.CreateVolume());
        Backup backup = await _bench.BackUpAsync(container);
        string volume = _bench.Docker.CreateVolume();
        string nested = _bench.Docker.Run("--volume", $"{volume}:/app/data", "--volume", $"{_bench.Docker.CreateVolume()}:/app/data/cache", DockerImages.App);
        string readOnly = _bench.Docker.Run("--volume", $"{volume}:/app/data:ro", DockerImages.App);
        string layer = _bench.Docker.Run(DockerImages.App);

        foreach ((string target, string word) in ((string, string)[])[(layer, "would be gone with the container"), (readOnly, "read-only"), (nested, "/app/data/cache")])
        {
            string started = _bench.StartedAt(target);
            BackupException failure = await _bench.RestoreFailsAsync(Into(backup, new ContainerAddress.OfContainer(target)));
            Assert.Equal(ErrorCodes.TargetInvalid, failure.Code);
            Assert.Contains(word, failure.Message, StringComparison.Ordinal);
            Assert.Equal(started, _bench.StartedAt(target));
        }

        Assert.Equal(["cache"], Directory.GetFileSystemEntries(_bench.Folder(volume)).Select(Path.GetFileName));
    }

    [Fact]
    public async Task A_database_mounted_as_a_single_file_is_refused()
    {
        string file = SampleDatabase.Create(_bench.Files.Bench["app.db"], mark: "present");
        string container = _bench.Docker.Run("--volume", $"{file}:/app/app.db", DockerImages.App);
        Backup backup = await _bench.BackUpAsync(container, "/app/app.db");
        string started = _bench.StartedAt(container);

        BackupException failure = await _bench.RestoreFailsAsync(new RestoreRequest { Backup = backup });

        Assert.Equal(ErrorCodes.TargetInvalid, failure.Code);
        Assert.Equal("ok", SampleDatabase.Text(file, "PRAGMA integrity_check"));
        Assert.Equal(started, _bench.StartedAt(container));
    }

    [Theory]
    [InlineData("data.tar*")]
    [InlineData("app.db*")]
    public async Task A_damaged_payload_touches_nothing_and_leaves_nothing(string payload)
    {
        string volume = _bench.Docker.CreateVolume();
        string folder = _bench.Folder(volume);
        string container = _bench.RunFilled(volume);
        Backup backup = await _bench.BackUpAsync(container);
        string file = Directory.GetFiles(backup.Location, payload).Single();
        byte[] bytes = File.ReadAllBytes(file);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(file, bytes);
        await AssertUntouchedAsync(container, folder, new RestoreRequest { Backup = backup }, failure => Assert.NotEqual(ErrorCodes.WriteFailed, failure.Code), stops: false);
        Assert.Single(await _bench.Files.Bench.ListAsync());
    }

    [Theory]
    [InlineData("a.txt")]
    [InlineData("sub")]
    [InlineData("..hidden")]
    public async Task A_swap_that_fails_half_way_gives_everything_its_place_again(string immovable)
    {
        string volume = _bench.Docker.CreateVolume();
        string folder = _bench.Folder(volume);
        string container = _bench.RunFilled(volume);
        Backup backup = await _bench.BackUpAsync(container);
        _bench.ChangeData(container);
        // Not even root moves it.
        string stone = Path.Join(folder, immovable);
        using var process = Shell.Start("chattr", "+i", stone);
        process.WaitForExit();
        Assert.SkipWhen(process.ExitCode != 0, "No immutable files here.");
        try
        {
            await AssertUntouchedAsync(container, folder, new RestoreRequest { Backup = backup, NoSafetyBackup = true }, failure => Assert.Equal(ErrorCodes.WriteFailed, failure.Code), stops: true);
        }
        finally
        {
            Shell.Run("chattr", "-i", stone);
        }

        // Nothing stands in the way of the next one.
        await _bench.RestoreAsync(backup);
        Assert.Equal("one", File.ReadAllText(Path.Join(folder, "a.txt")));
    }

    [Fact]
    public async Task Without_room_for_the_new_state_the_old_one_stays()
    {
        string source = _bench.Docker.CreateVolume();
        string container = _bench.RunFilled(source);
        _bench.Docker.Exec(container, "sh", "-c", "head -c 6000000 /dev/urandom > /app/data/large");
        Backup backup = await _bench.BackUpAsync(container);
        string small = _bench.Docker.NewName("small");
        _bench.Docker.Docker("volume", "create", "--opt", "type=tmpfs", "--opt", "device=tmpfs", "--opt", "o=size=8m", small);
        string user = _bench.RunFilled(small);
        _bench.Docker.Exec(user, "sh", "-c", "head -c 5000000 /dev/urandom > /app/data/large");
        await AssertUntouchedAsync(
            user, _bench.Folder(small), Into(backup, new ContainerAddress.OfContainer(user)),
            failure => Assert.Contains(failure.Code, (string[])[ErrorCodes.NotEnoughSpace, ErrorCodes.WriteFailed]), stops: false);
    }

    private static RestoreRequest Into(Backup backup, ContainerAddress docker) =>
        new() { Backup = backup, Place = docker };

    private async Task AssertUntouchedAsync(string container, string folder, RestoreRequest request, Action<BackupException> check, bool stops)
    {
        string present = ContainerRestoreBench.State(folder);
        string started = _bench.StartedAt(container);

        BackupException failure = await _bench.RestoreFailsAsync(request);

        Assert.Equal(present, ContainerRestoreBench.State(folder));
        _bench.AssertNothingLeft(folder);
        check(failure);
        Assert.True(_bench.Files.IsRunning(container));
        Assert.Equal(stops, started != _bench.StartedAt(container));
    }
}
