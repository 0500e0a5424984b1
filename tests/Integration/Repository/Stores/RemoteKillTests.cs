using System.Diagnostics;
using System.Globalization;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Retention;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Repository.Stores;

/// <summary>Backups to servers and copies to them that are killed; DBBACKUP_TEST_STORES says at which alone.</summary>
[Trait("Category", "Tool")]
[Trait("Category", "Kill")]
public sealed class RemoteKillTests : RemoteKills
{
    public static TheoryData<string> Kinds() => [.. Environment.GetEnvironmentVariable("DBBACKUP_TEST_STORES") is { Length: > 0 } chosen ? chosen.Split(',') : RemotePlace.Kinds.Except(["rclone"])];

    [Theory]
    [MemberData(nameof(Kinds))]
    public Task An_upload_that_is_killed_is_listed_whole_or_not_at_all_and_the_next_run_leaves_nothing_of_it(string kind) => KillAsync(kind);
}

/// <summary>The same with rclone, whose tests run alone.</summary>
[Trait("Category", "Tool")]
[Trait("Category", "Kill")]
[Collection("rclone")]
public sealed class RcloneKillTests : RemoteKills
{
    [Fact]
    public Task An_upload_that_is_killed_is_listed_whole_or_not_at_all_and_the_next_run_leaves_nothing_of_it() => KillAsync("rclone");
}

/// <summary>
/// Kills processes at random moments of their uploads. DBBACKUP_TEST_KILLS says how many
/// at all servers together, and DBBACKUP_TEST_SEED when.
/// </summary>
public abstract class RemoteKills : IDisposable
{
    private const int UsualKills = 10;
    private const int FullKills = 200;

    // Of a hundred kills: rclone and s3rver take several times as long for each.
    private static readonly Dictionary<string, int> s_shares = new(StringComparer.Ordinal) { ["s3"] = 30, ["s3rver"] = 10, ["azure"] = 25, ["sftp"] = 30, ["rclone"] = 5 };
    private readonly TempFolder _folder = new();

    private static int Kills => int.TryParse(Environment.GetEnvironmentVariable("DBBACKUP_TEST_KILLS"), NumberStyles.None, CultureInfo.InvariantCulture, out int kills) ? kills : Sampling.Rounds(UsualKills, FullKills);

    private static int Seed => int.TryParse(Environment.GetEnvironmentVariable("DBBACKUP_TEST_SEED"), NumberStyles.None, CultureInfo.InvariantCulture, out int seed) ? seed : 11;

    public void Dispose()
    {
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    protected async Task KillAsync(string kind)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no kill -9.");
        using RemotePlace place = RemotePlace.Open(kind);
        var random = new Random(Seed);
        string[] backup = OtherProcess.Command("backup", Sample("app.db", "uploads", random), place.Location, "0", _folder["uploads"]);
        string[] copy = OtherProcess.Command("copy", _folder["origin"], place.Location);
        Succeeds(OtherProcess.Command("backup", Sample("other.db", "files", random), _folder["origin"], "0", _folder["files"]), place);
        int whole = LengthOf(backup, place);

        using var bench = new Workbench(store: place.Store);
        var moments = new List<string>();
        int listed = 0;
        int tooLate = 0;
        int kills = Math.Max(1, Kills * s_shares[kind] / 100);
        while (moments.Count < kills)
        {
            string[] command = random.Next(3) == 0 ? copy : backup;
            int moment = random.Next(whole);
            if (!Kill(command, place, moment))
            {
                Assert.True(++tooLate < 20 + (3 * kills), "The runs are over before they can be killed.");
                await ClearAsync(bench);
                continue;
            }

            moments.Add($"{(command == copy ? "copy" : "backup")}@{moment}");
            string which = $"{kind}, seed {Seed}, kill {moments.Count}: {moments[^1]} ms";
            listed += await AssertAllWholeAsync(bench, which);
            Succeeds(command, place, which);
            Assert.True(await AssertAllWholeAsync(bench, which) > 0, which);
            await place.AssertNothingLeftAsync(await bench.ListAsync());
            await ClearAsync(bench);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{kind}, seed {Seed}: {moments.Count} killed ({tooLate} ended before), {listed} backups were whole by then; {string.Join(' ', moments)}");
    }

    private string Sample(string name, string files, Random random)
    {
        Directory.CreateDirectory(_folder[files]);
        byte[] content = new byte[24_000_000];
        random.NextBytes(content);
        File.WriteAllBytes(Path.Join(_folder[files], "a.bin"), content);
        return SampleDatabase.Create(_folder[name], rows: 2000);
    }

    private static void Succeeds(string[] command, RemotePlace place, string? which = null)
    {
        (int exit, string output) = OtherProcess.Run(place.Environment, command);
        Assert.True(exit == 0, $"{which} {output}");
    }

    // From its first report to its end, as kills are counted.
    private static int LengthOf(string[] command, RemotePlace place)
    {
        using OtherProcess run = OtherProcess.StartCommand(command, place.Environment);
        run.WaitFor(lines => lines.Count > 0);
        var clock = Stopwatch.StartNew();
        run.Process.WaitForExit();
        Assert.True(run.Process.ExitCode == 0, string.Join('\n', run.Lines));
        return (int)clock.ElapsedMilliseconds;
    }

    private static bool Kill(string[] command, RemotePlace place, int moment)
    {
        using OtherProcess run = OtherProcess.StartCommand(command, place.Environment);
        run.WaitFor(lines => lines.Count > 0);
        if (run.Process.WaitForExit(moment))
            return false;
        run.Kill();
        return true;
    }

    private static async Task<int> AssertAllWholeAsync(Workbench bench, string which)
    {
        IReadOnlyList<Backup> backups = await bench.ListAsync();
        foreach (Backup backup in backups)
            Assert.True((await bench.TestAsync(backup, BackupTestLevel.Checksum)).Passed, $"{which}: {backup} is not whole.");
        return backups.Count;
    }

    private static async Task ClearAsync(Workbench bench)
    {
        foreach (Backup backup in await bench.ListAsync())
            await new BackupRemoval(bench.Repository).RemoveAsync(backup, force: true, new PostgreSqlConnectionRequest(), bench.Observer, CancellationToken.None);
    }
}
