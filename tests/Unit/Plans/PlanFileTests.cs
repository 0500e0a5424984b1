using DbBackup.Engine.Plans.Definitions;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Plans;

public sealed class PlanFileTests : IDisposable
{
    private static readonly BackupPlan s_full = new()
    {
        Name = "nightly",
        Description = "all of it",
        Backup =
        [
            new([new("Path", "/srv/app.db"), new("AdditionalPath", (object[])["/srv/uploads", "/srv/keys"]), new("Verify", true), new("Jobs", 4)]),
            new([new("HostName", "db1"), new("Credential", new PlanParameterDictionary([new("Username", "backup"), new("Password", "env:SHOP")]))]),
        ],
        Repository = "/srv/backups",
        CopyTo = [new PlanCopy { Repository = "/mnt/usb" }, new PlanCopy { Repository = "s3://backups/shop", Retention = "30d,12m" }],
        Retention = "7d,4w,12m",
        TestEvery = TimeSpan.FromDays(1),
        RestoreTestEvery = TimeSpan.FromHours(36),
        Schedule = ["0 2 * * *", "30 14 * * 1-5"],
        TimeZone = "Europe/Berlin",
        Rpo = TimeSpan.FromMinutes(90),
        BeforeCommand = "echo before",
        AfterCommand = "echo after",
        FailureCommand = "echo failed",
        Notify =
        [
            new WebhookNotification { Url = "env:HOOK", On = PlanEvents.Success | PlanEvents.Failure },
            new PingNotification { Url = "https://ping.example.org/1" },
            new MailNotification { To = ["ops@example.org"], Server = "smtp.example.org", Username = "ops", Password = "file:/run/secrets/smtp" },
        ],
        MetricsPath = "/var/lib/metrics/backup.prom",
        HealthPath = "/srv/health.json",
    };

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private PlanStore Store => new(new PlanFolders(PlanScope.User, _folder["plans"], _folder["runs"]));

    [Fact]
    public void All_that_a_plan_says_is_read_back()
    {
        BackupPlan written = Store.Write(s_full, replace: false);
        BackupPlan read = Store.Find("NIGHTLY")!;

        Assert.Equal(PlanJson.Write(s_full), PlanJson.Write(written));
        Assert.Equal(PlanJson.Write(s_full), PlanJson.Write(read));
        Assert.Equal(4, read.Backup[0]["jobs"]);
        Assert.Equal("env:SHOP", ((PlanParameterDictionary)read.Backup[1]["Credential"]!)["Password"]);
        Assert.Equal(s_full.Notify, read.Notify.Select((each, index) => each is MailNotification ? s_full.Notify[index] : each));
        Assert.Equal(["ops@example.org"], ((MailNotification)read.Notify[2]).To);
    }

    [Fact]
    public void Yaml_that_a_person_wrote_is_the_same_plan()
    {
        Directory.CreateDirectory(_folder["plans"]);
        File.WriteAllText(_folder["plans/nightly.yaml"], """
            # every night
            description: all of it
            backup:
              - Path: /srv/app.db
                AdditionalPath: [/srv/uploads, /srv/keys]
                Verify: true
                Jobs: 4
              - HostName: db1
                Credential: { Username: backup, Password: env:SHOP }
            repository: /srv/backups
            copyTo: [/mnt/usb, { repository: 's3://backups/shop', retention: '30d,12m' }]
            retention: 7d,4w,12m
            testEvery: 1d
            restoreTestEvery: 36h
            schedule: ['0 2 * * *', '30 14 * * 1-5']
            timeZone: Europe/Berlin
            rpo: 90m
            beforeCommand: echo before
            afterCommand: echo after
            failureCommand: echo failed
            notify:
              - { type: webhook, url: env:HOOK, on: 'Success, Failure' }
              - { type: ping, url: 'https://ping.example.org/1' }
              - { type: mail, to: [ops@example.org], server: smtp.example.org, username: ops, password: file:/run/secrets/smtp }
            metricsPath: /var/lib/metrics/backup.prom
            healthPath: /srv/health.json
            """);

        Assert.Equal(PlanJson.Write(s_full), PlanJson.Write(Store.Find("nightly")!));
    }

