using DbBackup.Engine.Repository;
using DbBackup.Upgrades;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Upgrades.Containers;

/// <summary>Upgrades of the PostgreSQL server of a compose project to another major version, into a new volume.</summary>
[Trait("Category", "Docker")]
[Trait("Category", "Kill")]
public sealed class MajorVersionUpgradeTests
{
    public static TheoryData<int, int> Versions => Sampling.Complete ? new() { { 15, 17 }, { 15, 18 }, { 17, 18 } } : new() { { 15, 18 } };

    [Theory]
    [Trait("Compose", "1")]
    [MemberData(nameof(Versions))]
    public async Task Server_is_rehearsed_loaded_and_compared_and_the_old_one_comes_back_on_its_volume(int from, int to)
    {
        using var bench = new MajorVersionBench(from, to);
        bench.AddExtensions();
        (string facts, string extensions, string files) = (bench.Facts, bench.ExtensionFacts, bench.Files);
        bool changesFiles = from == 15 && to == 18;
        UpgradeRequest request = bench.Request("SELECT count(*) = 500 FROM people", bench.Shop.Url + "/health") with { UpdateComposeFile = changesFiles };
        UpgradePlan plan = await UpgradeService.PlanAsync(request, bench.Shop.Files.Repository, CancellationToken.None);
        Assert.Contains($"+    image: {DockerImages.OfMajor(to)}", plan.ToString(), StringComparison.Ordinal);
        Assert.Equal(files, bench.Files);
        UpgradeResult result = await bench.Shop.RunAsync(request);
        bench.AssertUpgraded(result, facts);
        Assert.Equal(extensions, bench.ExtensionFacts);
        if (changesFiles)
        {
            Assert.NotEqual(files, bench.Files);
            // Nothing is left for compose to do but to take its own containers in the place of these.
            bench.Shop.Engine.Compose(bench.Shop.Folder, "up", "-d");
            bench.Shop.Engine.WaitUntilPostgreSqlAnswers(bench.Server);
            bench.AssertUpgraded(result, facts);
        }
        else
        {
            Assert.Equal(files, bench.Files);
            Assert.Contains(bench.Shop.Files.Observer.Warnings, warning => warning.Contains($"+    image: {DockerImages.OfMajor(to)}", StringComparison.Ordinal));
        }

        Assert.All(result.Steps, step => Assert.Equal(UpgradeStepState.Done, step.State));
        Assert.StartsWith($"PostgreSQL {from}", result.FromRevision, StringComparison.Ordinal);
        Assert.StartsWith($"PostgreSQL {to}", result.ToRevision, StringComparison.Ordinal);
        Assert.Equal(bench.AllVolumes, bench.Volumes);

        bench.Shop.Query("INSERT INTO orders (note) VALUES ('after')");
        UpgradeResult undone = await bench.UndoAsync(result.Id);
        Assert.Equal(UpgradeState.RolledBack, undone.State);
        Assert.Equal(files, bench.Files);
        bench.AssertAsBefore(facts);
        Assert.Equal(extensions, bench.ExtensionFacts);
        Assert.Contains(bench.Shop.Files.Observer.Warnings, warning => warning.Contains("1 in 'shop'", StringComparison.Ordinal) && warning.Contains(bench.NewVolume, StringComparison.Ordinal));
        // With what was written there.
        Assert.Equal(bench.AllVolumes, bench.Volumes);
    }

