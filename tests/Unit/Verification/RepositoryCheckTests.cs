using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Verification;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Verification;

/// <summary>What a check of a whole repository finds, and that it finds nothing where nothing is.</summary>
public sealed class RepositoryCheckTests : IDisposable
{
    private readonly TempFolder _user = new();
    private readonly Workbench _bench;

    public RepositoryCheckTests() => _bench = new Workbench(user: _user.Path);

    public void Dispose()
    {
        _bench.Dispose();
        _user.Dispose();
    }

    private static Task<IReadOnlyList<RepositoryFinding>> CheckAsync(Workbench bench, bool deep = false) => new RepositoryCheck(bench.Repository).RunAsync(deep, bench.Observer, CancellationToken.None);

    [Fact]
    public async Task Each_file_that_is_removed_is_found()
    {
        Directory.CreateDirectory(_bench["uploads"]);
        File.WriteAllText(Path.Join(_bench["uploads"], "a.txt"), "a");
        Backup backup = await _bench.BackUpAsync(SampleDatabase.Create(_bench["app.db"]), _bench["uploads"]);
        Assert.Empty(await CheckAsync(_bench, deep: true));
        string[] files = Directory.GetFiles(backup.Location);
        Assert.Equal(4, files.Length);
        foreach (string file in files)
        {
            byte[] content = File.ReadAllBytes(file);
            File.Delete(file);
            RepositoryFinding[] found = [.. (await CheckAsync(_bench)).Where(finding => finding.Kind is RepositoryFindingKind.MissingFile or RepositoryFindingKind.Leftover)];
            Assert.Single(found);
            File.WriteAllBytes(file, content);
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        Assert.Empty(await CheckAsync(_bench));
    }

    [Fact]
    public async Task Each_file_with_a_flipped_bit_is_found_by_reading_it()
    {
        Backup backup = await _bench.BackUpAsync(SampleDatabase.Create(_bench["app.db"]));
        foreach (string file in Directory.GetFiles(backup.Location))
        {
            byte[] content = File.ReadAllBytes(file);
            content[content.Length / 2] ^= 1;
            File.WriteAllBytes(file, content);
            Assert.NotEmpty(await CheckAsync(_bench, deep: true));
            content[content.Length / 2] ^= 1;
            File.WriteAllBytes(file, content);
        }

        Assert.Empty(await CheckAsync(_bench, deep: true));
    }

    [Theory]
    [InlineData(null, 0)]
    [InlineData("it was deleted", 1)]
    public async Task A_lock_that_is_claimed_is_tried(string? problem, int findings)
    {
        using var bench = new Workbench(store: new LockingBucket { Problem = problem }, user: _user["locking"]);
        await bench.BackUpAsync(SampleDatabase.Create(bench["app.db"]));

        IReadOnlyList<RepositoryFinding> found = await CheckAsync(bench);

        Assert.Equal(findings, found.Count(finding => finding is { Kind: RepositoryFindingKind.NotLocked, Severity: BackupHealth.Critical }));
        Assert.Equal(findings, found.Count);
    }

    private sealed class LockingBucket : ILockingStore
    {
        private readonly MemoryBucket _inner = new();

        public string? Problem { get; init; }

        public bool IsLocking => true;

        public string Location => _inner.Location;

        public string? LocalFolder => _inner.LocalFolder;

        public Task<string?> FindLockProblemAsync(CancellationToken cancellationToken) => Task.FromResult(Problem);

        public string Locate(string key) => _inner.Locate(key);

        public Task<StoreProperties> ReadPropertiesAsync(CancellationToken cancellationToken) => _inner.ReadPropertiesAsync(cancellationToken);

        public Task<IReadOnlyList<StoredObject>> ListAsync(string prefix, CancellationToken cancellationToken) => _inner.ListAsync(prefix, cancellationToken);

        public Task<Stream?> OpenAsync(string key, long offset, long? length, CancellationToken cancellationToken) => _inner.OpenAsync(key, offset, length, cancellationToken);

        public Task<byte[]?> ReadAsync(string key, CancellationToken cancellationToken) => _inner.ReadAsync(key, cancellationToken);

        public Task<bool> PutAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => _inner.PutAsync(key, content, cancellationToken);

        public Task WriteAsync(string key, Func<Stream, Task> write, CancellationToken cancellationToken) => _inner.WriteAsync(key, write, cancellationToken);

        public Task FlushAsync(string prefix, CancellationToken cancellationToken) => _inner.FlushAsync(prefix, cancellationToken);

        public Task DeleteAsync(string key, CancellationToken cancellationToken) => _inner.DeleteAsync(key, cancellationToken);
    }
}
