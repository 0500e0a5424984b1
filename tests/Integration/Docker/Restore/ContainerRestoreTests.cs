using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Restores;
using DbBackup.Testing;
using DbBackup.Tests.Integration.Engines.Files;

namespace DbBackup.Tests.Integration.Docker.Restore;

/// <summary>Files and databases of containers and volumes come back as they were, and the application is stopped for no longer than it must.</summary>
[Trait("Category", "Docker")]
public sealed class ContainerRestoreTests : IDisposable
{
    private readonly ContainerRestoreBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_folder_comes_back_whole_and_the_safety_backup_gives_the_state_before(bool volume)
    {
        string data = volume ? _bench.Docker.CreateVolume() : Directory.CreateDirectory(_bench.Files.Bench["data"]).FullName;
        string folder = volume ? _bench.Folder(data) : data;
        string container = _bench.RunFilled(data);
        string wanted = ContainerRestoreBench.State(folder);
        Backup backup = await _bench.BackUpAsync(container);
        _bench.ChangeData(container);
        string present = ContainerRestoreBench.State(folder);
        string started = _bench.StartedAt(container);

        RestoreResult result = await _bench.RestoreAsync(backup);

        Assert.Equal(wanted, ContainerRestoreBench.State(folder));
        _bench.AssertNothingLeft(folder);
        Assert.True(_bench.Files.IsRunning(container));
        Assert.NotEqual(started, _bench.StartedAt(container));
        Assert.True(result.Downtime > TimeSpan.Zero);
        Assert.Empty(result.LeftStopped);
        Assert.Equal(BackupStatus.Matched, result.Status);
        Assert.Equal(BackupReason.Safety, result.SafetyBackup!.Reason);
        Assert.Equal(wanted.Contains("/deep", StringComparison.Ordinal), _bench.Docker.Exec(container, "cat", "/app/data/sub/deep/b.txt") == "two");

        await _bench.RestoreAsync(result.SafetyBackup);
        Assert.Equal(present, ContainerRestoreBench.State(folder));
        _bench.AssertNothingLeft(folder);
    }

    [Fact]
    public async Task Names_of_any_bytes_attributes_and_acls_come_back_into_a_volume()
    {
        foreach (string tool in (string[])["setfattr", "setfacl"])
            Require.Tool(tool);
        string volume = _bench.Docker.CreateVolume();
        string folder = _bench.Folder(volume);
        string container = _bench.Docker.Run("--volume", $"{volume}:/app/data", DockerImages.App);
        Shell.Run("bash", "-c", FileAttributesTests.Fill, "bash", folder);
        // An engine sets none that is empty.
        Shell.Run("setfattr", "-x", "user.a=b%c", Path.Join(folder, "plain/café.txt"));
        Shell.Run("setfattr", "-n", "user.b%c", "-v", "x", Path.Join(folder, "plain/café.txt"));
        string wanted = Shell.Run("bash", "-c", FileAttributesTests.State, "bash", folder);
        Backup backup = await _bench.BackUpAsync(container);
        Assert.Empty(backup.Manifest!.Notes);
        Shell.Run("bash", "-c", "rm -r \"$1\"/$'sub\\xe9' \"$1\"/$'caf\\xe9.txt'; printf new > \"$1\"/$'new\\xe9'", "bash", folder);

        await _bench.RestoreAsync(backup);

        Assert.Equal(wanted, Shell.Run("bash", "-c", FileAttributesTests.State, "bash", folder));
        _bench.AssertNothingLeft(folder);
    }