    [Fact]
    public async Task What_the_new_version_lacks_or_refuses_is_found_before_anything_stops()
    {
        using var bench = new MajorVersionBench(15, 17);
        // A column that version 17 has not any more.
        bench.Shop.Query("CREATE VIEW written AS SELECT buffers_backend FROM pg_stat_bgwriter");
        (string facts, string started, string application) = (bench.Facts, bench.Started, bench.ApplicationStarted);
        UpgradeResult refused = await bench.Shop.RunAsync(bench.Request());
        Assert.Equal((UpgradeState.RolledBack, UpgradeStepState.Failed), (refused.State, UpgradeBench.StateOf(refused, "Rehearsal")));
        Assert.Contains("buffers_backend", refused.Failure, StringComparison.Ordinal);
        bench.Shop.Query("DROP VIEW written");

        string lacking = bench.ImageWithout("citext");
        UpgradeRequest request = bench.Request() with { Subject = bench.Subject with { Image = lacking } };
        UpgradeResult rehearsed = await bench.Shop.RunAsync(request);
        Assert.Equal((UpgradeState.RolledBack, UpgradeStepState.Failed), (rehearsed.State, UpgradeBench.StateOf(rehearsed, "Rehearsal")));
        Assert.Contains("citext", rehearsed.Failure, StringComparison.Ordinal);
        UpgradeResult looked = await bench.Shop.RunAsync(request with { NoRehearsal = true });
        Assert.Equal((UpgradeState.RolledBack, UpgradeStepState.Failed), (looked.State, UpgradeBench.StateOf(looked, "Version")));
        Assert.Contains("citext", looked.Failure, StringComparison.Ordinal);

        Assert.Equal((started, application), (bench.Started, bench.ApplicationStarted));
        bench.AssertAsBefore(facts);
        Assert.Equal(bench.OldVolumes, bench.Volumes);
    }

    [Fact]
    public async Task What_no_dump_has_is_refused()
    {
        using var bench = new MajorVersionBench(15, 17);
        string started = bench.Started;
        foreach ((string make, string drop, string word) in new[]
        {
            ("SELECT pg_create_physical_replication_slot('standby_one')", "SELECT pg_drop_replication_slot('standby_one')", "standby_one"),
            ("CREATE DATABASE closed ALLOW_CONNECTIONS false", "DROP DATABASE closed", "closed"),
            ("ALTER SYSTEM SET max_wal_size = '2GB'", "SELECT 1", string.Empty),
        })
        {
            bench.Shop.Query(make);
            if (word.Length > 0)
            {
                BackupException refused = await Assert.ThrowsAnyAsync<BackupException>(() => UpgradeService.PlanAsync(bench.Request(), bench.Shop.Files.Repository, CancellationToken.None));
                Assert.Contains(word, refused.Message, StringComparison.Ordinal);
            }

            bench.Shop.Query(drop);
        }

        bench.Shop.Engine.Exec(bench.Server, "sh", "-c", "mkdir /srv/here; chown postgres: /srv/here");
        bench.Shop.Query("CREATE TABLESPACE here LOCATION '/srv/here'");
        BackupException outside = await Assert.ThrowsAnyAsync<BackupException>(() => UpgradeService.PlanAsync(bench.Request(), bench.Shop.Files.Repository, CancellationToken.None));
        Assert.Contains("'here' is in no volume", outside.Message, StringComparison.Ordinal);
        bench.Shop.Query("DROP TABLESPACE here");
        bench.Shop.Engine.Exec(bench.Server, "sh", "-c", "mkdir /srv/space/photos");
        BackupException shared = await Assert.ThrowsAnyAsync<BackupException>(() => UpgradeService.PlanAsync(bench.Request(), bench.Shop.Files.Repository, CancellationToken.None));
        Assert.Contains("something else too: photos", shared.Message, StringComparison.Ordinal);
        bench.Shop.Engine.Exec(bench.Server, "rmdir", "/srv/space/photos");

        // Lines that are not to be changed by themselves: found before anything stops.
        string files = bench.Files;
        File.WriteAllText(bench.File, files.Replace($"image: {DockerImages.OfMajor(15)}", $"image: ${{PG_IMAGE:-{DockerImages.OfMajor(15)}}}", StringComparison.Ordinal));
        Assert.NotEqual(files, bench.Files);
        BackupException variable = await Assert.ThrowsAnyAsync<BackupException>(() => UpgradeService.PlanAsync(bench.Request() with { UpdateComposeFile = true }, bench.Shop.Files.Repository, CancellationToken.None));
        Assert.Contains("variable", variable.Message, StringComparison.Ordinal);
        File.WriteAllText(bench.File, files);
        BackupException other = await Assert.ThrowsAnyAsync<BackupException>(() => UpgradeService.PlanAsync(bench.Shop.Request() with { UpdateComposeFile = true }, bench.Shop.Files.Repository, CancellationToken.None));
        Assert.Equal(ErrorCodes.InvalidArgument, other.Code);

        UpgradePlan plan = await UpgradeService.PlanAsync(bench.Request(), bench.Shop.Files.Repository, CancellationToken.None);
        Assert.Contains(bench.NewVolume, plan.ToString(), StringComparison.Ordinal);
        BackupException same = await Assert.ThrowsAnyAsync<BackupException>(() => UpgradeService.PlanAsync(bench.Request() with { Subject = bench.Subject with { Image = DockerImages.OfMajor(15) } }, bench.Shop.Files.Repository, CancellationToken.None));
        Assert.Equal(ErrorCodes.InvalidArgument, same.Code);
        Assert.Equal(started, bench.Started);
        Assert.Equal(bench.OldVolumes, bench.Volumes);
    }

