using DbBackup.Engine.Backups;
using DbBackup.Engine.Encryption;
using DbBackup.Engine.Engines.Files;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Encryption;

/// <summary>Follows the RESTORE.txt of encrypted backups to the letter, with age and the other stock tools alone.</summary>
[Trait("Category", "Tool")]
public sealed class SealedInstructionsTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly string _database;

    public SealedInstructionsTests()
    {
        foreach (string tool in (string[])["age", "sqlite3", "zstd", "gzip", "tar", "sha256sum", "sh", "python3"])
            Require.Tool(tool);
        _database = SampleDatabase.Create(_bench["app.db"]);
        Directory.CreateDirectory(_bench["up loads"]);
        File.WriteAllText(_bench["up loads/ü.txt"], "content");
    }

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData(PayloadCompression.Zstd)]
    [InlineData(PayloadCompression.Gzip)]
    [InlineData(PayloadCompression.None)]
    public async Task AKeyAndStockToolsRestoreIt(string compression)
    {
        string recipient = IdentityFile.Create(_bench["my.key"]);
        Backup backup = await BackUpAsync(BackupSealing.To([recipient]), compression);
        File.Copy(_bench["my.key"], Path.Join(backup.Location, "my.key"));

        string opened = Follow(backup.Location, "RESTORE.txt");
        Assert.Contains("OK", opened, StringComparison.Ordinal);
        Follow(backup.Location, "RESTORE.full.txt");

        AssertRestored(backup);
    }

    [Fact]
    public async Task APassphraseAndStockToolsRestoreIt()
    {
        Backup backup = await BackUpAsync(BackupSealing.By("correct horse battery"), PayloadCompression.Zstd);
        string script = string.Join('\n', Commands(backup.Location, "RESTORE.txt"));
        AgeStockTests.Typed("correct horse battery", 1, "sh", "-ec", $"cd '{backup.Location}'\n{script}");
        Follow(backup.Location, "RESTORE.full.txt");
        AssertRestored(backup);
    }

    private Task<Backup> BackUpAsync(BackupSealing sealing, string compression) => _bench.BackUpAsync(new BackupRequest
    {
        Sources = [Workbench.Sqlite(_database), new FolderSource(_bench["up loads"])],
        Compression = compression,
        Sealing = sealing,
    });

    private void AssertRestored(Backup backup)
    {
        Assert.Equal(SampleDatabase.Content(_database), SampleDatabase.Content(Path.Join(backup.Location, "restored", "app.db")));
        Assert.Equal("content", File.ReadAllText(Path.Join(backup.Location, "restored", "up loads", "ü.txt")));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Join(backup.Location, "backup.key")));
    }

    private static string Follow(string folder, string file) => Shell.Run("sh", "-ec", $"cd '{folder}'\n{string.Join('\n', Commands(folder, file))}");

    /// <summary>The commands of instructions.</summary>
    internal static string[] Commands(string folder, string file) => [.. File.ReadAllLines(Path.Join(folder, file))
        .Where(line => line.StartsWith("  ", StringComparison.Ordinal) && line[2] != ' ' && !line.Contains("Restore-DbBackup", StringComparison.Ordinal))];
}
