using DbBackup.Engine.Docker.Files;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Docker;

/// <summary>What can be a source in a container or volume, and what it becomes in a backup.</summary>
[Trait("Category", "Docker")]
public sealed class ContainerFilesTests : IDisposable
{
    private const string Fill = """
        set -e
        cd /app/data
        mkdir -p sub/deep empty
        printf one > a.txt; printf two > sub/deep/b.txt; ln -s a.txt link; ln a.txt second; ln -s /etc/passwd outside
        chmod 640 a.txt; chown 1234:4321 sub/deep/b.txt; touch -d '2020-01-02 03:04:05' sub/deep/b.txt; chmod 2770 sub
        sqlite3 app.db 'PRAGMA journal_mode=WAL; CREATE TABLE t(x); INSERT INTO t VALUES (1);' > /dev/null
        sqlite3 sub/other.sqlite 'CREATE TABLE t(x); INSERT INTO t VALUES (1), (2);'
        chown 1234:4321 sub/other.sqlite; chmod 600 sub/other.sqlite
        printf 'SQLite format 3\000short' > short.txt
        """;

    private readonly ContainerFilesBench _bench = new();

    public void Dispose() => _bench.Dispose();

    // Containers are named with dashes and volumes with underscores: new-partshub_data and new_partshub_data.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_volume_and_the_path_at_which_it_is_mounted_are_one_source(bool volumeFirst)
    {
        string volume = _bench.Docker.CreateVolume();
        string container = _bench.Docker.Run("--volume", $"{volume}:/app/data", DockerImages.App);
        _bench.Docker.Exec(container, "sh", "-c", "mkdir /app/data/sub && echo one > /app/data/sub/one.txt");
        ContainerFilesRequest[] ways = [ContainerFilesBench.Request(container, "/app/data"), ContainerFilesBench.Volume(volume)];
        if (volumeFirst)
            Array.Reverse(ways);
        Backup first = await _bench.BackUpAsync(ways[0]);
        Backup second = await _bench.BackUpAsync(ways[1]);
        Assert.Equal(first.Source, second.Source);
        Assert.Equal(first.Source, (await _bench.BackUpAsync(ways[0])).Source);
        Assert.Equal(3, (await _bench.Bench.ListAsync(first.Source)).Count);
        // A part of it is another one.
        Assert.NotEqual(first.Source, (await _bench.BackUpAsync(ContainerFilesBench.Volume(volume, "/sub"))).Source);
    }

