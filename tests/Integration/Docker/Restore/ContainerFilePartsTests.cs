using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Restores;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Docker.Restore;

/// <summary>Single files and folders come back into a volume or mount; nothing beside them is touched and no container is stopped.</summary>
[Trait("Category", "Docker")]
public sealed class ContainerFilePartsTests : IDisposable
{
    private readonly ContainerRestoreBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Named_files_come_back_while_the_application_runs_and_an_undo_gives_back_what_they_replaced(bool volume)
    {
        Assert.SkipUnless(Environment.UserName == "root", "Only root reaches the folders of volumes.");
        string data = volume ? _bench.Docker.CreateVolume() : Directory.CreateDirectory(_bench.Files.Bench["data"]).FullName;
        string folder = volume ? _bench.Folder(data) : data;
        string container = _bench.RunFilled(data);
        string[] wanted = Lines(folder, "a.txt", "sub/deep/b.txt", "outside");
        Backup backup = await _bench.BackUpAsync(container);
        _bench.ChangeData(container);
        _bench.Docker.Exec(container, "bash", "-c", "rm -r /app/data/sub/deep; printf noise > /app/data/sub/noise.txt");
        string present = ContainerRestoreBench.State(folder);
        string[] untouched = Lines(folder, "extra.txt", "sub/noise.txt", "app.db", "sub/other.sqlite", "later.db", "more/of/it/x");
        string started = _bench.StartedAt(container);

        RestoreResult result = await _bench.RestoreAsync(new RestoreRequest { Backup = backup, Files = ["a.txt", "sub/deep", "outside"] });

        // A second name of the same file is not restored with it, so the number of its names is another one.
        Assert.Equal(wanted.Select(WithoutLinks), Lines(folder, "a.txt", "sub/deep/b.txt", "outside").Select(WithoutLinks));
        Assert.Equal(untouched, Lines(folder, "extra.txt", "sub/noise.txt", "app.db", "sub/other.sqlite", "later.db", "more/of/it/x"));
        Assert.False(Path.Exists(Path.Join(folder, "second")));
        Assert.Equal("one", _bench.Docker.Exec(container, "cat", "/app/data/a.txt"));
        Assert.Equal(started, _bench.StartedAt(container));
        Assert.Empty(result.LeftStopped);
        _bench.AssertNothingLeft(folder);

        await _bench.Files.Bench.UndoAsync(backup.Source);
        // What was not there before is not taken away: it replaced nothing.
        Assert.Equal(present.Split('\n'), ContainerRestoreBench.State(folder).Split('\n').Where(line => !line.StartsWith("outside ", StringComparison.Ordinal) && !line.StartsWith("sub/deep", StringComparison.Ordinal)));
        _bench.AssertNothingLeft(folder);
    }

    [Fact]
    public async Task They_go_into_another_volume_that_is_named()
    {
        Assert.SkipUnless(Environment.UserName == "root", "Only root reaches the folders of volumes.");
        string volume = _bench.Docker.CreateVolume();
        string container = _bench.RunFilled(volume);
        Backup backup = await _bench.BackUpAsync(container);
        string other = _bench.Docker.CreateVolume();
        string before = ContainerRestoreBench.State(_bench.Folder(volume));

        await _bench.RestoreAsync(new RestoreRequest { Backup = backup, Files = ["sub/deep"], Place = new ContainerAddress.OfVolume(other) });

        Assert.Equal(["sub", "sub/deep", "sub/deep/b.txt"], ContainerRestoreBench.State(_bench.Folder(other)).Split('\n').Skip(1).Select(line => line.Split(' ')[0]));
        Assert.Equal(before, ContainerRestoreBench.State(_bench.Folder(volume)));
    }

    [Fact]
    public async Task What_cannot_be_reached_or_would_lose_a_database_is_refused_and_nothing_changes()
    {
        Assert.SkipUnless(Environment.UserName == "root", "Only root reaches the folders of volumes.");
        string volume = _bench.Docker.CreateVolume();
        string folder = _bench.Folder(volume);
        string container = _bench.RunFilled(volume);
        string readOnly = _bench.Docker.Run("--volume", $"{volume}:/app/data:ro", DockerImages.App);
        string layer = _bench.Docker.Run(DockerImages.App);
        _bench.Docker.Exec(layer, "mkdir", "-p", "/app/data");
        Backup backup = await _bench.BackUpAsync(container);
        _bench.ChangeData(container);
        string present = ContainerRestoreBench.State(folder);

        foreach ((string? target, string file, string word) in ((string?, string, string)[])
            [(readOnly, "a.txt", "read-only"), (layer, "a.txt", "cannot be reached"), (null, "sub", "is a database"), (null, "nowhere.txt", "no file or folder 'nowhere.txt'")])
        {
            BackupException failure = await _bench.RestoreFailsAsync(new RestoreRequest
            {
                Backup = backup,
                Files = [file],
                Place = target is null ? null : new ContainerAddress.OfContainer(target),
            });
            Assert.Contains(word, failure.Message, StringComparison.Ordinal);
            Assert.Equal(present, ContainerRestoreBench.State(folder));
        }
    }

    [Fact]
    public async Task Killed_at_any_report_the_next_backup_of_the_container_finds_all_old_or_all_new()
    {
        Assert.SkipUnless(Environment.UserName == "root", "Only root reaches the folders of volumes.");
        string volume = _bench.Docker.CreateVolume();
        string folder = _bench.Folder(volume);
        string container = _bench.RunFilled(volume);
        Backup backup = await _bench.BackUpAsync(container);
        string[] wanted = ["one", "two"], present = [];
        string[] State() => [File.ReadAllText(Path.Join(folder, "a.txt")), File.ReadAllText(Path.Join(folder, "sub/deep/b.txt"))];
        (int ExitCode, string Output) Run(string killAt)
        {
            _bench.Docker.Exec(container, "sh", "-c", $"printf 'a {killAt}' > /app/data/a.txt; printf 'b {killAt}' > /app/data/sub/deep/b.txt");
            present = State();
            return OtherProcess.Run(OtherProcess.Command("restore", _bench.Files.Bench.RepositoryPath, backup.Source, backup.Name, killAt, "a.txt", "sub/deep"));
        }

        (int exit, string output) = Run("0");
        Assert.True(exit == 0, output);
        Assert.Equal(wanted, State());
        await KillPoints.KillAtEachAsync(KillPoints.Of(KillPoints.CountReports(output), sampleSize: 3), Run, async (report, _) =>
        {
            Backup next = await _bench.BackUpAsync(container);
            Assert.True(State().SequenceEqual(present) || State().SequenceEqual(wanted), $"Killed at {report}: '{string.Join(", ", State())}' is neither.");
            Assert.DoesNotContain(next.Manifest!.Payloads, payload => payload.RestoreName.Contains("dbbackup-", StringComparison.Ordinal));
            _bench.AssertNothingLeft(folder);
        });
    }

    private static string WithoutLinks(string line) => string.Join('\t', line.Split(' ').Where((_, index) => index != 4));

    private static string[] Lines(string folder, params string[] paths)
    {
        string[] lines = ContainerRestoreBench.State(folder).Split('\n');
        return [.. paths.Select(path => lines.First(line => line.StartsWith(path + " ", StringComparison.Ordinal)))];
    }
}
