using DbBackup.Engine.Backups;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Verification;

public sealed class DamagedPayloadTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly string _database;

    public DamagedPayloadTests()
    {
        _database = SampleDatabase.Create(_bench["app.db"], rows: 3000);
        Directory.CreateDirectory(_bench["uploads"]);
        File.WriteAllText(_bench["uploads/photo.txt"], new string('p', 5000));
    }

    public static TheoryData<string, string, string, BackupTestLevel> Faults()
    {
        var faults = new TheoryData<string, string, string, BackupTestLevel>();
        foreach (string payload in (string[])["app.db*", "uploads.tar*"])
        {
            foreach (string fault in (string[])["bit", "cut", "empty", "missing", "longer"])
            {
                foreach (BackupTestLevel level in Enum.GetValues<BackupTestLevel>())
                    faults.Add(payload, fault, PayloadCompression.Gzip, level);
                faults.Add(payload, fault, PayloadCompression.None, BackupTestLevel.Restore);
            }
        }

        return faults;
    }

    public void Dispose() => _bench.Dispose();

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_damaged_payload_is_found_at_every_level_recorded_and_refused_by_a_restore(
        string payload, string fault, string compression, BackupTestLevel level)
    {
        Backup backup = await MakeAsync(compression);
        Spoil(Directory.GetFiles(backup.Location, payload).Single(), fault);
        string database = SampleDatabase.Content(_database);
        File.WriteAllText(_bench["uploads/photo.txt"], "present");

        BackupTestResult result = await _bench.TestAsync(backup, level);
        BackupException refusal = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.RestoreAsync(backup));

        Assert.Equal(BackupStatus.Damaged, result.Status);
        Assert.NotNull(result.Failure);
        Assert.Equal(BackupStatus.Damaged, Assert.Single(await _bench.ListAsync()).Status);
        Assert.Equal(FailureCategory.InvalidData, refusal.Category);
        Assert.Equal(database, SampleDatabase.Content(_database));
        Assert.Equal("present", File.ReadAllText(_bench["uploads/photo.txt"]));
        _bench.AssertNoLeftovers();
        _bench.AssertNothingStaged();
    }

    [Theory]
    [InlineData(BackupTestLevel.Checksum, BackupStatus.Checked)]
    [InlineData(BackupTestLevel.Structure, BackupStatus.Checked)]
    [InlineData(BackupTestLevel.Restore, BackupStatus.Matched)]
    public async Task A_whole_backup_climbs_with_its_tests_and_stays_there(BackupTestLevel level, BackupStatus reached)
    {
        Backup backup = await MakeAsync(PayloadCompression.Gzip);

        await _bench.TestAsync(backup, level);
        await _bench.TestAsync(backup, BackupTestLevel.Checksum);

        Assert.Equal(reached, Assert.Single(await _bench.ListAsync()).Status);
    }

    [Fact]
    public async Task A_manifest_that_is_not_the_one_that_was_tested_is_damaged_until_it_is_tested_again()
    {
        Backup backup = await MakeAsync(PayloadCompression.Gzip);
        await _bench.TestAsync(backup, BackupTestLevel.Restore);
        string manifest = Path.Join(backup.Location, "backup.json");
        Resealed.WriteAllText(manifest, File.ReadAllText(manifest).Replace("\"sequence\": 1", "\"sequence\": 2", StringComparison.Ordinal));

        Assert.Equal(BackupStatus.Damaged, Assert.Single(await _bench.ListAsync()).Status);
        await _bench.TestAsync(Assert.Single(await _bench.ListAsync()), BackupTestLevel.Structure);
        Assert.Equal(BackupStatus.Checked, Assert.Single(await _bench.ListAsync()).Status);
    }

    [Fact]
    public async Task Each_test_has_a_record_of_its_own_and_a_damaged_one_does_not_hide_the_others()
    {
        Backup backup = await MakeAsync(PayloadCompression.Gzip);
        await _bench.TestAsync(backup, BackupTestLevel.Checksum);
        await _bench.TestAsync(backup, BackupTestLevel.Restore);
        string tests = Path.Join(backup.Location, "tests");
        Assert.Equal(2, Directory.GetFiles(tests, "*.json").Length);
        File.WriteAllText(Path.Join(tests, "20261121T020000Z-x.json"), "{\"tested\":\"2026-1");
        Assert.Equal(BackupStatus.Matched, Assert.Single(await _bench.ListAsync()).Status);

        Spoil(Directory.GetFiles(backup.Location, "app.db*").Single(), "cut");
        await _bench.TestAsync(backup, BackupTestLevel.Checksum);

        Assert.Equal(BackupStatus.Damaged, Assert.Single(await _bench.ListAsync()).Status);
    }

    [Fact]
    public async Task A_value_changed_in_a_payload_whose_hashes_were_made_to_fit_is_found_by_the_content_fingerprint()
    {
        Backup backup = await _bench.BackUpAsync(new BackupRequest
        {
            Sources = [Workbench.Sqlite(_database)], Compression = PayloadCompression.None, Fingerprint = FingerprintLevel.Content,
        });
        string payload = Path.Join(backup.Location, "app.db");
        SampleDatabase.Run(payload, "UPDATE notes SET text = 'note 8' WHERE id = 7");
        string manifest = Path.Join(backup.Location, "backup.json");
        string hash = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(payload)));
        Resealed.WriteAllText(manifest, File.ReadAllText(manifest).Replace(backup.Manifest!.Payloads[0].StoredSha256, hash, StringComparison.Ordinal));

        BackupTestResult result = await _bench.TestAsync(Assert.Single(await _bench.ListAsync()), BackupTestLevel.Restore);

        Assert.Contains("another content", result.Failure, StringComparison.Ordinal);
    }

    private Task<Backup> MakeAsync(string compression) => _bench.BackUpAsync(new BackupRequest
    {
        Sources = [Workbench.Sqlite(_database), new DbBackup.Engine.Engines.Files.FolderSource(_bench["uploads"])],
        Compression = compression,
    });

    private static void Spoil(string file, string fault)
    {
        byte[] bytes = File.ReadAllBytes(file);
        switch (fault)
        {
            case "bit":
                bytes[bytes.Length / 2] ^= 4;
                File.WriteAllBytes(file, bytes);
                break;
            case "cut":
                File.WriteAllBytes(file, bytes[..(bytes.Length * 2 / 3)]);
                break;
            case "empty":
                File.WriteAllBytes(file, []);
                break;
            case "longer":
                File.WriteAllBytes(file, [.. bytes, 0]);
                break;
            default:
                File.Delete(file);
                break;
        }
    }
}