    [Theory]
    [InlineData(Consistency.Auto, false)]
    [InlineData(Consistency.Auto, true)]
    [InlineData(Consistency.Live, false)]
    [InlineData(Consistency.Live, true)]
    [InlineData(Consistency.Stop, false)]
    public async Task A_folder_comes_back_with_its_owners_modes_links_and_databases(Consistency consistency, bool throughEngine)
    {
        string volume = _bench.Docker.CreateVolume();
        string container = _bench.Docker.Run("--volume", $"{volume}:/app/data", DockerImages.App);
        _bench.Docker.Exec(container, "bash", "-c", Fill);

        Backup backup = await _bench.BackUpAsync(ContainerFilesBench.Request(container, "/app/data", consistency, throughEngine));

        string name = _bench.Docker.Inspect(container, "{{.Name}}").TrimStart('/');
        Assert.Equal($"{name}_data", backup.Source);
        Assert.Equal($"docker:///container/{name}/path/app/data", backup.Manifest!.Source.Location);
        Assert.Equal(["app.db", "other.sqlite", "data.tar"], backup.Manifest.Payloads.Select(payload => payload.FileName.Replace(".zst", string.Empty, StringComparison.Ordinal)));
        Payload other = backup.Manifest.Payloads[1];
        Assert.Equal("data/sub/other.sqlite", other.Within);
        Assert.Equal($"docker:///container/{name}/path/app/data/sub/other.sqlite", other.OriginalPath);
        Assert.Equal(("600", "1234:4321"), (other.UnixMode, other.UnixOwner));
        Assert.Equal(2, other.Fingerprint!.TotalRows);

        string restored = await _bench.RestoreAsync(backup);
        string data = Path.Join(restored, "data");
        string expected = Directory.CreateDirectory(_bench.Bench["expected"]).FullName;
        Shell.Run("cp", "--archive", _bench.Docker.Docker("volume", "inspect", "--format", "{{.Mountpoint}}", volume), Path.Join(expected, "data"));
        string[] sidecars = ["app.db-wal", "app.db-shm"];
        foreach (string sidecar in sidecars)
            File.Delete(Path.Join(expected, "data", sidecar));
        Assert.Equal(Listing(Path.Join(expected, "data")), Listing(data));
        // The engine gives times in whole seconds.
        if (!throughEngine)
            Assert.Equal(File.GetLastWriteTimeUtc(Path.Join(expected, "data", "a.txt")), File.GetLastWriteTimeUtc(Path.Join(data, "a.txt")));
        Assert.Equal("1", SampleDatabase.Text(Path.Join(data, "app.db"), "SELECT x FROM t"));
        Assert.Equal("wal", SampleDatabase.Text(Path.Join(data, "app.db"), "PRAGMA journal_mode"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_volume_is_backed_up_whole_under_its_name_with_or_without_users(bool throughEngine)
    {
        string volume = _bench.Docker.CreateVolume();
        _bench.Docker.Docker("run", "--rm", "--volume", $"{volume}:/app/data", DockerImages.App, "bash", "-c", Fill);

        Backup backup = await _bench.BackUpAsync(ContainerFilesBench.Volume(volume, throughEngine: throughEngine), plan => Assert.Null(plan.Mode));

        Assert.Equal((volume, $"docker:///volume/{volume}"), (backup.Source, backup.Manifest!.Source.Location));
        Assert.Equal($"{volume}/sub/other.sqlite", backup.Manifest.Payloads[1].Within);
        Assert.Empty(TemporaryContainersOf(volume));
        string restored = await _bench.RestoreAsync(backup);
        Assert.Equal("two", File.ReadAllText(Path.Join(restored, volume, "sub/deep/b.txt")));

        string user = _bench.Docker.Run("--volume", $"{volume}:/other", DockerImages.WithoutShell);
        string reader = _bench.Docker.Run("--volume", $"{volume}:/readonly:ro", DockerImages.App);
        Backup second = await _bench.BackUpAsync(
            ContainerFilesBench.Volume(volume, "/sub", throughEngine: throughEngine), plan => Assert.Equal([user], plan.Pausing.Select(container => container.Id)));
        Assert.Equal($"docker:///volume/{volume}/path/sub", second.Manifest!.Source.Location);
        Assert.True(_bench.IsRunning(user) && _bench.IsRunning(reader));
        Assert.Equal("two", File.ReadAllText(Path.Join(await _bench.RestoreAsync(second), "sub/deep/b.txt")));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_single_file_is_a_source_be_it_a_database_or_not(bool throughEngine)
    {
        (string container, _) = _bench.RunWriter("rows", "/app/data/app.db", "WAL");
        _bench.Docker.WaitForLines(container, 20);
        _bench.Docker.Exec(container, "sh", "-c", "printf hello > /app/data/note.txt; ln -s data/app.db /app/current.db");
        long printed = _bench.LastPrinted(container);

        Backup database = await _bench.BackUpAsync(ContainerFilesBench.Request(container, "/app/current.db", throughEngine: throughEngine));
        Payload only = Assert.Single(database.Manifest!.Payloads);
        Assert.Equal((PayloadKind.Database, null, "current.db"), (only.Kind, only.Within, only.RestoreName));
        ContainerFilesBench.AssertRows(Path.Join(await _bench.RestoreAsync(database), "current.db"), printed);

        Backup note = await _bench.BackUpAsync(ContainerFilesBench.Request(container, "/app/data/note.txt", throughEngine: throughEngine));
        Assert.Equal("hello", File.ReadAllText(Path.Join(await _bench.RestoreAsync(note), "note.txt")));
    }

    [Fact]
    public async Task A_containers_own_layer_a_stopped_one_a_read_only_one_and_one_without_a_shell_are_sources()
    {
        string layer = _bench.Docker.Run("--user", "1234", "--workdir", "/tmp", DockerImages.App, "python3", DockerImages.Writer, "rows", "/tmp/app.db", "DELETE");
        _bench.Docker.WaitForLines(layer, 20);
        long printed = _bench.LastPrinted(layer);
        Backup own = await _bench.BackUpAsync(ContainerFilesBench.Request(layer, "/tmp"), plan => Assert.True(plan.IsThroughEngine));
        ContainerFilesBench.AssertRows(Path.Join(await _bench.RestoreAsync(own), "tmp/app.db"), printed);
        Backup live = await _bench.BackUpAsync(ContainerFilesBench.Request(layer, "/tmp", Consistency.Live));
        Assert.Null(live.Manifest!.Pause);
        ContainerFilesBench.AssertRows(Path.Join(await _bench.RestoreAsync(live), "tmp/app.db"), printed);
        Assert.DoesNotContain("copy", _bench.Docker.Exec(layer, "find", "/tmp", "/dev/shm"), StringComparison.Ordinal);

        _bench.Docker.Docker("stop", "--time", "1", layer);
        await _bench.BackUpAsync(ContainerFilesBench.Request(layer, "/tmp"), plan => Assert.Null(plan.Mode));
        Assert.False(_bench.IsRunning(layer));

        string volume = _bench.Docker.CreateVolume();
        _bench.Docker.Docker("run", "--rm", "--volume", $"{volume}:/app/data", DockerImages.App, "bash", "-c", Fill);
        string sealedOff = _bench.Docker.Run("--read-only", "--volume", $"{volume}:/app/data", DockerImages.WithoutShell);
        Backup quiet = await _bench.BackUpAsync(ContainerFilesBench.Request(sealedOff, "/app/data", throughEngine: true));
        Assert.Equal(3, quiet.Manifest!.Payloads.Count);
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.BackUpAsync(ContainerFilesBench.Request(sealedOff, "/app/data", Consistency.Live, throughEngine: true)));
        Assert.Equal(ErrorCodes.ToolMissing, failure.Code);
        Assert.Contains("-Consistency Pause", failure.Hint, StringComparison.Ordinal);

        string readOnly = _bench.Docker.Run("--read-only", "--volume", $"{volume}:/app/data:ro", DockerImages.App);
        await _bench.BackUpAsync(ContainerFilesBench.Request(readOnly, "/app/data", throughEngine: true));
    }

    [Fact]
    public async Task What_cannot_be_a_source_says_why()
    {
        string container = _bench.Docker.Run("--tmpfs", "/memory", DockerImages.App);
        _bench.Docker.Exec(container, "mkdir", "/nothing");
        Assert.Equal(ErrorCodes.SourceNotFound, await CodeAsync(ContainerFilesBench.Request(container, "/no/such")));
        Assert.Equal(ErrorCodes.InvalidArgument, await CodeAsync(ContainerFilesBench.Request(container, "/")));
        Assert.Equal(ErrorCodes.InvalidArgument, await CodeAsync(ContainerFilesBench.Request(container, "")));
        Assert.Equal(ErrorCodes.InvalidArgument, await CodeAsync(ContainerFilesBench.Request(container, "data")));
        Assert.Equal(ErrorCodes.InvalidArgument, await CodeAsync(ContainerFilesBench.Request(container, "/app/../etc")));
        Assert.Equal(ErrorCodes.SourceUnreadable, await CodeAsync(ContainerFilesBench.Request(container, "/memory")));
        Assert.Equal(ErrorCodes.SourceEmpty, await CodeAsync(ContainerFilesBench.Request(container, "/nothing")));
        Assert.Equal(ErrorCodes.VolumeNotFound, await CodeAsync(ContainerFilesBench.Volume(_bench.Docker.NewName("none"))));
        Assert.Equal(ErrorCodes.SourceEmpty, await CodeAsync(ContainerFilesBench.Volume(_bench.Docker.CreateVolume())));
        Assert.Equal(ErrorCodes.SourceNotFound, await CodeAsync(ContainerFilesBench.Volume(_bench.Docker.CreateVolume(), "/no/such")));
        Assert.True(_bench.IsRunning(container));
    }

    [Fact]
    public async Task A_database_mounted_as_a_single_file_keeps_its_log_in_the_container_and_comes_with_it()
    {
        string file = SampleDatabase.Create(_bench.Bench["app.db"], journal: "WAL");
        string container = _bench.Docker.Run(
            "--volume", $"{file}:/app/app.db", DockerImages.App, "python3", DockerImages.Writer, "rows", "/app/app.db", "WAL");
        _bench.Docker.WaitForLines(container, 20);
        long printed = _bench.LastPrinted(container);
        Backup backup = await _bench.BackUpAsync(ContainerFilesBench.Request(container, "/app/app.db"), plan => Assert.True(plan.IsThroughEngine));
        ContainerFilesBench.AssertRows(Path.Join(await _bench.RestoreAsync(backup), "app.db"), printed);
    }

    private async Task<string> CodeAsync(ContainerFilesRequest request) =>
        (await Assert.ThrowsAnyAsync<BackupException>(() => _bench.BackUpAsync(request))).Code;

    // Of this volume: other tests have temporary containers of their own.
    private string TemporaryContainersOf(string volume) => _bench.Docker.Docker("ps", "--all", "--quiet", "--filter", "label=dbbackup.temporary=1", "--filter", $"volume={volume}");

    private static string Listing(string folder) => Shell.Run(
        "find", folder, "-mindepth", "1", "(", "-type", "d", "-printf", "%P %y %m %U:%G\\n", ")", "-o", "(", "-name", "*.db", "-printf", "%P %y %m %U:%G\\n", ")", "-o", "(", "-name", "*.sqlite", "-printf", "%P %y %m %U:%G\\n", ")", "-o", "-printf", "%P %y %m %U:%G %s %n %TY-%Tm-%Td %TH:%TM %l\\n")
        .Split('\n').Order(StringComparer.Ordinal).Aggregate((all, line) => $"{all}\n{line}");
}