    [Fact]
    public async Task An_undo_gives_a_volume_its_previous_state_and_its_containers_theirs()
    {
        string volume = _bench.Docker.CreateVolume();
        string folder = _bench.Folder(volume);
        string container = _bench.RunFilled(volume);
        string off = _bench.Docker.Run("--volume", $"{volume}:/app/data", DockerImages.App);
        _bench.Docker.Docker("stop", off);
        string wanted = ContainerRestoreBench.State(folder);
        Backup backup = await _bench.BackUpAsync(container);
        _bench.ChangeData(container);
        string present = ContainerRestoreBench.State(folder);
        await _bench.RestoreAsync(backup);
        string started = _bench.StartedAt(container);

        foreach (string state in new[] { present, wanted, present })
        {
            await _bench.Files.Bench.UndoAsync(backup.Source);
            Assert.Equal(state, ContainerRestoreBench.State(folder));
            Assert.True(_bench.Files.IsRunning(container));
            Assert.False(_bench.Files.IsRunning(off));
        }

        Assert.NotEqual(started, _bench.StartedAt(container));
        _bench.AssertNothingLeft(folder);
    }

    [Fact]
    public async Task All_that_use_a_volume_are_stopped_and_only_what_ran_is_started_again()
    {
        string volume = _bench.Docker.CreateVolume();
        string container = _bench.RunFilled(volume);
        string other = _bench.Docker.Run("--volume", $"{volume}:/elsewhere", DockerImages.App, "python3", DockerImages.Writer, "rows", "/elsewhere/app2.db");
        string reader = _bench.Docker.Run("--volume", $"{volume}:/readonly:ro", DockerImages.App);
        string off = _bench.Docker.Run("--volume", $"{volume}:/app/data", DockerImages.App);
        _bench.Docker.Docker("stop", off);
        string stranger = _bench.Docker.Run(DockerImages.App);
        _bench.Docker.WaitForLines(other, 5);
        Backup backup = await _bench.BackUpAsync(container);
        string[] users = [container, other, reader];
        string[] before = [.. users.Select(_bench.StartedAt)];
        string untouched = _bench.StartedAt(stranger);

        await _bench.RestoreAsync(backup);

        Assert.All(users.Zip(before), user => Assert.True(_bench.Files.IsRunning(user.First) && _bench.StartedAt(user.First) != user.Second));
        Assert.False(_bench.Files.IsRunning(off));
        Assert.Equal(untouched, _bench.StartedAt(stranger));
        // It goes on where the restored state ends, without an error.
        _bench.Docker.WaitForLines(other, _bench.Docker.Lines(other).Length + 3);
    }