    [Fact]
    public async Task Failures_after_the_stop_give_back_the_old_server()
    {
        using var bench = new MajorVersionBench(15, 17);
        string facts = bench.Facts;
        // A load that fails, without a rehearsal that would have found it.
        bench.Shop.Query("CREATE VIEW written AS SELECT buffers_backend FROM pg_stat_bgwriter");
        UpgradeResult loading = await bench.Shop.RunAsync(bench.Request() with { NoRehearsal = true });
        Assert.Equal((UpgradeState.RolledBack, UpgradeStepState.Failed), (loading.State, UpgradeBench.StateOf(loading, "Migration")));
        bench.AssertAsBefore(facts);
        Assert.Equal(bench.OldVolumes, bench.Volumes);
        bench.Shop.Query("DROP VIEW written");

        using (var disk = new SmallDisk(40))
        {
            var observer = new StepObserver(("Backup", () => disk.FillBut(4096)));
            UpgradeResult full = await bench.Shop.Service.RunAsync(bench.Request() with { NoRehearsal = true }, BackupRepository.At(disk.Path), observer, CancellationToken.None);
            Assert.Equal((UpgradeState.RolledBack, UpgradeStepState.Failed), (full.State, UpgradeBench.StateOf(full, "Backup")));
            bench.AssertAsBefore(facts);
        }

        // The application does not do on the new server what it should.
        UpgradeResult unhealthy = await bench.Shop.RunAsync(bench.Request("SELECT current_setting('server_version_num')::int < 160000") with { NoRehearsal = true });
        Assert.Equal((UpgradeState.RolledBack, UpgradeStepState.Failed), (unhealthy.State, UpgradeBench.StateOf(unhealthy, "Check")));
        bench.AssertAsBefore(facts);
    }

