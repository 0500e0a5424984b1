using DbBackup.Engine.Backups;
using DbBackup.Engine.Encryption;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Platform;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Backups.Incremental;

/// <summary>Follows the RESTORE.txt of incremental backups to the letter, with stock tools alone.</summary>
[Trait("Category", "Tool")]
public sealed class IncrementalInstructionsTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly string _database;
    private readonly string _uploads;

    public IncrementalInstructionsTests()
    {
        foreach (string tool in (string[])["age", "sqlite3", "zstd", "tar", "sha256sum", "sh"])
            Require.Tool(tool);
        _database = SampleDatabase.Create(_bench["it's app.db"]);
        SampleDatabase.Run(_database, "CREATE TABLE big(id INTEGER PRIMARY KEY, body BLOB); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000) INSERT INTO big SELECT i, randomblob(1000) FROM n");
        _uploads = Directory.CreateDirectory(_bench["up loads"]).FullName;
        File.WriteAllBytes(Path.Join(_uploads, "photo.jpg"), RandomBytes(9_000_000));
        File.WriteAllText(Path.Join(_uploads, "small.txt"), "small");
    }

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task StockToolsRestoreIt(bool isEncrypted)
    {
        BackupRequest request = new() { Sources = [Workbench.Sqlite(_database), new FolderSource(_uploads)] };
        if (isEncrypted)
        {
            request = request with { Sealing = BackupSealing.To([IdentityFile.Create(_bench["my.key"])]) };
            _bench.Repository.Keys.AddIdentity(_bench["my.key"], path => path);
        }

        // Later than the files, so that the small one is listed behind the archive: stock tools pass over that too.
        Backup full = await _bench.BackUpAsync(request, new FixedClock(DateTimeOffset.UtcNow.AddMinutes(10)));
        Assert.Equal(FileSystemFormat.KeepsChangeTimes(_uploads), full.Manifest!.Payloads[1].CatalogSha256 is not null);
        SampleDatabase.Run(_database, "UPDATE big SET body = randomblob(1000) WHERE id % 2000 = 0; INSERT INTO big(body) SELECT randomblob(1000) FROM big LIMIT 500");
        File.WriteAllText(Path.Join(_uploads, "a note before it.txt"), "content");
        Backup made = await _bench.BackUpAsync(request with { Method = new MethodChoice { Method = BackupMethod.Incremental } });
        Assert.All(made.Manifest!.Payloads, payload => Assert.NotNull(payload.Parent));

        if (isEncrypted)
        {
            File.Copy(_bench["my.key"], Path.Join(made.Location, "my.key"));
            Follow(made.Location, "RESTORE.txt");
        }

        string output = Follow(made.Location, isEncrypted ? "RESTORE.full.txt" : "RESTORE.txt");

        Assert.Contains("OK", output, StringComparison.Ordinal);
        Assert.Equal(SampleDatabase.Content(_database), SampleDatabase.Content(Path.Join(made.Location, "restored", "it's app.db")));
        string restored = Path.Join(made.Location, "restored", "up loads");
        Assert.Equal("small", File.ReadAllText(Path.Join(restored, "small.txt")));
        Assert.Equal("content", File.ReadAllText(Path.Join(restored, "a note before it.txt")));
        Assert.Equal(File.ReadAllBytes(Path.Join(_uploads, "photo.jpg")), File.ReadAllBytes(Path.Join(restored, "photo.jpg")));
    }

    private static string Follow(string folder, string file) => Shell.Run("sh", "-ec", $"cd '{folder.Replace("'", "'\\''", StringComparison.Ordinal)}'\n{string.Join('\n', Commands(folder, file))}");

    private static string[] Commands(string folder, string file) => [.. File.ReadAllLines(Path.Join(folder, file))
        .Where(line => line.StartsWith("  ", StringComparison.Ordinal) && line[2] != ' ' && !line.Contains("Restore-DbBackup", StringComparison.Ordinal))];

    private static byte[] RandomBytes(int count)
    {
        byte[] bytes = new byte[count];
        Random.Shared.NextBytes(bytes);
        return bytes;
    }
}
