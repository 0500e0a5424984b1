using DbBackup.Engine.Engines.Files;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Repository.Stores;

/// <summary>Copies by processes that are killed inside a large payload, and what the next ones send.</summary>
[Trait("Category", "Tool")]
[Trait("Category", "Kill")]
public sealed class ResumedCopyTests : IDisposable
{
    // More than twice what is under way at once.
    private const int Size = 96_000_000;
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task By_sftp_a_killed_copy_goes_on_where_it_was()
    {
        using var server = new OpenSshServer();
        using var line = new CutConnections(server.Port);
        Directory.CreateDirectory(_folder["store"]);
        File.WriteAllText(server["known_line"], $"[127.0.0.1]:{line.Port} {File.ReadAllText(server["host_key.pub"])}");
        string location = server.Location(_folder["store"], $"key={server.KeyFile}&knownHosts={server["known_line"]}").Replace($":{server.Port}/", $":{line.Port}/", StringComparison.Ordinal);
        using var there = new Workbench(store: server.Open(_folder["store"]));
        await AssertGoesOnAsync(location, line, [], there);
        Assert.DoesNotContain(Directory.EnumerateFiles(_folder["store"], "*", SearchOption.AllDirectories), file => file.Contains("/.dbbackup/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task At_azure_a_killed_copy_goes_on_where_it_was()
    {
        using var server = new AzuriteServer();
        using var line = new CutConnections(server.Port);
        using var there = new Workbench(store: server.Open("store"));
        string location = server.Address("store").Text.Replace(Uri.EscapeDataString($":{server.Port}/"), Uri.EscapeDataString($":{line.Port}/"), StringComparison.Ordinal);
        Assert.Contains($"{line.Port}", location, StringComparison.Ordinal);
        await AssertGoesOnAsync(location, line, new() { ["AZURE_STORAGE_KEY"] = server.Key }, there);
    }

    private async Task AssertGoesOnAsync(string location, CutConnections line, Dictionary<string, string> environment, Workbench there)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no kill -9.");
        using var origin = new Workbench();
        Directory.CreateDirectory(_folder["files"]);
        byte[] content = new byte[Size];
        new Random(3).NextBytes(content);
        File.WriteAllBytes(_folder["files/a.bin"], content);
        Backup backup = await origin.BackUpAsync(new FolderSource(_folder["files"]));
        string[] command = OtherProcess.Command("copy", origin.RepositoryPath, location);

        using (OtherProcess run = OtherProcess.StartCommand(command, environment))
        {
            run.WaitFor(_ => line.Sent > Size * 3 / 4);
            run.Kill();
        }

        Assert.Empty(await there.ListAsync());
        long before = line.Sent;
        (int exit, string output) = OtherProcess.Run(environment, command);
        Assert.True(exit == 0, output);
        long second = line.Sent - before;
        TestContext.Current.TestOutputHelper?.WriteLine($"{before >> 20} MiB were sent before the kill, {second >> 20} MiB after it");
        Assert.Contains("Goes on with", output, StringComparison.Ordinal);
        // Of what was sent, what was under way at once may be lost.
        Assert.InRange(second, Size / 8, Size - (Size / 5));
        Backup copied = Assert.Single(await there.ListAsync());
        Assert.Equal(backup.Id, copied.Id);
        Assert.True((await there.TestAsync(copied, BackupTestLevel.Restore)).Passed);
    }
}
