using System.Text.Json;
using DbBackup.Engine.Platform;
using DbBackup.Testing;
using DbBackup.Tests.Unit.Docker.Api;
using DbBackup.Upgrades;
using DbBackup.Upgrades.Deployments;

namespace DbBackup.Tests.Unit.Upgrades;

/// <summary>Remove-DbUpgrade removes what an ended upgrade has kept and nothing else, and nothing at all if something is in the way.</summary>
public sealed class UpgradeRemovalTests : IDisposable
{
    private const string Stamp = "20261129T224749Z";
    private const string Id = Stamp + "-shop";
    private const string Tag = "dbbackup-kept:compose.shop.db." + Stamp;
    private const string OtherTag = "dbbackup-kept:compose.shop.db.20261130T000000Z";
    private const string Created = "2026-01-02T03:04:05Z";
    private static readonly DateTimeOffset s_started = new(2026, 11, 29, 22, 47, 49, TimeSpan.Zero);

    private readonly TempFolder _folder = new();
    private readonly FakeDockerEngine _engine;
    private readonly List<string> _said = [];

    // What the engine has.
    private string _containers = Container("c1", "shop-db-1", "data-18", "sha256:new");
    private readonly List<string> _volumes = [Volume("data"), Volume("data-18", label: Id)];
    private string _images = Image("sha256:old", Tag) + "," + Image("sha256:new", "postgres:18") + "," + Image("sha256:older", OtherTag);
    private bool _failsAtImages;

    public UpgradeRemovalTests() => _engine = new FakeDockerEngine("1.41", Answer);

    private UpgradeService Service => new(_folder.Path);

    private IEnumerable<string> Deleted => _engine.Requests.Where(request => request.StartsWith("DELETE", StringComparison.Ordinal)).Select(request => Uri.UnescapeDataString(request.Split(' ')[1].Split('?')[0])["/v1.41/".Length..]);