    [Fact]
    public async Task A_database_alone_is_replaced_with_its_log_and_nothing_beside_it_is_touched()
    {
        string volume = _bench.Docker.CreateVolume();
        string folder = _bench.Folder(volume);
        string container = _bench.Docker.Run(
            "--volume", $"{volume}:/app/data", DockerImages.App, "bash", "-c", $"umask 077; python3 {DockerImages.Writer} rows /app/data/x.db WAL & wait");
        _bench.Docker.WaitForLines(container, 20);
        _bench.Docker.Exec(container, "sh", "-c", "printf beside > /app/data/beside.txt; printf log > /app/data/x.db-wal-of-old; chown 12:34 /app/data/x.db");
        Backup backup = await _bench.BackUpAsync(container, "/app/data/x.db");
        long rows = Rows(backup);
        _bench.Docker.WaitForLines(container, _bench.Docker.Lines(container).Length + 20);
        // Killed, it leaves its log: beside the restored file that would be applied to it.
        _bench.Docker.Docker("kill", container);
        Assert.True(new FileInfo(Path.Join(folder, "x.db-wal")).Length > 0);

        RestoreResult result = await _bench.RestoreAsync(backup);

        Assert.Equal(["beside.txt", "x.db", "x.db-wal-of-old"], Directory.GetFileSystemEntries(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal("600 12:34", Shell.Run("stat", "--format", "%a %u:%g", Path.Join(folder, "x.db")).Trim());
        Assert.Equal(rows.ToString(System.Globalization.CultureInfo.InvariantCulture), SampleDatabase.Text(Path.Join(folder, "x.db"), "SELECT (SELECT count(*) FROM entries) + (SELECT count(*) FROM sqlite_sequence)"));
        Assert.Null(result.Downtime);
        Assert.False(_bench.Files.IsRunning(container));
        Assert.True(Rows(result.SafetyBackup!) > rows);
    }

    [Fact]
    public async Task Only_the_databases_of_a_folder_are_restored_where_that_is_asked_for()
    {
        string volume = _bench.Docker.CreateVolume();
        string folder = _bench.Folder(volume);
        string container = _bench.RunFilled(volume);
        Backup backup = await _bench.BackUpAsync(container);
        _bench.ChangeData(container);

        await _bench.RestoreAsync(new RestoreRequest { Backup = backup, Content = ContentKind.Database });

        Assert.Equal("1", SampleDatabase.Text(Path.Join(folder, "app.db"), "SELECT sum(x) FROM t"));
        Assert.Equal("2", SampleDatabase.Text(Path.Join(folder, "sub/other.sqlite"), "SELECT count(*) FROM t"));
        Assert.Equal(("other", "new"), (File.ReadAllText(Path.Join(folder, "a.txt")), File.ReadAllText(Path.Join(folder, "extra.txt"))));
        Assert.Equal("9:9", Shell.Run("stat", "--format", "%u:%g", Path.Join(folder, "sub")).Trim());
        _bench.AssertNothingLeft(folder);
    }

    [Fact]
    public async Task A_single_file_that_is_no_database_comes_back_as_a_file()
    {
        string volume = _bench.Docker.CreateVolume();
        string folder = _bench.Folder(volume);
        string container = _bench.RunFilled(volume);
        Backup backup = await _bench.BackUpAsync(container, "/app/data/sub/deep/b.txt");
        _bench.Docker.Exec(container, "sh", "-c", "printf other > /app/data/sub/deep/b.txt; printf beside > /app/data/sub/deep/c.txt");

        await _bench.RestoreAsync(backup);
        Assert.Equal("two", File.ReadAllText(Path.Join(folder, "sub/deep/b.txt")));
        Assert.Equal("beside", File.ReadAllText(Path.Join(folder, "sub/deep/c.txt")));
        Assert.Equal("1234:4321", Shell.Run("stat", "--format", "%u:%g", Path.Join(folder, "sub/deep/b.txt")).Trim());

        _bench.Docker.Exec(container, "rm", "/app/data/sub/deep/b.txt");
        await _bench.RestoreAsync(backup);
        Assert.Equal("two", File.ReadAllText(Path.Join(folder, "sub/deep/b.txt")));
        _bench.AssertNothingLeft(folder);
    }

    [Fact]
    public async Task A_backup_goes_into_another_volume_with_or_without_users()
    {
        string volume = _bench.Docker.CreateVolume();
        string container = _bench.RunFilled(volume);
        Backup backup = await _bench.BackUpAsync(container);
        Backup whole = await _bench.Files.BackUpAsync(ContainerFilesBench.Volume(volume));
        string wanted = ContainerRestoreBench.State(_bench.Folder(volume));
        string started = _bench.StartedAt(container);

        foreach (Backup each in (Backup[])[backup, whole])
        {
            string another = _bench.Docker.CreateVolume();
            await _bench.RestoreAsync(Into(each, another));
            Assert.Equal(wanted, ContainerRestoreBench.State(_bench.Folder(another)));
            _bench.AssertNothingLeft(_bench.Folder(another));
        }

        string used = _bench.Docker.CreateVolume();
        string without = _bench.Docker.Run("--volume", $"{used}:/data", DockerImages.WithoutShell);
        await _bench.RestoreAsync(Into(backup, used) with { ContainerPath = "/below/it" });
        Assert.Equal(wanted, ContainerRestoreBench.State(Path.Join(_bench.Folder(used), "below/it")));
        Assert.True(_bench.Files.IsRunning(without));
        Assert.Equal(started, _bench.StartedAt(container));

        BackupException none = await _bench.RestoreFailsAsync(Into(backup, _bench.Docker.NewName("none")));
        Assert.Equal(ErrorCodes.VolumeNotFound, none.Code);
    }

    private static long Rows(Backup backup) => backup.Manifest!.Payloads[0].Fingerprint!.TotalRows;

    private static RestoreRequest Into(Backup backup, string volume) =>
        new() { Backup = backup, Place = new ContainerAddress.OfVolume(volume) };
}
