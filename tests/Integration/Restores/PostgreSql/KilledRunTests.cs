using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Restores.PostgreSql;

/// <summary>Runs that end as kill -9 ends them: the name always answers with one whole state, and the next run drops what was left.</summary>
[Trait("Category", "PostgreSql")]
[Trait("Category", "Kill")]
public sealed class KilledRunTests(OwnPostgreSqlServer own) : IClassFixture<OwnPostgreSqlServer>
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Restore_killed_at_any_report_leaves_the_old_or_the_new_database(bool inPlace)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no kill -9.");
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        string wanted = bench.Database.Dump();
        Backup backup = await bench.BackUpAsync();
        bench.Migrate();
        string present = string.Empty;
        (int ExitCode, string Output) Run(string killAt)
        {
            bench.Database.Execute($"INSERT INTO authors (name) VALUES ('present {killAt}')");
            present = bench.Database.Dump();
            return OtherProcess.Run(
                bench.Environment, OtherProcess.Command("pgrestore", bench.Files.RepositoryPath, backup.Source, backup.Name, killAt, inPlace ? "inplace" : "beside"));
        }

        (int exit, string output) = Run("0");
        Assert.True(exit == 0, output);
        Assert.Equal(wanted, bench.Database.Dump());
        int reports = KillPoints.CountReports(output);
        Assert.True(reports >= 5, $"It reported only {reports} times.");
        await KillPoints.KillAtEachAsync(KillPoints.Of(reports), Run, async (report, told) =>
        {
            string state = await WhenQuietAsync(bench);
            Assert.True(state == present || state == wanted, $"Killed at report {report}, it is neither the old nor the new database: {told}");
            // What was kept is known to the repository, and what the repository knows is there or says that it is not.
            string[] kept = bench.KeptDatabases();
            IReadOnlyList<Backup> entries = [.. (await bench.Files.ListAsync()).Where(entry => entry.Manifest!.Kept is not null)];
            Assert.All(kept, name => Assert.Contains(entries, entry => entry.Manifest!.Kept!.Location.EndsWith(name, StringComparison.Ordinal)));
        });

        (exit, output) = Run("0");
        Assert.True(exit == 0, output);
        Assert.Equal(wanted, bench.Database.Dump());
        // The last run has dropped what the killed ones had left.
        bench.AssertNothingLeftOnServer();
        foreach (Backup each in (await bench.Files.ListAsync()).Where(each => each.Manifest!.Kept is null))
            Assert.True((await bench.TestAsync(each)).Passed, each.ToString());
        await bench.BackUpAsync();
        bench.Files.AssertNothingStaged();
    }

    [Theory]
    [InlineData(PostgreSqlFormat.Custom)]
    [InlineData(PostgreSqlFormat.Plain)]
    public async Task Restore_in_place_killed_within_its_data_is_undone(PostgreSqlFormat format)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no kill -9.");
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        bench.AddLargeDump(200);
        Backup backup = await bench.BackUpAsync(new PostgreSqlDumpOptions { Format = format }, FingerprintLevel.Rows);
        bench.Database.Execute("TRUNCATE large");
        bench.Migrate();
        string present = bench.Database.Dump();
        using OtherProcess restore = OtherProcess.StartCommand(OtherProcess.Command("pgrestore", bench.Files.RepositoryPath, backup.Source, backup.Name, "0", "inplace"), bench.Environment);
        bench.WaitForCopy(bench.Database.Name, 50_000_000);
        // Its psql lives on, and sees the end of its input.
        restore.Kill();
        Assert.Equal(present, await WhenQuietAsync(bench));
    }

    [Fact]
    public async Task Restore_test_killed_at_any_report_leaves_what_the_next_one_drops()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no kill -9.");
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        Backup backup = await bench.BackUpAsync();
        (int ExitCode, string Output) Run(string killAt) =>
            OtherProcess.Run(bench.Environment, OtherProcess.Command("pgtest", bench.Files.RepositoryPath, backup.Source, backup.Name, killAt));
        (int exit, string output) = Run("0");
        Assert.True(exit == 0, output);
        int left = 0;
        await KillPoints.KillAtEachAsync(KillPoints.Of(KillPoints.CountReports(output)), Run, async (_, _) =>
        {
            left += bench.WorkDatabases().Length > 0 ? 1 : 0;
            await WhenQuietAsync(bench);
        });

        (exit, output) = Run("0");
        Assert.True(exit == 0, output);
        Assert.True(left > 0, "No kill left a scratch database.");
        bench.AssertNothingLeftOnServer();
        await bench.BackUpAsync();
        bench.Files.AssertNothingStaged();
    }

    [Theory]
    [InlineData("Custom")]
    [InlineData("Directory")]
    public async Task Backup_killed_at_any_report_is_not_listed(string format)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no kill -9.");
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        (int ExitCode, string Output) Run(string killAt) =>
            OtherProcess.Run(bench.Environment, OtherProcess.Command("pgbackup", bench.Database.Name, bench.Files.RepositoryPath, format, killAt));
        (int exit, string output) = Run("0");
        Assert.True(exit == 0, output);
        Assert.Single(await bench.Files.ListAsync());
        int listed = 1;
        await KillPoints.KillAtEachAsync(KillPoints.Of(KillPoints.CountReports(output)), Run, async (_, told) =>
        {
            int now = (await bench.Files.ListAsync()).Count;
            Assert.True(now == listed || (now == listed + 1 && told.Contains("Published", StringComparison.Ordinal)), told);
            listed = now;
            await WhenQuietAsync(bench);
        });

        (exit, output) = Run("0");
        Assert.True(exit == 0, output);
        bench.AssertNothingLeftOnServer();
        bench.Files.AssertNothingStaged();
        foreach (Backup each in await bench.Files.ListAsync())
            Assert.True((await bench.TestAsync(each)).Passed, each.ToString());
    }

    // The tools of a killed run, and the server's sessions for them, end a moment later: until then nothing is decided.
    private static async Task<string> WhenQuietAsync(PostgreSqlBench bench)
    {
        for (int attempt = 0; attempt < 200; attempt++)
        {
            if (bench.Server.Query("postgres", "SELECT count(*) FROM pg_stat_activity WHERE application_name IN ('DbBackup', 'pg_dump', 'pg_restore') OR (application_name = 'psql' AND pid <> pg_backend_pid())") == "0")
                break;
            await Task.Delay(50);
        }

        return bench.Database.Dump();
    }
}
