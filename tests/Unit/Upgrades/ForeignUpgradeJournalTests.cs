using System.Text.Json;
using DbBackup.Engine.Platform;
using DbBackup.Testing;
using DbBackup.Upgrades;

namespace DbBackup.Tests.Unit.Upgrades;

/// <summary>
/// Journals of upgrades name commands that Resume-DbUpgrade and Undo-DbUpgrade run. Only the user's own count, whoever else can write to the
/// folder: with sudo, HOME may be that of another user.
/// </summary>
public sealed class ForeignUpgradeJournalTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("another user's")]
    [InlineData("a link")]
    [InlineData("a second name")]
    [InlineData("a FIFO")]
    [InlineData("endless")]
    [InlineData("a folder")]
    public void A_record_that_is_not_this_users_own_is_neither_listed_nor_opened_and_hides_no_other(string kind)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux's files.");
        Assert.SkipWhen(kind == "another user's" && UnixFile.EffectiveUserId != 0, "Only root gives files away.");
        Plant(_folder["elsewhere"], "planted");
        string path = _folder["planted.json"];
        switch (kind)
        {
            case "another user's":
                Plant(path, "planted");
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
            case "a folder":
                Directory.CreateDirectory(path);
                break;
            default:
                using (FileStream file = File.Create(path))
                    file.SetLength(1L << 40);
                break;
        }

        Plant(_folder["good.json"], "good");

        Assert.Equal(["good"], UpgradeJournal.List(_folder.Path).Select(record => record.Id));
        BackupException failure = Assert.ThrowsAny<BackupException>(() => UpgradeJournal.Open(_folder.Path, "planted"));
        Assert.Equal(ErrorCodes.UpgradeNotFound, failure.Code);
        Assert.NotNull(failure.Hint);
        if (kind != "endless")
            Assert.Contains("another user's", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_record_is_written_beside_a_planted_link_and_not_through_it()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux's files.");
        File.WriteAllText(_folder["private"], "keep");
        using UpgradeJournal journal = UpgradeJournal.Begin(_folder.Path, Record("one"));
        File.CreateSymbolicLink(_folder["one.json.part"], _folder["private"]);

        journal.Write(journal.Record with { State = UpgradeState.Succeeded });

        Assert.Equal("keep", File.ReadAllText(_folder["private"]));
        Assert.Equal(UpgradeState.Succeeded, Assert.Single(UpgradeJournal.List(_folder.Path)).State);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder["one.json"]));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_lock_is_not_opened_through_a_link_and_no_fifo_is_waited_for(bool isLink)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux's files.");
        UpgradeJournal.Begin(_folder.Path, Record("one")).Dispose();
        string path = Assert.Single(Directory.GetFiles(_folder.Path, "*.lock"));
        File.Delete(path);
        if (isLink)
            File.CreateSymbolicLink(path, _folder["made"]);
        else
            Assert.True(UnixFile.TryMakeFifo(path));

        BackupException failure = Assert.ThrowsAny<BackupException>(() => UpgradeJournal.Begin(_folder.Path, Record("two")));

        Assert.Equal(ErrorCodes.WriteFailed, failure.Code);
        Assert.False(File.Exists(_folder["made"]));
    }

    [Fact]
    public void A_second_upgrade_of_the_same_database_still_finds_the_lock_taken()
    {
        using UpgradeJournal journal = UpgradeJournal.Begin(_folder.Path, Record("one"));
        Assert.Equal(ErrorCodes.UpgradeInProgress, Assert.ThrowsAny<BackupException>(() => UpgradeJournal.Begin(_folder.Path, Record("two"))).Code);
    }

    private static void Plant(string path, string id) => File.WriteAllBytes(path, JsonSerializer.SerializeToUtf8Bytes(Record(id)));

    private static UpgradeRecord Record(string id) => new()
    {
        Id = id,
        Owner = ProcessIdentity.Current with { ProcessId = 1 << 30 },
        Request = new UpgradeRequest { Subject = new UpgradeSubject.SqliteFile("/srv/app.db"), Migrate = "touch /tmp/run-as-root" },
        Target = "/srv/app.db",
        Started = DateTimeOffset.UnixEpoch,
        Repository = "/mnt/backups",
        Steps = [],
    };
}
