using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Restores;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Restores.PostgreSql;

/// <summary>A server's database and a folder beside it are restored and undone together, or not at all, whatever ends the restore.</summary>
[Trait("Category", "PostgreSql")]
public sealed class ServerAndFilesTests(OwnPostgreSqlServer own) : IClassFixture<OwnPostgreSqlServer>
{
    [Fact]
    public async Task Folder_has_its_previous_state_again_if_the_database_cannot_be_renamed()
    {
        using var bench = new PostgreSqlBench(own.Server);
        Backup backup = await PrepareAsync(bench);
        string present = Change(bench, 1);
        // A work database that somebody renames away gets no other name any more.
        bench.Observer.At = step =>
        {
            if (step.StartsWith("putting " + bench.Database.Name, StringComparison.Ordinal))
                own.Server.Execute("postgres", $"ALTER DATABASE {bench.WorkDatabases()} RENAME TO stolen");
        };

        await Assert.ThrowsAnyAsync<BackupException>(() => bench.RestoreAsync(bench.Request(backup)));

        own.Server.Execute("postgres", "DROP DATABASE stolen");
        Assert.Equal(present, State(bench));
        Assert.DoesNotContain(await bench.Files.ListAsync(), entry => entry.Manifest!.Kept is not null);
        bench.Files.AssertNoLeftovers();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Undo_gives_both_back_and_undoing_that_too(bool inPlace)
    {
        using var bench = new PostgreSqlBench(own.Server);
        Backup backup = await PrepareAsync(bench);
        string wanted = State(bench);
        string present = Change(bench, 1);
        RestoreResult restored = await bench.RestoreAsync(bench.Request(backup) with { InPlace = inPlace });
        Assert.Equal(wanted, State(bench));
        Assert.NotNull(restored.RestoreId);

        await bench.Files.UndoAsync(backup.Source, request => request with { Connection = bench.Superuser });
        Assert.Equal(present, State(bench));

        await bench.Files.UndoAsync(backup.Source, request => request with { Connection = bench.Superuser });
        Assert.Equal(wanted, State(bench));
        Assert.Equal(inPlace ? 0 : 1, bench.KeptDatabases().Length);
        bench.AssertNothingLeftOnServer();
        bench.Files.AssertNoLeftovers();
    }

    [Fact]
    [Trait("Category", "Kill")]
    public async Task Restore_killed_at_any_report_leaves_both_old_or_both_new()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no kill -9.");
        using var bench = new PostgreSqlBench(own.Server);
        Backup backup = await PrepareAsync(bench);
        string wanted = State(bench);
        string present = string.Empty;
        (int ExitCode, string Output) Run(string killAt)
        {
            present = Change(bench, int.Parse(killAt, System.Globalization.CultureInfo.InvariantCulture));
            return OtherProcess.Run(bench.Environment, OtherProcess.Command("pgrestore", bench.Files.RepositoryPath, backup.Source, backup.Name, killAt, "beside"));
        }

        (int exit, string output) = Run("0");
        Assert.True(exit == 0, output);
        Assert.Equal(wanted, State(bench));
        int undone = 0;
        int finished = 0;
        int reports = KillPoints.CountReports(output);
        // The swaps are near the end: each of the reports there, and some of those before.
        int[] points = [.. KillPoints.Of(reports, sampleSize: 2).Concat(Enumerable.Range(reports - 6, 7)).Distinct().Order()];
        await KillPoints.KillAtEachAsync(points, Run, async (report, told) =>
        {
            bench.Observer.Warnings.Clear();
            await RestoreRecovery.RunAsync([Folder(bench)], bench.Superuser, bench.Observer, CancellationToken.None);
            undone += bench.Observer.Warnings.Any(warning => warning.Contains("has been undone", StringComparison.Ordinal)) ? 1 : 0;
            finished += bench.Observer.Warnings.Any(warning => warning.Contains("has been completed", StringComparison.Ordinal)) ? 1 : 0;
            string state = State(bench);
            Assert.True(state == present || state == wanted, $"Killed at report {report}: '{state[^80..]}', {told}");
            bench.Files.AssertNoLeftovers();
        });

        // The kills between the two swaps, and right after the second, must have been among them.
        Assert.True(undone > 0, "No kill came between the swaps.");
        Assert.True(finished > 0, "No kill came after the swaps.");
        (exit, output) = Run("0");
        Assert.True(exit == 0, output);
        Assert.Equal(wanted, State(bench));
        bench.AssertNothingLeftOnServer();
    }

    private static string Folder(PostgreSqlBench bench) => bench.Files["uploads"];

    private static async Task<Backup> PrepareAsync(PostgreSqlBench bench)
    {
        bench.CreateNotes();
        Directory.CreateDirectory(Folder(bench));
        File.WriteAllText(Path.Join(Folder(bench), "photo.txt"), "wanted");
        return await bench.Files.BackUpAsync(new BackupRequest { Sources = [bench.Source(), new FolderSource(Folder(bench))] });
    }

    private static string Change(PostgreSqlBench bench, int round)
    {
        bench.Database.Execute($"INSERT INTO authors (name) VALUES ('present {round}')");
        File.WriteAllText(Path.Join(Folder(bench), "photo.txt"), $"present {round}");
        return State(bench);
    }

    private static string State(PostgreSqlBench bench) => bench.Database.Dump() + "|" + File.ReadAllText(Path.Join(Folder(bench), "photo.txt"));
}
