using System.Diagnostics;
using System.Net;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Repository.Stores.Sftp;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Repository.Stores;

/// <summary>SFTP against a real OpenSSH server on the loopback.</summary>
[Trait("Category", "Tool")]
public sealed class SftpStoreTests : ObjectStoreContract, IClassFixture<OpenSshServer>, IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly OpenSshServer _server;
    private readonly TempFolder _folder = new();
    private readonly string _path;

    public SftpStoreTests(OpenSshServer server)
    {
        _server = server;
        _path = _folder["repository"];
        Directory.CreateDirectory(_path);
        Store = server.Open(_path);
    }

    internal override IObjectStore Store { get; }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_it_writes_is_private_and_leaves_no_unfinished_file()
    {
        if (OperatingSystem.IsWindows())
            return;
        Directory.Delete(_path);
        Assert.False((await Store.ReadPropertiesAsync(None)).Exists);
        await Store.PutAsync("app/one/backup.json", "x"u8.ToArray(), None);
        Assert.False(await Store.PutAsync("app/one/backup.json", "y"u8.ToArray(), None));
        await Store.WriteAsync("app/one/app.db", stream => stream.WriteAsync(new byte[1]).AsTask(), None);

        Assert.Equal(["app.db", "backup.json"], Directory.EnumerateFiles(_path, "*", SearchOption.AllDirectories).Select(Path.GetFileName).Order());
        foreach (string file in Directory.EnumerateFiles(_path, "*", SearchOption.AllDirectories))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        foreach (string folder in Directory.EnumerateDirectories(_path, "*", SearchOption.AllDirectories).Append(_path))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder));
        Assert.True((await Store.ReadPropertiesAsync(None)) is { Exists: true, AvailableBytes: > 0 });
    }

    [Fact]
    public async Task A_folder_that_others_can_write_to_is_told()
    {
        if (OperatingSystem.IsWindows())
            return;
        var store = (IExposedStore)Store;
        Assert.Single((await store.FindExposureAsync(None)).NotChecked);
        await Store.PutAsync("repository.json", "{}"u8.ToArray(), None);
        File.SetUnixFileMode(_path, (UnixFileMode)Convert.ToInt32("755", 8));
        Assert.Equal((0, 0), ((await store.FindExposureAsync(None)).Problems.Count, (await store.FindExposureAsync(None)).NotChecked.Count));
        File.SetUnixFileMode(_path, (UnixFileMode)Convert.ToInt32("775", 8));
        Assert.Contains("can write", Assert.Single((await store.FindExposureAsync(None)).Problems), StringComparison.Ordinal);
        // A server that keeps no modes shows all as open.
        File.SetUnixFileMode(Path.Join(_path, "repository.json"), (UnixFileMode)Convert.ToInt32("666", 8));
        Assert.Equal((0, 1), ((await store.FindExposureAsync(None)).Problems.Count, (await store.FindExposureAsync(None)).NotChecked.Count));
    }

    [Fact]
    public async Task A_folder_of_the_users_home_is_named_with_a_tilde()
    {
        string name = $".dbbackup-test-{Guid.NewGuid():N}";
        string path = Path.Join(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), name);
        try
        {
            IObjectStore store = _server.Open($"~/{name}");
            Assert.True(await store.PutAsync("a/b", "x"u8.ToArray(), None));
            Assert.Equal("x", await File.ReadAllTextAsync(Path.Join(path, "a", "b")));
            Assert.EndsWith($"/~/{name}/a/b", store.Locate("a/b"), StringComparison.Ordinal);
        }
        finally
        {
            if (Directory.Exists(path))
                Directory.Delete(path, recursive: true);
        }
    }

    [Fact]
    public async Task A_folder_whose_parent_is_missing_is_not_made()
    {
        IObjectStore store = _server.Open(_folder["missing/below"]);

        Assert.Equal(ErrorCodes.RepositoryNotFound, (await Assert.ThrowsAnyAsync<BackupException>(() => store.PutAsync("a/b", "x"u8.ToArray(), None))).Code);
        Assert.Equal(ErrorCodes.RepositoryNotFound, (await Assert.ThrowsAnyAsync<BackupException>(() => store.ListAsync(string.Empty, None))).Code);
        Assert.False(Directory.Exists(_folder["missing"]));
    }

    [Fact]
    public async Task Sessions_that_are_cut_in_the_middle_cost_neither_an_upload_nor_a_download()
    {
        byte[] content = new byte[40_000_000];
        new Random(2).NextBytes(content);
        int cuts = 0;
        await Store.WriteAsync("app/one/large", async stream =>
        {
            for (int at = 0; at < content.Length; at += 1_000_000)
            {
                await stream.WriteAsync(content.AsMemory(at, 1_000_000));
                if (at is 10_000_000 or 25_000_000)
                {
                    _server.CutSessions();
                    cuts++;
                }
            }
        }, None);

        byte[] back = new byte[content.Length];
        await using Stream download = (await Store.OpenAsync("app/one/large", 0, null, None))!;
        for (int at = 0; at < back.Length; at += 1_000_000)
        {
            await download.ReadExactlyAsync(back.AsMemory(at, 1_000_000));
            if (at == 20_000_000)
            {
                _server.CutSessions();
                cuts++;
            }
        }

        Assert.Equal(3, cuts);
        Assert.Equal(content, back);
    }

    [Fact]
    public async Task A_server_that_restarts_is_waited_for()
    {
        using var server = new OpenSshServer();
        IObjectStore store = server.Open(_path);
        await store.PutAsync("a/before", "x"u8.ToArray(), None);
        server.Kill();
        Task<bool> put = store.PutAsync("a/after", "x"u8.ToArray(), None);
        await Task.Delay(3000);
        Assert.False(put.IsCompleted);
        server.Start();

        Assert.True(await put);
        Assert.Equal(["a/after", "a/before"], (await store.ListAsync("a/", None)).Select(each => each.Key).Order());
    }

    [Fact]
    public async Task A_server_that_does_not_answer_is_said_to_be_unreachable_at_once_and_a_call_is_cancelled_at_once()
    {
        using var server = new OpenSshServer();
        IObjectStore known = server.Open(_path);
        await known.PutAsync("a/before", "x"u8.ToArray(), None);
        server.Kill();
        var clock = Stopwatch.StartNew();
        using var cancel = new CancellationTokenSource(500);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => known.PutAsync("a/after", "x"u8.ToArray(), cancel.Token));

        IObjectStore never = server.Open(_path, $"key={server.MakeKey("other")}&knownHosts={server.KnownHosts}");
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => never.ListAsync(string.Empty, None));
        Assert.Equal(ErrorCodes.ServerUnreachable, failure.Code);
        Assert.Contains("refused", failure.Message, StringComparison.OrdinalIgnoreCase);
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task A_host_key_that_is_not_known_is_refused_with_the_command_that_trusts_it()
    {
        string none = _folder["none"];
        BackupException failure = await FailureAsync($"key={_server.KeyFile}&knownHosts={none}");

        Assert.Equal(ErrorCodes.HostKeyUnknown, failure.Code);
        Assert.Contains("SHA256:", failure.Message, StringComparison.Ordinal);
        Assert.Contains($"ssh-keyscan -p {_server.Port} 127.0.0.1 >> '{none}'", failure.Hint, StringComparison.Ordinal);
        // The command does it.
        await File.WriteAllTextAsync(none, Shell.Run("ssh-keyscan", "-p", $"{_server.Port}", "127.0.0.1"));
        await _server.Open(_path, $"key={_server.KeyFile}&knownHosts={none}").ListAsync(string.Empty, None);
        // So does a file with hashed names.
        Shell.Run("ssh-keygen", "-q", "-H", "-f", none);
        Assert.StartsWith("|1|", await File.ReadAllTextAsync(none), StringComparison.Ordinal);
        File.Move(none, _folder["hashed"]);
        await _server.Open(_path, $"key={_server.KeyFile}&knownHosts={_folder["hashed"]}").ListAsync(string.Empty, None);
    }

    [Fact]
    public async Task Another_host_key_than_the_known_one_is_refused()
    {
        using var server = new OpenSshServer();
        server.MakeKey("another");
        server.Trust("another");

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => server.Open(_path).ListAsync(string.Empty, None));

        Assert.Equal(ErrorCodes.HostKeyChanged, failure.Code);
        Assert.Contains("ssh-keygen -R", failure.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_that_the_server_does_not_take_is_refused_and_one_with_a_passphrase_needs_it()
    {
        string other = _server.MakeKey("foreign");
        BackupException refused = await FailureAsync($"key={other}&knownHosts={_server.KnownHosts}");
        Assert.Equal(ErrorCodes.AuthenticationFailed, refused.Code);
        Assert.Contains("ssh -p", refused.Hint, StringComparison.Ordinal);

        string locked = _server.MakeKey("locked", "the passphrase");
        _server.Authorize("locked");
        string options = $"key={locked}&knownHosts={_server.KnownHosts}";
        BackupException closed = await FailureAsync(options);
        Assert.Equal(ErrorCodes.AuthenticationFailed, closed.Code);
        Assert.Contains("passphrase", closed.Message, StringComparison.Ordinal);
        StoreAddress address = StoreAddress.Parse(_server.Location(_path, options), SftpStore.Options);
        StoreLogins.Remember(address, new NetworkCredential(Environment.UserName, "the passphrase"));
        try
        {
            await new SftpStore(address).ListAsync(string.Empty, None);
        }
        finally
        {
            StoreLogins.Remember(address, new NetworkCredential(Environment.UserName, string.Empty));
        }
    }

    [Theory]
    [InlineData("ed25519")]
    [InlineData("rsa")]
    [InlineData("ecdsa")]
    public async Task The_keys_of_an_agent_log_in(string type)
    {
        Require.Tool("ssh-agent");
        string key = _server.MakeKey($"agent-{type}", type: type);
        _server.Authorize($"agent-{type}");
        using var agent = Shell.Start("ssh-agent", "-D", "-a", _folder["agent"]);
        string? before = Environment.GetEnvironmentVariable("SSH_AUTH_SOCK");
        try
        {
            Assert.True(SpinWait.SpinUntil(() => LocalPort.Answers(_folder["agent"]), TimeSpan.FromSeconds(10)));
            Environment.SetEnvironmentVariable("SSH_AUTH_SOCK", _folder["agent"]);
            Shell.Run("ssh-add", "-q", key);
            File.Delete(key);
            // Another file of known hosts, so that the connection is a new one.
            File.Copy(_server.KnownHosts, _folder["hosts"]);
            IObjectStore store = _server.Open(_path, $"knownHosts={_folder["hosts"]}");
            Assert.True(await store.PutAsync("a/b", "x"u8.ToArray(), None));
        }
        finally
        {
            Environment.SetEnvironmentVariable("SSH_AUTH_SOCK", before);
            agent.Kill();
        }
    }

    // Between a "mkdir" that is refused because another was quicker and the look for the folder, a third may have removed it.
    [Fact]
    public async Task A_folder_that_others_make_and_remove_meanwhile_is_made_again()
    {
        await Parallel.ForAsync(0, 8, async (worker, token) =>
        {
            for (int round = 0; round < 40; round++)
            {
                string key = $"app/one/{worker}-{round}";
                Assert.True(await Store.PutAsync(key, "x"u8.ToArray(), token));
                await Store.DeleteAsync(key, token);
            }
        });

        Assert.Empty(await Store.ListAsync(string.Empty, None));
    }

    [Fact]
    public async Task A_full_disk_is_said_to_be_full_and_leaves_nothing()
    {
        using var disk = new SmallDisk(24);
        Directory.CreateDirectory(disk["repository"]);
        IObjectStore store = _server.Open(disk["repository"]);
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => store.WriteAsync("app/one/large", async stream =>
        {
            for (int i = 0; i < 40; i++)
                await stream.WriteAsync(new byte[1_000_000]);
        }, None));

        Assert.Equal(ErrorCodes.NotEnoughSpace, failure.Code);
        Assert.Empty(Directory.EnumerateFileSystemEntries(disk["repository"]));
    }

    [Fact]
    public async Task A_folder_that_the_user_cannot_write_to_is_reported_as_such()
    {
        Assert.SkipWhen(Environment.UserName == "root", "Root can write anywhere.");
        if (OperatingSystem.IsWindows())
            return;
        File.SetUnixFileMode(_path, UnixFileMode.UserRead | UnixFileMode.UserExecute);

        Assert.Equal(ErrorCodes.RepositoryNotWritable, (await Assert.ThrowsAnyAsync<BackupException>(() => Store.PutAsync("a/b", "x"u8.ToArray(), None))).Code);
    }

    private async Task<BackupException> FailureAsync(string options) =>
        await Assert.ThrowsAnyAsync<BackupException>(() => _server.Open(_path, options).ListAsync(string.Empty, None));
}