    public void Dispose()
    {
        _engine.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_success_loses_its_old_volume_its_own_tag_and_its_journal_in_this_order()
    {
        Plant(OfServer());
        UpgradeRemains remains = await Service.FindRemainsAsync(Id, [], CancellationToken.None);
        Assert.Equal(["data"], remains.Volumes);
        Assert.Equal([Tag], remains.Images);
        Assert.Empty(Deleted);
        Assert.Single(Service.List());

        await RemoveAsync();

        Assert.Equal(["volumes/data", "images/" + Tag], Deleted);
        Assert.Empty(Service.List());
        Assert.Equal(["Removed volume 'data'.", $"Removed image tag '{Tag}'.", $"Removed the journal of upgrade {Id}.", "Backup shop/one stays in '/mnt/backups'."], _said);
        Assert.Equal(ErrorCodes.UpgradeNotFound, (await RefusedAsync()).Code);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Volumes_of_tablespaces_go_too_and_one_that_is_used_keeps_all(bool isUsed)
    {
        UpgradeRecord record = OfServer();
        var moved = new UpgradeSubject.MovedVolume(new UpgradeSubject.ServerVolume("fast", "/fast"), new UpgradeSubject.ServerVolume("fast-18", "/fast"));
        Plant(record with { Request = record.Request with { Subject = (UpgradeSubject.MajorVersion)record.Request.Subject with { Tablespaces = [moved] } } });
        _volumes.Add(Volume("fast"));
        _volumes.Add(Volume("fast-18", label: Id));
        if (isUsed)
        {
            _containers += "," + Container("c2", "reader", "fast", "sha256:tools");
            Assert.Contains("'fast'", (await RefusedAsync()).Message, StringComparison.Ordinal);
            Assert.Empty(Deleted);
            return;
        }

        await RemoveAsync();
        Assert.Equal(["volumes/data", "volumes/fast", "images/" + Tag], Deleted);
    }

    [Theory]
    [InlineData(Id, true)]
    [InlineData("20261130T000000Z-shop", false)]
    [InlineData(null, false)]
    public async Task A_rollback_loses_the_new_volume_if_it_is_its_own_and_never_the_old_one(string? label, bool isRemoved)
    {
        Plant(OfServer() with { State = UpgradeState.RolledBack });
        _containers = Container("c1", "shop-db-1", "data", "sha256:old");
        _volumes[1] = Volume("data-18", label: label);
        await RemoveAsync();
        Assert.Equal(isRemoved ? ["volumes/data-18"] : [], Deleted.Where(each => each.StartsWith("volumes", StringComparison.Ordinal)));
        Assert.Empty(Service.List());
    }

    [Theory]
    [InlineData("used")]
    [InlineData("used by a stopped one")]
    [InlineData("used after a rollback")]
    [InlineData("created again")]
    [InlineData("without a time")]
    public async Task A_volume_that_is_used_or_another_one_is_refused_and_nothing_is_removed(string kind)
    {
        Plant(kind == "used after a rollback" ? OfServer() with { State = UpgradeState.RolledBack } : OfServer());
        string volume = kind == "used after a rollback" ? "data-18" : "data";
        switch (kind)
        {
            case "used":
            case "used by a stopped one":
                _containers += "," + Container("c2", "reader", "data", "sha256:tools", kind == "used" ? "running" : "exited");
                break;
            case "created again":
                _volumes[0] = Volume("data", "2026-12-01T00:00:00Z");
                break;
            case "without a time":
                _volumes[0] = Volume("data", string.Empty);
                break;
        }

        BackupException planned = await Assert.ThrowsAnyAsync<BackupException>(() => Service.FindRemainsAsync(Id, [], CancellationToken.None));
        BackupException refused = await RefusedAsync();
        Assert.Equal(planned.Message, refused.Message);
        Assert.Contains($"'{volume}'", refused.Message, StringComparison.Ordinal);
        Assert.NotNull(refused.Hint);
        if (kind.StartsWith("used", StringComparison.Ordinal))
            Assert.Contains(kind == "used after a rollback" ? "'shop-db-1'" : "'reader'", refused.Message, StringComparison.Ordinal);
        Assert.Empty(Deleted);
        Assert.Single(Service.List());
    }

    [Fact]
    public async Task What_is_gone_already_is_no_matter()
    {
        Plant(OfServer());
        _volumes.Clear();
        _images = Image("sha256:new", "postgres:18");
        await RemoveAsync();
        Assert.Empty(Deleted);
        Assert.Empty(Service.List());
    }

    [Fact]
    public async Task A_removal_that_was_cut_off_is_repeated()
    {
        Plant(OfServer());
        _failsAtImages = true;
        Assert.Equal(ErrorCodes.ServerUnreachable, (await RefusedAsync()).Code);
        Assert.Equal("volumes/data", Assert.Single(Deleted, each => each.StartsWith("volumes", StringComparison.Ordinal)));
        Assert.Single(Service.List());

        _failsAtImages = false;
        _volumes.RemoveAt(0);
        await RemoveAsync();
        Assert.Empty(Service.List());
    }

    [Fact]
    public async Task An_engine_that_cannot_be_reached_is_an_error_and_the_journal_stays()
    {
        Plant(OfServer());
        _engine.Dispose();
        Assert.Equal(ErrorCodes.ServerUnreachable, (await RefusedAsync()).Code);
        Assert.Single(Service.List());
    }

    [Fact]
    public async Task The_last_name_of_an_image_that_a_container_uses_stays()
    {
        Plant(OfServer());
        _containers += "," + Container("c2", "other", "more", "sha256:old", "exited");
        await RemoveAsync();
        Assert.Equal(["volumes/data"], Deleted);

        // With another name the engine lets it go.
        Plant(OfServer());
        _images = Image("sha256:old", Tag, "postgres:15");
        await RemoveAsync();
        Assert.Equal("images/" + Tag, Deleted.Last());
    }

    [Fact]
    public async Task Another_upgrade_of_containers_loses_its_tags_alone()
    {
        Plant(OfServer() with
        {
            Request = new UpgradeRequest { Subject = new UpgradeSubject.ComposeProject("shop") { DockerHost = _engine.Address, DatabaseService = "db" } },
            Deployment = new DeploymentRecord { Images = [new ImageRecord("db", "postgres:15", "sha256:old"), new ImageRecord("web", "web:1", "sha256:web")] },
        });
        await RemoveAsync();
        Assert.Equal(["images/" + Tag], Deleted);
        Assert.Empty(Service.List());
    }

    [Theory]
    [InlineData(UpgradeState.Running, null)]
    [InlineData(UpgradeState.Failed, null)]
    [InlineData(UpgradeState.Succeeded, UpgradeStepState.Running)]
    [InlineData(UpgradeState.Failed, UpgradeStepState.Failed)]
    public async Task An_upgrade_that_has_not_ended_is_refused(UpgradeState state, UpgradeStepState? rollback)
    {
        Plant(OfServer() with { State = state, Steps = rollback is { } step ? [new UpgradeStep { Name = UpgradeSteps.Rollback, State = step }] : [] });
        BackupException refused = await RefusedAsync();
        Assert.Equal((ErrorCodes.UpgradeUnfinished, FailureCategory.Refused), (refused.Code, refused.Category));
        Assert.Contains($"Undo-DbUpgrade {Id}", refused.Hint, StringComparison.Ordinal);
        Assert.Equal(rollback is null, refused.Hint!.Contains("Resume-DbUpgrade", StringComparison.Ordinal));
        Assert.Empty(_engine.Requests);
        Assert.Single(Service.List());
    }

    [Fact]
    public async Task An_upgrade_whose_journal_is_open_is_refused()
    {
        Plant(OfFile("one", 1));
        using (UpgradeJournal.Open(_folder.Path, "one"))
            Assert.Equal(ErrorCodes.UpgradeInProgress, (await RefusedAsync("one")).Code);
        await RemoveAsync("one");
    }

    [Fact]
    public async Task A_newer_upgrade_stays_while_an_older_one_could_be_rolled_back_over_it()
    {
        Plant(OfFile("one", 1));
        Plant(OfFile("two", 2));
        Plant(OfFile("three", 3) with { State = UpgradeState.RolledBack });
        Plant(OfFile("other", 0) with { Target = "/srv/other.db" });
        BackupException refused = await RefusedAsync("two");
        Assert.Equal(ErrorCodes.InvalidArgument, refused.Code);
        Assert.Contains("one", refused.Message, StringComparison.Ordinal);
        Assert.Equal("two", (await Service.FindRemainsAsync("two", ["one", "two"], CancellationToken.None)).Upgrade.Id);

        foreach (string id in (string[])["three", "one", "two"])
            await RemoveAsync(id);
        Assert.Equal(["other"], Service.List().Select(upgrade => upgrade.Id));
        Assert.Empty(_engine.Requests);
    }

    private static string Container(string id, string name, string volume, string image, string state = "running") =>
        $$"""{"Id":"{{id}}","Names":["/{{name}}"],"Image":"x","ImageID":"{{image}}","State":"{{state}}","Status":"","Mounts":[{"Type":"volume","Name":"{{volume}}","Destination":"/var/lib/postgresql/data","RW":true}]}""";

    private static string Volume(string name, string created = Created, string? label = null) =>
        $$"""{"Name":"{{name}}","Driver":"local","Mountpoint":"/x","CreatedAt":"{{created}}","Labels":{{(label is null ? "null" : $"{{\"dbbackup.upgrade\":\"{label}\"}}")}}}""";

    private static string Image(string id, params string[] tags) => $$"""{"Id":"{{id}}","RepoTags":[{{string.Join(',', tags.Select(tag => $"\"{tag}\""))}}]}""";

    private string? Answer(string request) => request.Split(' ') switch
    {
        ["DELETE", var path, ..] when path.Contains("/images/", StringComparison.Ordinal) => _failsAtImages ? null : FakeDockerEngine.Answer(200, "[]"),
        ["DELETE", ..] => FakeDockerEngine.Answer(204, string.Empty),
        [_, var path, ..] when path.EndsWith("/containers/json?all=1", StringComparison.Ordinal) => FakeDockerEngine.Answer(200, $"[{_containers}]"),
        [_, var path, ..] when path.EndsWith("/volumes", StringComparison.Ordinal) => FakeDockerEngine.Answer(200, $$"""{"Volumes":[{{string.Join(',', _volumes)}}]}"""),
        [_, var path, ..] when path.EndsWith("/images/json", StringComparison.Ordinal) => FakeDockerEngine.Answer(200, $"[{_images}]"),
        _ => FakeDockerEngine.Answer(500, """{"message":"not asked for"}"""),
    };

    private Task RemoveAsync(string id = Id) => Service.RemoveAsync(id, new RecordingObserver { At = _said.Add }, CancellationToken.None);

    private Task<BackupException> RefusedAsync(string id = Id) => Assert.ThrowsAnyAsync<BackupException>(() => RemoveAsync(id));

    private void Plant(UpgradeRecord record) => File.WriteAllBytes(_folder[record.Id + ".json"], JsonSerializer.SerializeToUtf8Bytes(record));

    private UpgradeRecord OfServer() => new()
    {
        Id = Id,
        Owner = ProcessIdentity.Current with { ProcessId = 1 << 30 },
        Request = new UpgradeRequest
        {
            Subject = new UpgradeSubject.MajorVersion("shop-db-1", "postgres:18")
            {
                DockerHost = _engine.Address,
                Project = "shop",
                Service = "db",
                From = 15,
                To = 18,
                Old = new UpgradeSubject.ServerVolume("data", "/var/lib/postgresql/data"),
                New = new UpgradeSubject.ServerVolume("data-18", "/var/lib/postgresql"),
            },
        },
        Target = "docker:///compose/shop/db",
        Started = s_started,
        Repository = "/mnt/backups",
        BackupSource = "shop",
        BackupName = "one",
        State = UpgradeState.Succeeded,
        Steps = [],
        Deployment = new DeploymentRecord
        {
            Images = [new ImageRecord("db", "postgres:15", "sha256:old")],
            OldVolumes = new Dictionary<string, DateTimeOffset> { ["data"] = DateTimeOffset.Parse(Created, System.Globalization.CultureInfo.InvariantCulture) },
        },
    };

    private static UpgradeRecord OfFile(string id, int day) => new()
    {
        Id = id,
        Owner = ProcessIdentity.Current with { ProcessId = 1 << 30 },
        Request = new UpgradeRequest { Subject = new UpgradeSubject.SqliteFile("/srv/app.db") },
        Target = "/srv/app.db",
        Started = s_started.AddDays(day),
        Repository = "/mnt/backups",
        State = UpgradeState.Succeeded,
        Steps = [],
    };
}
