using System.Text.Json;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Pausing;
using DbBackup.Engine.Platform;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Docker;

/// <summary>What lies in the folder of pause journals and was not written by this user's own runs: HOME may be another user's.</summary>
public sealed class ForeignPauseJournalTests : IDisposable
{
    private const string Journal = "pause-0123456789abcdef0123456789abcdef.json";
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("another user's")]
    [InlineData("a link")]
    [InlineData("a second name")]
    [InlineData("a FIFO")]
    [InlineData("endless")]
    public void A_journal_that_is_not_this_users_own_is_neither_believed_nor_waited_for(string kind)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux's files.");
        Assert.SkipWhen(kind == "another user's" && UnixFile.EffectiveUserId != 0, "Only root gives files away.");
        Plant(_folder["elsewhere"], new string('a', 64));
        string path = _folder[Journal];
        switch (kind)
        {
            case "another user's":
                Plant(path, new string('a', 64));
                Assert.True(UnixFile.TrySetOwner(path, 65534, 65534));
                break;
            case "a link":
                File.CreateSymbolicLink(path, _folder["elsewhere"]);
                break;
            case "a second name":
                Assert.True(UnixFile.TryLink(_folder["elsewhere"], path));
                break;
            case "a FIFO":
                Assert.True(UnixFile.TryMakeFifo(path));
                break;
            case "endless":
                using (FileStream file = File.Create(path))
                    file.SetLength(1L << 40);
                break;
        }

        Plant(_folder["pause-1123456789abcdef0123456789abcdef.json"], new string('b', 64));
        var reported = new List<string>();
        List<string> found = [];
        foreach (PauseJournal journal in PauseJournal.Abandoned(new PauseFolder(_folder.Path), reported.Add))
        {
            found.Add(journal.Note.Containers[0].Id);
            journal.Dispose();
        }

        Assert.Equal([new string('b', 64)], found);
        Assert.Equal([path], reported);
        Assert.True(Path.Exists(path));
        Assert.True(File.Exists(_folder["elsewhere"]));
    }

    [Theory]
    [InlineData("../../escaped")]
    [InlineData("/tmp/escaped")]
    [InlineData("")]
    public void A_container_whose_id_is_a_path_makes_no_lock_file_elsewhere(string id)
    {
        Plant(_folder[Journal], id);
        Assert.Empty(PauseJournal.Abandoned(new PauseFolder(_folder.Path)));
    }

    [Theory]
    [InlineData("a link")]
    [InlineData("a second name")]
    [InlineData("a FIFO")]
    public async Task A_lock_is_a_file_of_this_folder_alone(string kind)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux's files.");
        string path = _folder["aa11.lock"];
        if (kind == "a link")
            File.CreateSymbolicLink(path, _folder["made"]);
        else if (kind == "a FIFO")
            Assert.True(UnixFile.TryMakeFifo(path));
        else
            Assert.True(LinkTo(path));

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(
            () => new PauseFolder(_folder.Path).LockAsync([("aa11", "shop")], SilentObserver.Instance, TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.Equal(ErrorCodes.WriteFailed, failure.Code);
        Assert.Contains(path, failure.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(_folder["made"]));
    }

    [Fact]
    public async Task The_empty_lock_that_another_users_killed_run_left_is_no_obstacle()
    {
        Assert.SkipUnless(UnixFile.EffectiveUserId == 0, "Only root gives files away.");
        await File.WriteAllTextAsync(_folder["aa11.lock"], string.Empty, TestContext.Current.CancellationToken);
        Assert.True(UnixFile.TrySetOwner(_folder["aa11.lock"], 65534, 65534));
        using (await new PauseFolder(_folder.Path).LockAsync([("aa11", "shop")], SilentObserver.Instance, TestContext.Current.CancellationToken))
            Assert.Null(OwnFile.TryLock(_folder["aa11.lock"]));
        Assert.False(File.Exists(_folder["aa11.lock"]));
    }

    private bool LinkTo(string path)
    {
        File.WriteAllText(_folder["private"], "keep");
        return UnixFile.TryLink(_folder["private"], path);
    }

    private static void Plant(string path, string id)
    {
        // A process of a boot that is over.
        ProcessIdentity dead = ProcessIdentity.Current with { ProcessId = 1 << 30 };
        File.WriteAllText(path, JsonSerializer.Serialize(new PauseNote(dead, null, DockerEndpoint.Default(windows: false), PauseMode.Paused, [new PausedContainer(id, "shop")])) + "\n");
    }
}
