using System.Globalization;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.Files;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Backups.Incremental;

/// <summary>
/// Random histories of a folder and a database: each incremental backup equals the full one of the same moment, by a restore and by the stock
/// commands of its RESTORE.txt. DBBACKUP_TEST_FOLDER_HISTORIES says how many histories there are.
/// </summary>
[Trait("Category", "Tool")]
public sealed class EditHistoryInstructionsTests : IDisposable
{
    private const int Generations = 3;
    private const int Scale = 3_000_000;
    private readonly Workbench _bench = new();

    public EditHistoryInstructionsTests()
    {
        foreach (string tool in (string[])["sqlite3", "zstd", "tar", "sha256sum", "sh"])
            Require.Tool(tool);
    }

    private static int Histories => int.TryParse(Environment.GetEnvironmentVariable("DBBACKUP_TEST_FOLDER_HISTORIES"), NumberStyles.None, CultureInfo.InvariantCulture, out int histories) ? histories : Sampling.Rounds(2, 20);

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Each_generation_equals_the_full_backup_of_its_moment_by_stock_commands_too()
    {
        for (int seed = 0; seed < Histories; seed++)
        {
            var random = new Random(seed);
            string folder = Directory.CreateDirectory(_bench[$"files-{seed}"]).FullName;
            string database = SampleDatabase.Create(_bench[$"app-{seed}.db"], rows: 30_000);
            for (int file = 0; file < 6; file++)
                await File.WriteAllBytesAsync(Path.Join(folder, $"{file}.bin"), EditedContent.Create(random, random.Next(1, 2 * Scale)));
            await BackUpAsync(database, folder, BackupMethod.Full, $"{seed}-0");
            for (int generation = 1; generation <= Generations; generation++)
            {
                string file = Path.Join(folder, $"{random.Next(6)}.bin");
                await File.WriteAllBytesAsync(file, EditedContent.Edit(await File.ReadAllBytesAsync(file), random, Scale, random.Next(1, 5)));
                File.Move(Path.Join(folder, "5.bin"), Path.Join(folder, $"between {generation}.bin"));
                File.Move(Path.Join(folder, $"between {generation}.bin"), Path.Join(folder, "5.bin"));
                await File.WriteAllTextAsync(Path.Join(folder, $"{random.Next(100)}.txt"), $"generation {generation}");
                SampleDatabase.Run(database, $"UPDATE notes SET text = 'generation {generation}' WHERE id % {random.Next(2, 5000)} = 0", $"DELETE FROM notes WHERE id BETWEEN {generation * 100} AND {(generation * 100) + random.Next(2000)}");

                Backup made = await BackUpAsync(database, folder, BackupMethod.Incremental, $"{seed}-{generation}");
                Backup full = await _bench.BackUpAsync(Request(database, folder, BackupMethod.Full) with { SourceName = $"alone-{seed}-{generation}" });
                Assert.All(made.Manifest!.Payloads, payload => Assert.NotNull(payload.Parent));
                // An archive of the same files is the same, and so is a copy of the same pages.
                Assert.Equal(full.Manifest!.Payloads.Select(payload => payload.OriginalSha256), made.Manifest.Payloads.Select(payload => payload.OriginalSha256));
                Assert.True((await _bench.TestAsync(made, BackupTestLevel.Restore)).Passed);

                string output = Follow(made.Location);
                Assert.Contains("OK", output, StringComparison.Ordinal);
                string restored = Path.Join(made.Location, "restored");
                Assert.Equal(SampleDatabase.Content(database), SampleDatabase.Content(Path.Join(restored, Path.GetFileName(database))));
                Assert.Equal(Contents(folder), Contents(Path.Join(restored, Path.GetFileName(folder))));
                Directory.Delete(restored, recursive: true);
            }
        }
    }

    private static string Follow(string folder) => Shell.Run("sh", "-ec", $"cd '{folder}'\n{string.Join('\n', File.ReadAllLines(Path.Join(folder, "RESTORE.txt"))
        .Where(line => line.StartsWith("  ", StringComparison.Ordinal) && line[2] != ' ' && !line.Contains("Restore-DbBackup", StringComparison.Ordinal)))}");

    private static string[] Contents(string folder) =>
        [.. Directory.GetFiles(folder).Order(StringComparer.Ordinal).Select(file => $"{Path.GetFileName(file)} {PayloadSample.Sha256(File.ReadAllBytes(file))}")];

    private static BackupRequest Request(string database, string folder, string method) => new()
    {
        Sources = [Workbench.Sqlite(database), new FolderSource(folder)],
        Method = new MethodChoice { Method = method },
    };

    private Task<Backup> BackUpAsync(string database, string folder, string method, string name) => _bench.BackUpAsync(Request(database, folder, method) with { Name = name });
}
