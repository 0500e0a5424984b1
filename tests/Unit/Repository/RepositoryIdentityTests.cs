using DbBackup.Engine.Backups;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Repository;

/// <summary>A repository that was seen is not replaced by the empty folder of a disk that is not mounted.</summary>
public sealed class RepositoryIdentityTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly KnownRepositories _known;
    private readonly string _database;

    public RepositoryIdentityTests()
    {
        _database = SampleDatabase.Create(_bench["app.db"]);
        _known = new KnownRepositories(_bench["memory"]);
    }

    private string Location => _bench.RepositoryPath;

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_known_repository_that_is_gone_is_an_error_and_nothing_is_created(bool leavesMountPoint)
    {
        await BackUpAsync();
        Directory.Move(Location, _bench["disk"]);
        if (leavesMountPoint)
            Directory.CreateDirectory(Location);

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => BackUpAsync());
        Assert.Equal(ErrorCodes.RepositoryGone, failure.Code);
        Assert.Contains("mounted", failure.Hint, StringComparison.Ordinal);
        Assert.Equal(ErrorCodes.RepositoryGone, (await Assert.ThrowsAnyAsync<BackupException>(() => Open().ListAsync(null, CancellationToken.None))).Code);
        Assert.Equal(leavesMountPoint, Directory.Exists(Location));
        Assert.True(!leavesMountPoint || Directory.GetFileSystemEntries(Location).Length == 0);

        // Mounted again.
        if (leavesMountPoint)
            Directory.Delete(Location);
        Directory.Move(_bench["disk"], Location);
        await BackUpAsync();
        Assert.Equal(2, (await Open().ListAsync(null, CancellationToken.None)).Count);
    }

    [Fact]
    public async Task Another_repository_at_the_place_of_a_known_one_is_read_but_not_written_until_it_is_allowed()
    {
        await BackUpAsync();
        Directory.Move(Location, _bench["first"]);
        using var other = new Workbench(_bench["other"]);
        await other.BackUpAsync(_database);
        Directory.Move(_bench["other"], Location);

        Assert.Single(await Open().ListAsync(null, CancellationToken.None));
        Assert.Equal(ErrorCodes.RepositoryChanged, (await Assert.ThrowsAnyAsync<BackupException>(() => BackUpAsync())).Code);
        await BackUpAsync(allowNew: true);
        await BackUpAsync();

        // Disks may take turns: both are known now.
        Directory.Move(Location, _bench["second"]);
        Directory.Move(_bench["first"], Location);
        await BackUpAsync();
    }

    [Fact]
    public async Task A_repository_that_was_removed_on_purpose_is_created_anew_when_it_is_allowed()
    {
        await BackUpAsync();
        Directory.Delete(Location, recursive: true);

        await BackUpAsync(allowNew: true);

        Assert.Single(await Open().ListAsync(null, CancellationToken.None));
    }

    [Fact]
    public async Task A_repository_that_was_only_read_is_remembered_too()
    {
        await _bench.BackUpAsync(_database);
        await Open().ListAsync(null, CancellationToken.None);
        Directory.Delete(Location, recursive: true);

        Assert.Equal(ErrorCodes.RepositoryGone, (await Assert.ThrowsAnyAsync<BackupException>(() => BackUpAsync())).Code);
    }

    [Fact]
    public async Task The_memory_is_private_and_a_damaged_or_unwritable_one_stops_no_backup()
    {
        await BackUpAsync();
        string file = Assert.Single(Directory.GetFiles(_bench["memory"]));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        File.WriteAllText(file, "{\"location\":");
        await BackUpAsync();

        File.WriteAllText(_bench["file"], "in place of the folder");
        await new BackupService(new BackupRepository(_bench.Store, new KnownRepositories(_bench["file"]))).CreateAsync(Request(false), _bench.Observer, CancellationToken.None);
        Assert.Equal(3, (await _bench.ListAsync()).Count);
    }

    [Theory]
    [InlineData("""{"format":2,"id":"7b3e1f5a-6f5e-4d8e-9a55-0a2f5b1c9d10","created":"2026-11-21T02:00:00Z","new":1}""", ErrorCodes.ManifestTooNew)]
    [InlineData("""{"format":1,"id":"7b3e1f5a-6f5e-4d8e-9a55-0a2f5b1c9d10","created":"2026-11-21T02:00:00Z","new":1}""", null)]
    [InlineData("garbage", ErrorCodes.ManifestUnreadable)]
    public async Task Members_that_a_later_version_adds_are_read_over_and_a_later_format_is_refused(string content, string? code)
    {
        Directory.CreateDirectory(Location);
        File.WriteAllText(Path.Join(Location, "repository.json"), content);

        if (code is null)
            await BackUpAsync();
        else
            Assert.Equal(code, (await Assert.ThrowsAnyAsync<BackupException>(() => BackUpAsync())).Code);
    }

    [Theory]
    [InlineData("ftp://host/shop", "'ftp://'")]
    [InlineData("azure://container", "'azure://'")]
    [InlineData("webdav://host/path", "'webdav://'")]
    public void A_location_without_a_store_is_refused_with_what_there_is(string text, string scheme)
    {
        BackupException failure = Assert.ThrowsAny<BackupException>(() => RepositoryLocation.Parse(text, _ => throw new InvalidOperationException("It is no path.")));

        Assert.Equal(ErrorCodes.RepositoryNotSupported, failure.Code);
        Assert.Contains(scheme, failure.Message, StringComparison.Ordinal);
        Assert.Contains("folder", failure.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void A_path_or_a_file_url_is_a_folder()
    {
        string path = _bench["with space"];
        Assert.Equal(path, RepositoryLocation.Parse("with space/", typed => _bench[typed]).Text);
        Assert.Equal(path, RepositoryLocation.Parse(new Uri(path).AbsoluteUri, typed => typed).Text);
        Assert.Equal(path, RepositoryLocation.Parse(path, typed => typed).OpenStore().LocalFolder);
    }

    private BackupRepository Open() => new(new DirectoryStore(Location), _known);

    private BackupRequest Request(bool allowNew) => new() { Sources = [Workbench.Sqlite(_database)], AllowNewRepository = allowNew };

    private Task<Backup> BackUpAsync(bool allowNew = false) => new BackupService(Open()).CreateAsync(Request(allowNew), _bench.Observer, CancellationToken.None);
}
