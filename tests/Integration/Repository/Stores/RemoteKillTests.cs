using DbBackup.Engine.Repository.Stores;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Repository.Stores;

/// <summary>Backups to real servers, killed at random moments of their uploads.</summary>
[Trait("Category", "Tool")]
[Trait("Category", "Kill")]
[Collection("rclone")]
public sealed class RemoteKillTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Backups_killed_while_they_are_sent_by_sftp_are_listed_whole_or_not_at_all_and_the_next_run_cleans_up()
    {
        using var server = new OpenSshServer();
        Directory.CreateDirectory(_folder["store"]);
        await KillAsync(server.Location(_folder["store"]), server.Open(_folder["store"]));
    }

    [Fact]
    public async Task Backups_killed_while_they_are_sent_to_azure_are_listed_whole_or_not_at_all_and_the_next_run_cleans_up()
    {
        using var server = new AzuriteServer();
        await KillAsync(server.Address("store").Text, server.Open("store"), new() { ["AZURE_STORAGE_KEY"] = server.Key });
    }

    [Fact]
    public async Task Backups_killed_while_they_are_sent_by_rclone_are_listed_whole_or_not_at_all_and_the_next_run_cleans_up()
    {
        using var remotes = new RcloneRemotes();
        await KillAsync("rclone:sealed:store", RcloneRemotes.Open("sealed:store"), rounds: 2);
    }

    private async Task KillAsync(string location, IObjectStore store, Dictionary<string, string>? environment = null, int rounds = 5)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no kill -9.");
        string database = SampleDatabase.Create(_folder["app.db"], rows: 2000);
        Directory.CreateDirectory(_folder["uploads"]);
        byte[] content = new byte[24_000_000];
        var random = new Random(11);
        random.NextBytes(content);
        await File.WriteAllBytesAsync(_folder["uploads/a.bin"], content);
        environment ??= [];
        var clock = System.Diagnostics.Stopwatch.StartNew();
        (int exit, string output) = OtherProcess.Run(environment, OtherProcess.Command("backup", database, location, "0", _folder["uploads"]));
        Assert.True(exit == 0, output);
        int whole = (int)clock.ElapsedMilliseconds;

        int killed = 0;
        for (int round = 0; round < Sampling.Rounds(rounds, 60); round++)
        {
            using OtherProcess run = OtherProcess.StartCommand(OtherProcess.Command("backup", database, location, "0", _folder["uploads"]), environment);
            run.WaitFor(lines => lines.Count > 0);
            if (run.Process.WaitForExit(random.Next(whole)))
                continue;
            run.Kill();
            killed++;
        }

        Assert.True(killed > 0, "Each run was over before it could be killed.");
        (exit, output) = OtherProcess.Run(environment, OtherProcess.Command("backup", database, location, "0", _folder["uploads"]));
        Assert.True(exit == 0, output);
        using var bench = new Workbench(store: store);
        IReadOnlyList<Backup> backups = await bench.ListAsync();
        Assert.NotEmpty(backups);
        foreach (Backup backup in backups)
            Assert.True((await bench.TestAsync(backup, BackupTestLevel.Checksum)).Passed, $"{backup} is not whole.");
        // Of the others not a byte is left.
        string[] folders = [.. backups.Select(backup => $"{backup.Source}/{backup.Name}/")];
        Assert.All(
            (await store.ListAsync(string.Empty, CancellationToken.None)).Select(each => each.Key).Where(key => key[0] != '.' && key != "repository.json"),
            key => Assert.Contains(folders, folder => key.StartsWith(folder, StringComparison.Ordinal)));
    }
}