    [Fact]
    public async Task Server_of_a_single_container_is_upgraded_and_comes_back()
    {
        DockerEngine engine = DockerEngine.Require();
        using var files = new Workbench();
        using (engine)
        {
            (string name, string volume) = (engine.NewName("server"), engine.CreateVolume("data"));
            engine.Docker("run", "-d", "--name", name, "-v", volume + ":/var/lib/postgresql/data", "-e", "POSTGRES_PASSWORD=secret", "--restart", "unless-stopped", DockerImages.OfMajor(17), "-c", "fsync=off");
            engine.WaitUntilPostgreSqlAnswers(name);
            engine.Query(name, "CREATE TABLE kept AS SELECT i FROM generate_series(1, 1000) i; ALTER ROLE postgres PASSWORD 'changed since'");
            string password = engine.Query(name, "SELECT rolpassword FROM pg_authid WHERE rolname = 'postgres'");
            var service = new UpgradeService(files["journals"]);
            var request = new UpgradeRequest
            {
                Subject = new UpgradeSubject.Container(name) { Image = DockerImages.OfMajor(18) },
                Checks = ["SELECT count(*) = 1000 FROM kept"],
                NoRehearsal = true,
                SettleTime = TimeSpan.FromSeconds(1),
                Timeout = TimeSpan.FromMinutes(2),
            };
            UpgradeResult result = await service.RunAsync(request, files.Repository, files.Observer, CancellationToken.None);
            Assert.True(result.State == UpgradeState.Succeeded, $"{result.State}: {result.Failure}\n{string.Join('\n', result.Steps)}");
            Assert.Equal("18|1000", engine.Query(name, "SELECT current_setting('server_version_num')::int / 10000, count(*) FROM kept"));
            Assert.Equal(password, engine.Query(name, "SELECT rolpassword FROM pg_authid WHERE rolname = 'postgres'"));
            Assert.Equal($"{volume}-18 /var/lib/postgresql unless-stopped", engine.Inspect(name, "{{range .Mounts}}{{.Name}} {{.Destination}}{{end}} {{.HostConfig.RestartPolicy.Name}}"));

            await service.UndoAsync(result.Id, null, new DbBackup.Engine.Encryption.KeyRing(), files.Observer, CancellationToken.None);
            Assert.Equal("17|1000", engine.Query(name, "SELECT current_setting('server_version_num')::int / 10000, count(*) FROM kept"));
            Assert.Equal($"{volume} /var/lib/postgresql/data", engine.Inspect(name, "{{range .Mounts}}{{.Name}} {{.Destination}}{{end}}"));

            // What the rollback has kept is removed, once no container is in the way.
            string reader = engine.NewName("reader");
            engine.Docker("create", "--name", reader, "-v", $"{volume}-18:/new", DockerImages.App);
            BackupException used = await Assert.ThrowsAnyAsync<BackupException>(() => service.RemoveAsync(result.Id, files.Observer, CancellationToken.None));
            Assert.Equal(ErrorCodes.TargetInUse, used.Code);
            Assert.Contains($"'{volume}-18'", used.Message, StringComparison.Ordinal);
            Assert.Contains($"'{reader}'", used.Message, StringComparison.Ordinal);
            Assert.Single(service.List());
            Assert.Equal([volume, $"{volume}-18"], Volumes());
            engine.Docker("rm", reader);
            await service.RemoveAsync(result.Id, files.Observer, CancellationToken.None);
            Assert.Empty(service.List());
            Assert.Equal([volume], Volumes());

            // A success loses the old server's volume and image, and the new server goes on.
            UpgradeResult again = await service.RunAsync(request, files.Repository, files.Observer, CancellationToken.None);
            Assert.True(again.State == UpgradeState.Succeeded, $"{again.State}: {again.Failure}\n{string.Join('\n', again.Steps)}");
            Assert.Equal([volume], Assert.Single(UpgradeJournal.List(files["journals"])).Deployment!.OldVolumes.Keys);
            UpgradeRemains kept = await service.FindRemainsAsync(again.Id, [], CancellationToken.None);
            Assert.Equal([volume], kept.Volumes);
            Assert.Equal(kept.Images, Kept());
            Assert.Single(kept.Images);
            await service.RemoveAsync(again.Id, files.Observer, CancellationToken.None);
            Assert.Empty(service.List());
            Assert.Empty(Kept());
            Assert.Equal([$"{volume}-18"], Volumes());
            Assert.Equal("18|1000", engine.Query(name, "SELECT current_setting('server_version_num')::int / 10000, count(*) FROM kept"));

            string[] Volumes() => [.. engine.Docker("volume", "ls", "-q").Split('\n').Where(each => each.StartsWith(volume, StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
            string[] Kept() => [.. engine.Docker("images", "--format", "{{.Repository}}:{{.Tag}}").Split('\n').Where(each => each.Contains(name, StringComparison.Ordinal))];
        }
    }
}