    [Theory]
    [InlineData("""{ "backup": [ { "Path": "/a" } ], "retenton": "7d" }""", "retenton")]
    [InlineData("""{ "backup": [] }""", "nothing to back up")]
    [InlineData("""{ "backup": [ "/a" ] }""", "no table")]
    [InlineData("""{ "backup": { "Path": "/a", "path": "/b" } }""", "twice")]
    [InlineData("""{ "name": "other", "backup": { "Path": "/a" } }""", "other")]
    [InlineData("""{ "backup": { "Path": "/a" }, "rpo": 7 }""", "unit")]
    [InlineData("""{ "backup": { "Path": "/a" }, "notify": { "type": "pigeon" } }""", "pigeon")]
    [InlineData("""{ "version": 2, "backup": { "Path": "/a" } }""", "format 2")]
    [InlineData("""{ "backup": """, "")]
    [InlineData("null", "")]
    public void What_is_no_plan_is_one_error_that_names_the_reason(string json, string reason)
    {
        Directory.CreateDirectory(_folder["plans"]);
        File.WriteAllText(_folder["plans/broken.json"], json);

        PlanFile file = Assert.Single(Store.List());
        Assert.Null(file.Plan);
        Assert.Equal(ErrorCodes.PlanInvalid, file.Problem!.Code);
        ErrorAssert.Sound(file.Problem);
        Assert.Contains(reason, file.Problem.Message, StringComparison.Ordinal);
        Assert.Contains("broken.json", file.Problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_broken_plan_hides_no_other()
    {
        Store.Write(s_full, replace: false);
        File.WriteAllText(_folder["plans/broken.yaml"], "a: [");

        Assert.Equal(["broken", "nightly"], Store.List().Select(file => file.Name));
        Assert.NotNull(Store.Find("nightly"));
    }

    [Fact]
    public void Yaml_whose_anchors_multiply_is_refused()
    {
        Directory.CreateDirectory(_folder["plans"]);
        string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + string.Concat(Enumerable.Range(1, 9).Select(i => $"a{i}: &a{i} [{string.Join(", ", Enumerable.Repeat($"*a{i - 1}", 10))}]\n"));
        File.WriteAllText(_folder["plans/bomb.yaml"], bomb);

        Assert.Contains("too large", Assert.Single(Store.List()).Problem!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_plan_that_exists_is_replaced_only_when_asked()
    {
        Store.Write(s_full, replace: false);

        Assert.Equal(ErrorCodes.PlanExists, Assert.Throws<BackupFailure>(() => Store.Write(s_full with { Name = "Nightly" }, replace: false)).Code);
        Store.Write(s_full with { Description = "new" }, replace: true);
        Assert.Equal("new", Store.Find("nightly")!.Description);
        Assert.Equal(["nightly.json"], Directory.GetFiles(_folder["plans"]).Select(Path.GetFileName));
    }

    [Fact]
    public void Yaml_with_a_persons_notes_is_not_rewritten()
    {
        Directory.CreateDirectory(_folder["plans"]);
        File.WriteAllText(_folder["plans/nightly.yml"], "# a note\nbackup: { Path: /a }\n");

        Assert.Equal(ErrorCodes.PlanInvalid, Assert.Throws<BackupFailure>(() => Store.Write(s_full, replace: true)).Code);
        Assert.StartsWith("# a note", File.ReadAllText(_folder["plans/nightly.yml"]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_plan_that_others_may_write_is_not_believed_unless_a_person_names_its_file()
    {
        if (OperatingSystem.IsWindows())
            return;
        string path = Store.Write(s_full, replace: false).Path!;
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupWrite);

        BackupException refused = Assert.ThrowsAny<BackupException>(() => Store.Find("nightly"));
        Assert.Equal(ErrorCodes.PlanInvalid, refused.Code);
        Assert.Contains("other users may write it", refused.Message, StringComparison.Ordinal);
        Assert.Equal("nightly", Store.Read(path, explicitly: true).Name);
    }

    [Fact]
    public void A_plan_is_written_for_its_owner_alone()
    {
        if (OperatingSystem.IsWindows())
            return;
        string path = Store.Write(s_full, replace: false).Path!;

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
    }
}
