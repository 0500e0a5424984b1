using DbBackup.Engine.Repository.Stores;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Repository.Stores;

/// <summary>The stock rclone, with a remote that encrypts what it stores in a folder.</summary>
[Trait("Category", "Tool")]
[Collection("rclone")]
public sealed class RcloneStoreTests : ObjectStoreContract, IClassFixture<RcloneRemotes>
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly RcloneRemotes _remotes;
    private readonly string _name = Guid.NewGuid().ToString("N");

    public RcloneStoreTests(RcloneRemotes remotes)
    {
        _remotes = remotes;
        Directory.CreateDirectory(remotes[_name]);
        Store = RcloneRemotes.Open($"store:{_name}");
    }

    internal override IObjectStore Store { get; }

    protected override int Crowd => 24;

    [Fact]
    public async Task A_remote_that_encrypts_is_a_store_like_any()
    {
        IObjectStore store = RcloneRemotes.Open($"sealed:{_name}");
        Assert.False((await store.ReadPropertiesAsync(None)).Exists);
        Assert.True(await store.PutAsync("app/one/backup.json", "content"u8.ToArray(), None));
        Assert.False(await store.PutAsync("app/one/backup.json", "other"u8.ToArray(), None));
        byte[] content = new byte[5_000_000];
        new Random(4).NextBytes(content);
        await store.WriteAsync("app/one/app.db", stream => stream.WriteAsync(content).AsTask(), None);

        Assert.Equal(["app/one/app.db", "app/one/backup.json"], (await store.ListAsync("app/", None)).Select(each => each.Key).Order());
        Assert.Equal(content, await store.ReadAsync("app/one/app.db", None));
        await using Stream range = (await store.OpenAsync("app/one/app.db", 4_000_000, 500_000, None))!;
        using var read = new MemoryStream();
        await range.CopyToAsync(read, None);
        Assert.Equal(content[4_000_000..4_500_000], read.ToArray());
        Assert.All(Directory.EnumerateFiles(_remotes["sealed"], "*", SearchOption.AllDirectories), file => Assert.DoesNotContain("backup.json", file, StringComparison.Ordinal));
        Assert.Equal($"rclone:sealed:{_name}/app/one/backup.json", store.Locate("app/one/backup.json"));
    }

    [Fact]
    public async Task Claims_are_gone_when_an_object_is_put()
    {
        await Store.PutAsync("app/one/backup.json", "x"u8.ToArray(), None);

        Assert.Equal([Path.Join(_remotes[_name], "app", "one", "backup.json")], Directory.EnumerateFiles(_remotes[_name], "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task A_remote_that_is_not_configured_and_a_folder_that_is_missing_are_said()
    {
        BackupException unknown = await Assert.ThrowsAnyAsync<BackupException>(() => RcloneRemotes.Open("nosuch:x").ListAsync(string.Empty, None));
        Assert.Equal(ErrorCodes.RepositoryNotFound, unknown.Code);
        Assert.Contains("rclone listremotes", unknown.Hint, StringComparison.Ordinal);

        BackupException missing = await Assert.ThrowsAnyAsync<BackupException>(() => RcloneRemotes.Open("store:missing").ListAsync(string.Empty, None));
        Assert.Equal(ErrorCodes.RepositoryNotFound, missing.Code);
    }

    [Theory]
    [InlineData(":sftp,host=example.org,pass=secret:x")]
    [InlineData("--config:x")]
    public void A_remote_that_is_written_out_is_refused_without_showing_it(string location)
    {
        BackupException failure = Assert.ThrowsAny<BackupException>(() => RcloneRemotes.Open(location));

        Assert.Equal(ErrorCodes.InvalidArgument, failure.Code);
        Assert.DoesNotContain("secret", failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_full_disk_is_said_to_be_full_and_leaves_nothing()
    {
        using var disk = new SmallDisk(16);
        Directory.CreateSymbolicLink(_remotes[$"{_name}-disk"], disk.Path);
        IObjectStore store = RcloneRemotes.Open($"store:{_name}-disk/repository");
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => store.WriteAsync("app/one/large", async stream =>
        {
            for (int i = 0; i < 40; i++)
                await stream.WriteAsync(new byte[1_000_000]);
        }, None));

        Assert.Equal(ErrorCodes.NotEnoughSpace, failure.Code);
        Assert.Empty(Directory.EnumerateFiles(disk.Path, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task What_goes_wrong_while_the_content_is_read_is_thrown_as_it_is_and_leaves_nothing()
    {
        await Assert.ThrowsAsync<FileNotFoundException>(() => Store.WriteAsync("app/one/large", async stream =>
        {
            await stream.WriteAsync(new byte[1_000_000]);
            throw new FileNotFoundException();
        }, None));

        Assert.Empty(await Store.ListAsync(string.Empty, None));
    }

    [Fact]
    public async Task An_object_whose_bytes_end_early_does_not_get_its_key()
    {
        if (OperatingSystem.IsWindows())
            return;
        string path = Environment.GetEnvironmentVariable("PATH")!;
        string program = path.Split(':').Select(folder => Path.Join(folder, "rclone")).First(File.Exists);
        try
        {
            // As where the writer is killed: rclone sees the end of its input.
            Directory.CreateDirectory(_remotes["short"]);
            await File.WriteAllTextAsync(_remotes["short/rclone"], $"""
                #!/bin/sh
                if [ "$1" = rcat ]; then (head -c 70000; cat >/dev/null) | {program} "$@"; else exec {program} "$@"; fi

                """);
            File.SetUnixFileMode(_remotes["short/rclone"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            Environment.SetEnvironmentVariable("PATH", $"{_remotes["short"]}:{path}");
            BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => Store.PutAsync("app/one/backup.json", new byte[200_000], None));
            Assert.Contains("70000 of 200000", failure.Message, StringComparison.Ordinal);
        }
        finally
        {
            Environment.SetEnvironmentVariable("PATH", path);
        }

        Assert.Empty(await Store.ListAsync(string.Empty, None));
        Assert.True(await Store.PutAsync("app/one/backup.json", new byte[200_000], None));
        Assert.Equal(["app/one/backup.json"], (await Store.ListAsync(string.Empty, None)).Select(each => each.Key));
    }

    [Fact]
    public async Task Without_rclone_the_error_says_how_to_get_it()
    {
        string? path = Environment.GetEnvironmentVariable("PATH");
        try
        {
            Environment.SetEnvironmentVariable("PATH", _remotes["none"]);
            BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => Store.ListAsync(string.Empty, None));
            Assert.Equal(ErrorCodes.ToolMissing, failure.Code);
            Assert.Contains("apt install rclone", failure.Hint, StringComparison.Ordinal);
            if (OperatingSystem.IsWindows())
                return;
            Directory.CreateDirectory(_remotes["old"]);
            await File.WriteAllTextAsync(_remotes["old/rclone"], "#!/bin/sh\necho rclone v1.53.3-DEV\n");
            File.SetUnixFileMode(_remotes["old/rclone"], UnixFileMode.UserRead | UnixFileMode.UserExecute);
            Environment.SetEnvironmentVariable("PATH", _remotes["old"]);
            BackupException old = await Assert.ThrowsAnyAsync<BackupException>(() => Store.ListAsync(string.Empty, None));
            Assert.Equal(ErrorCodes.ToolMissing, old.Code);
            Assert.Contains("rclone 1.53", old.Message, StringComparison.Ordinal);
        }
        finally
        {
            Environment.SetEnvironmentVariable("PATH", path);
        }
    }
}

/// <summary>Changes the environment of the process: nothing runs beside it.</summary>
[CollectionDefinition("rclone", DisableParallelization = true)]
public sealed class RcloneEnvironment;
