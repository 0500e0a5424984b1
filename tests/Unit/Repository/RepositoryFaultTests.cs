using System.Text.Json.Nodes;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Repository;

public sealed class RepositoryFaultTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly string _database;

    public RepositoryFaultTests() => _database = SampleDatabase.Create(_bench["app.db"]);

    public static TheoryData<string> BadNames() => new()
    {
        "..", ".", "", " ", "../up", "a/b", "a\\b", "/etc", "CON", "nul.txt", "com1", "dot.", "space ", " space", ".hidden", "-rf",
        "a:b", "a*", "[x]", "tab\t", "new\nline", "quote\"", new string('x', 101), new string('日', 90),
    };

    public static TheoryData<string> BadManifests() => new()
    {
        "", "garbage", "null", "[]", "{}", "{\"formatVersion\":\"1\"}", "{\"formatVersion\":0}", "{\"formatVersion\":99999999999}",
        "Source", "Payloads[0]", "Fingerprint.Tables[0]", "Huge", "Infinite", "Escape FileName", "Escape RestoreName", "Escape Within", "Details",
    };

    public void Dispose() => _bench.Dispose();

    [Theory]
    [MemberData(nameof(BadNames))]
    public async Task A_name_that_some_system_refuses_is_refused_before_anything_is_written(string name)
    {
        foreach (BackupRequest request in (BackupRequest[])
            [new() { Sources = [Workbench.Sqlite(_database)], Name = name }, new() { Sources = [Workbench.Sqlite(_database)], SourceName = name }])
        {
            BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.BackUpAsync(request));
            Assert.Equal(ErrorCodes.InvalidName, failure.Code);
        }

        await _bench.AssertNothingListedOrStagedAsync();
    }

    [Theory]
    [InlineData("it's (before) the v2, + more")]
    [InlineData("Übergröße 日本 🎉")]
    [InlineData("100% #1; $HOME & `")]
    [InlineData("CONSOLE")]
    public async Task A_name_with_spaces_quotes_or_unicode_is_taken_as_it_is(string name)
    {
        if (name.Contains('`', StringComparison.Ordinal))
            name = name[..^1] + "x";
        Backup backup = await _bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(_database)], Name = name, SourceName = name });

        Assert.Equal((name, name), (backup.Source, backup.Name));
        Assert.True((await _bench.TestAsync(Assert.Single(await _bench.ListAsync(name)), BackupTestLevel.Restore)).Passed);
    }

    [Fact]
    public void A_name_made_of_any_text_can_be_used()
    {
        string[] texts = [.. BadNames().Select(row => row.Data), new string('a', 99) + "🎉🎉", "CON." + new string('x', 200), string.Concat(Enumerable.Repeat("🎉", 200)), "...", "\0", "\ud800lone"];
        Assert.All(texts, text => Assert.True(BackupName.IsValid(BackupName.From(text)), BackupName.From(text)));
        Assert.False(BackupName.IsValid("\ud800lone"));
    }

    [Theory]
    [InlineData("first")]
    [InlineData("FIRST")]
    public async Task A_name_that_exists_is_refused_and_the_existing_backup_is_not_touched(string again)
    {
        Backup first = await _bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(_database)], Name = "first" });
        byte[] manifest = File.ReadAllBytes(Path.Join(first.Location, "backup.json"));

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(
            () => _bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(_database)], Name = again }));

        Assert.Equal(ErrorCodes.BackupExists, failure.Code);
        Assert.Equal(manifest, File.ReadAllBytes(Path.Join(first.Location, "backup.json")));
        Assert.Single(await _bench.ListAsync());
        _bench.AssertNothingStaged();
    }

    [Fact]
    public async Task Backups_of_one_source_at_the_same_second_are_all_listed_whole_and_each_names_itself()
    {
        var clock = new FixedClock(new DateTimeOffset(2026, 11, 21, 2, 0, 0, TimeSpan.Zero));
        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => Task.Run(
            () => _bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(_database)] }, clock))));

        IReadOnlyList<Backup> all = await _bench.ListAsync();
        Assert.Equal(5, all.Count);
        foreach (Backup backup in all)
        {
            Assert.True((await _bench.TestAsync(backup, BackupTestLevel.Restore)).Passed);
            Assert.Equal(backup.Name, backup.Manifest!.Name);
            Assert.Contains($"-Name {backup.Name} ", File.ReadAllText(Path.Join(backup.Location, "RESTORE.txt")), StringComparison.Ordinal);
        }

        _bench.AssertNothingStaged();
    }

    [Fact]
    public async Task One_name_wanted_by_two_processes_at_once_goes_to_one_of_them()
    {
        Task<string>[] both = [.. Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
        {
            try
            {
                await _bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(_database)], Name = "wanted" });
                return "made";
            }
            catch (BackupException failure)
            {
                return failure.Code;
            }
        }))];

        string[] outcomes = await Task.WhenAll(both);

        Assert.Single(outcomes, "made");
        Assert.Equal(2, outcomes.Count(outcome => outcome == ErrorCodes.BackupExists));
        Assert.True((await _bench.TestAsync(Assert.Single(await _bench.ListAsync()), BackupTestLevel.Restore)).Passed);
    }

    [Fact]
    public async Task Two_databases_of_one_file_name_do_not_share_a_history_unless_told_to()
    {
        await _bench.BackUpAsync(_database);
        Directory.CreateDirectory(_bench["other"]);
        string other = SampleDatabase.Create(_bench["other/app.db"]);

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.BackUpAsync(other));
        Assert.Equal(ErrorCodes.SourceNameTaken, failure.Code);
        await _bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(other)], SourceName = "app" });

        Assert.Equal(2, (await _bench.ListAsync("app")).Count);
    }

    [Theory]
    [MemberData(nameof(BadManifests))]
    public async Task A_manifest_that_cannot_be_trusted_is_listed_as_unreadable_and_refused(string content)
    {
        Backup good = await _bench.BackUpAsync(_database);
        Backup bad = await _bench.BackUpAsync(_database);
        string path = Path.Join(bad.Location, "backup.json");
        Resealed.WriteAllText(path, Spoil(content, File.ReadAllText(path)));

        IReadOnlyList<Backup> all = await _bench.ListAsync();

        Backup listed = Assert.Single(all, backup => backup.Name == bad.Name);
        Assert.Equal(BackupStatus.Unreadable, listed.Status);
        Assert.NotNull(listed.Problem);
        Assert.Equal(good.Name, Assert.Single(BackupSelection.LatestGood(all, null)).Name);
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.RestoreAsync(listed));
        Assert.Equal(ErrorCodes.ManifestUnreadable, failure.Code);
        await _bench.BackUpAsync(_database);
    }

    [Fact]
    public async Task A_manifest_from_a_future_version_is_listed_and_refused_as_such()
    {
        Backup backup = await _bench.BackUpAsync(_database);
        string path = Path.Join(backup.Location, "backup.json");
        File.WriteAllText(path, File.ReadAllText(path).Replace("\"formatVersion\": 1", "\"formatVersion\": 2, \"unknown\": {}", StringComparison.Ordinal));

        Backup listed = Assert.Single(await _bench.ListAsync());
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.RestoreAsync(listed));

        Assert.Equal(ErrorCodes.ManifestTooNew, failure.Code);
        Assert.Equal(BackupStatus.Unreadable, listed.Status);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_backup_that_fails_after_its_manifest_was_put_is_removed_or_the_error_says_that_it_may_be_listed(bool canDelete)
    {
        var store = new FaultyStore(new DirectoryStore(_bench.RepositoryPath));
        using var bench = new Workbench(_bench.RepositoryPath, store);
        store.Before = (operation, key) =>
        {
            if (key.EndsWith("/backup.json", StringComparison.Ordinal) && (operation == "open" || (operation == "delete" && !canDelete)))
                throw new BackupFailure(ErrorCodes.RepositoryNotWritable, FailureCategory.WriteError, "The disk fails.", "Replace it.");
        };

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => bench.BackUpAsync(_database));

        store.Before = null;
        if (canDelete)
        {
            Assert.Empty(await bench.ListAsync());
            return;
        }

        Assert.Equal(ErrorCodes.WriteFailed, failure.Code);
        Assert.Contains("it may be listed", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("Nothing", failure.Message, StringComparison.Ordinal);
        Backup listed = Assert.Single(await bench.ListAsync());
        Assert.True((await bench.TestAsync(listed, BackupTestLevel.Checksum)).Passed);
    }

    [Fact]
    public async Task A_repository_below_a_folder_that_is_missing_is_not_created()
    {
        using var bench = new Workbench(_bench["missing/backups"]);

        Assert.Equal(ErrorCodes.RepositoryNotFound, (await bench.BackupFailsAsync(Workbench.Sqlite(_database))).Code);
        Assert.False(Directory.Exists(_bench["missing"]));
    }

    [Fact]
    public async Task A_file_in_place_of_the_repository_is_refused_and_kept()
    {
        File.WriteAllText(_bench.RepositoryPath, "mine");

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.BackUpAsync(_database));

        Assert.Equal(ErrorCodes.RepositoryNotWritable, failure.Code);
        Assert.Equal("mine", File.ReadAllText(_bench.RepositoryPath));
    }

    [Fact]
    public async Task A_folder_without_a_manifest_is_no_backup()
    {
        Backup backup = await _bench.BackUpAsync(_database);
        File.Delete(Path.Join(backup.Location, "backup.json"));
        Directory.CreateDirectory(Path.Join(_bench.RepositoryPath, "lost+found"));
        File.WriteAllText(Path.Join(_bench.RepositoryPath, "notes.txt"), "x");

        Assert.Empty(await _bench.ListAsync());
    }

    private static string Spoil(string content, string manifest)
    {
        JsonNode json = JsonNode.Parse(manifest)!;
        switch (content)
        {
            case "Source": json["source"] = null; break;
            case "Payloads[0]": json["payloads"]![0] = null; break;
            case "Fingerprint.Tables[0]": json["details"]!["payloads"]![0]!["fingerprint"]!["tables"]![0] = null; break;
            case "Huge": json["payloads"]![0]!["storedSize"] = long.MaxValue; break;
            case "Infinite": json["durationSeconds"] = 1e300; break;
            case "Escape FileName":
                json["payloads"]![0]!["fileName"] = "../../secret";
                json["details"]!["payloads"]![0]!["fileName"] = "../../secret";
                break;
            case "Details": json["details"]!["payloads"]![0]!["fileName"] = "another"; break;
            case "Escape RestoreName": json["details"]!["payloads"]![0]!["restoreName"] = ".."; break;
            case "Escape Within": json["details"]!["payloads"]![0]!["within"] = "uploads/../../x"; break;
            default: return content;
        }

        return json.ToJsonString();
    }
}
