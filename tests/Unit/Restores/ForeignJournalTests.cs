using System.Text.Json;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Restores;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Restores;

/// <summary>
/// A journal beside a database, in a folder that belongs to the application's user, that nobody of this module has written. The next run,
/// perhaps root's, believes none of it.
/// </summary>
public sealed class ForeignJournalTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly RecordingObserver _observer = new();

    public void Dispose() => _folder.Dispose();

    private string Data => Directory.CreateDirectory(_folder["data"]).FullName;

    private string Database => Path.Join(Data, "app.db");

    [Theory]
    [InlineData("a folder elsewhere is deleted")]
    [InlineData("a file elsewhere is replaced")]
    [InlineData("paths lead upwards")]
    [InlineData("a name is not one of ours")]
    [InlineData("the folders differ")]
    [InlineData("the mark of another folder is missing")]
    [InlineData("the mark of another folder is a link")]
    public async Task Nothing_is_touched_that_is_not_a_name_of_ours_beside_the_journal(string attack)
    {
        string secret = Path.Join(Directory.CreateDirectory(_folder["secret"]).FullName, "private");
        Directory.CreateDirectory(secret);
        File.WriteAllText(Path.Join(secret, "file"), "keep");
        string id = Guid.NewGuid().ToString("N");
        string ours = $".app.db.dbbackup-{id}";
        string journal = Path.Join(Data, $".dbbackup-restore-{id}.json");
        StagedSwap good = new(Database, Path.Join(Data, ours + ".new"), Path.Join(Data, ours + ".old"), IsFolder: false, Replaces: true, null);
        string other = _folder["secret"];
        StagedSwap elsewhere = new(Path.Join(other, "x"), Path.Join(other, ours + ".new"), Path.Join(other, ours + ".old"), true, true, null);
        Directory.CreateDirectory(elsewhere.Old);
        File.WriteAllText(Path.Join(elsewhere.Old, "file"), "keep");
        StagedSwap planted = attack switch
        {
            "a folder elsewhere is deleted" => good with { Old = secret },
            "a file elsewhere is replaced" => good with { Target = Path.Join(secret, "file"), Staged = Path.Join(Data, "mine") },
            "paths lead upwards" => new(Path.Join(Data, "../secret/x"), Path.Join(Data, $"../secret/{ours}.new"), Path.Join(Data, $"../secret/{ours}.old"), true, true, null),
            "a name is not one of ours" => good with { Staged = Path.Join(Data, "private.new"), Old = Path.Join(Data, "private.old") },
            "the folders differ" => good with { Old = Path.Join(other, ours + ".old") },
            _ => elsewhere,
        };
        if (attack.EndsWith("is a link", StringComparison.Ordinal))
        {
            File.WriteAllText(_folder["mark"], journal);
            File.CreateSymbolicLink(Path.Join(other, $".dbbackup-restore-{id}.part"), _folder["mark"]);
        }

        Directory.CreateDirectory(Path.Join(Data, "private.old"));
        File.WriteAllText(Database, "database");
        Write(journal, planted);
        string before = Look();

        bool any = await RestoreRecovery.RunAsync([Database], _observer, TestContext.Current.CancellationToken);

        Assert.False(any);
        Assert.Equal(before, Look());
        Assert.Contains(_observer.Warnings, warning => warning.Contains(journal, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_journal_of_this_user_beside_its_targets_is_still_completed()
    {
        string id = Guid.NewGuid().ToString("N");
        string folder = Path.Join(Data, $".app.db.dbbackup-{id}");
        string other = Directory.CreateDirectory(_folder["other"]).FullName;
        string journal = Path.Join(Data, $".dbbackup-restore-{id}.json");
        File.WriteAllText(Database, "new");
        File.WriteAllText(folder + ".old", "old");
        Directory.CreateDirectory(Path.Join(other, $".files.dbbackup-{id}.old"));
        Directory.CreateDirectory(Path.Join(other, "files"));
        string mark = Path.Join(other, $".dbbackup-restore-{id}.part");
        File.WriteAllText(mark, journal);
        Write(
            journal,
            new StagedSwap(Database, folder + ".new", folder + ".old", false, true, null),
            new StagedSwap(Path.Join(other, "files"), Path.Join(other, $".files.dbbackup-{id}.new"), Path.Join(other, $".files.dbbackup-{id}.old"), true, true, null));

        Assert.True(await RestoreRecovery.RunAsync([Database], _observer, TestContext.Current.CancellationToken));

        Assert.Equal(["app.db"], Directory.GetFileSystemEntries(Data).Select(Path.GetFileName));
        Assert.Equal(["files"], Directory.GetFileSystemEntries(other).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("another user's file")]
    [InlineData("a link")]
    [InlineData("a hard link")]
    [InlineData("a FIFO")]
    [InlineData("a folder")]
    [InlineData("no swaps")]
    [InlineData("null")]
    [InlineData("too large")]
    public async Task What_is_no_journal_of_this_user_is_left_alone_and_never_waited_for(string kind)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Owners, links and FIFOs are told apart on Linux.");
        string id = Guid.NewGuid().ToString("N");
        string ours = Path.Join(Data, $".app.db.dbbackup-{id}");
        string journal = Path.Join(Data, $".dbbackup-restore-{id}.json");
        File.WriteAllText(Database, "database");
        File.WriteAllText(ours + ".old", "old");
        Write(_folder["real"], new StagedSwap(Database, ours + ".new", ours + ".old", false, true, null));
        switch (kind)
        {
            case "another user's file":
                Assert.SkipUnless(UnixFile.EffectiveUserId == 0, "Only root can give a file to another user.");
                File.Move(_folder["real"], journal);
                UnixFile.TrySetOwner(journal, 65534, 65534);
                break;
            case "a link":
                File.CreateSymbolicLink(journal, _folder["real"]);
                break;
            case "a hard link":
                Assert.True(UnixFile.TryLink(_folder["real"], journal));
                break;
            case "a FIFO":
                Assert.True(UnixFile.TryMakeFifo(journal));
                break;
            case "a folder":
                Directory.CreateDirectory(journal);
                break;
            case "no swaps":
                File.WriteAllText(journal, "{}\nswap {}\n");
                break;
            case "null":
                File.WriteAllText(journal, "null\n");
                break;
            default:
                using (FileStream large = File.Create(journal))
                    large.SetLength(1L << 31);
                break;
        }

        string before = Look();
        Task<bool> run = Task.Run(() => RestoreRecovery.RunAsync([Database], _observer, CancellationToken.None), TestContext.Current.CancellationToken);

        Assert.True(await run.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken) is false);
        Assert.Equal(before, Look());
    }

    // Done, by a process that is dead: its swaps are completed, which deletes what was replaced.
    private static void Write(string path, params StagedSwap[] swaps)
    {
        ProcessIdentity dead = ProcessIdentity.Current with { StartTicks = 1 };
        File.WriteAllText(path, JsonSerializer.Serialize(new { Owner = dead, Renames = swaps, Writes = Array.Empty<StagedSwap>() }) + "\nswap {\"Commit\":null,\"Record\":null}\ndone\n");
    }

    private string Look() => string.Join('\n', Directory.GetFileSystemEntries(_folder.Path, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 })
        .Order(StringComparer.Ordinal)
        .Select(path => $"{path} {(new FileInfo(path) is { Exists: true, Length: < 1000, LinkTarget: null } file && UnixFile.TryStat(path, out UnixFileFacts facts) && facts.Kind == FileKind.File ? File.ReadAllText(path) : string.Empty)}"));
}
