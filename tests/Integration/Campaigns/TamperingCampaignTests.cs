using System.Text;
using System.Text.Json.Nodes;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Encryption;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Manifests;
using DbBackup.Engine.Repository.Signatures;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Restores;
using DbBackup.Engine.Verification;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Campaigns;

/// <summary>
/// What someone who may write to the repository can do to an encrypted and signed backup: another user, who has seen it and has the key, is told of each
/// change, and a restore touches nothing. docs/security.md has the counts.
/// </summary>
public sealed class TamperingCampaignTests : IDisposable
{
    private const string Name = "nightly";
    private readonly Workbench _bench;
    private readonly string _database;
    private readonly string _uploads;
    private readonly SortedDictionary<string, int> _counts = new(StringComparer.Ordinal);

    public TamperingCampaignTests()
    {
        var folder = new TempFolder();
        _bench = new Workbench(folder: folder, user: folder["maker"]);
        _database = SampleDatabase.Create(_bench["app.db"]);
        _uploads = Directory.CreateDirectory(_bench["uploads"]).FullName;
        File.WriteAllText(Path.Join(_uploads, "letter.txt"), "first");
    }

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Each_change_is_found_before_the_target_is_touched()
    {
        BackupSealing sealing = BackupSealing.To([IdentityFile.Create(_bench["my.key"])]);
        Task<Backup> MakeAsync(string? name) => _bench.BackUpAsync(new BackupRequest
        {
            Sources = [Workbench.Sqlite(_database), new FolderSource(_uploads)],
            SourceName = "app",
            Name = name,
            Sealing = sealing,
        });

        // An older one of the same name, whose folder was kept by whoever can write here.
        string older = (await MakeAsync(Name)).Location;
        CopyFolder(older, _bench["aside/older"]);
        Directory.Delete(older, recursive: true);
        SampleDatabase.Run(_database, "UPDATE notes SET text = 'newer'");
        string folder = (await MakeAsync(Name)).Location;
        string other = (await MakeAsync(null)).Location;
        Assert.Equal(folder, older);
        CopyFolder(folder, _bench["aside/whole"]);
        // The reader sees it, and restores it where nothing was changed.
        Assert.False((await ListedAsync(Reader()))!.IsSuspect);
        Assert.Null(await RestoreFailureAsync());

        string[] files = [.. Directory.GetFiles(folder).Select(Path.GetFileName).OfType<string>().Order(StringComparer.Ordinal)];
        Assert.Equal(["RESTORE.full.txt.age", "RESTORE.txt", "app.db.zst.age", "backup.json", "key.age", "key.json", "uploads.tar.zst.age"], files);
        var random = new Random(16);
        foreach (string file in files)
        {
            byte[] whole = await File.ReadAllBytesAsync(Path.Join(folder, file));
            for (int sample = 0; sample < Sampling.Rounds(40, 1000); sample++)
            {
                byte[] changed = [.. whole];
                changed[random.Next(changed.Length)] ^= (byte)(1 << random.Next(8));
                await FindAsync("bit flips", file, () => Put(folder, file, changed));
            }

            foreach (int length in (int[])[0, 1, whole.Length / 3, whole.Length / 2, whole.Length - 1])
                await FindAsync("truncations", file, () => Put(folder, file, whole[..length]));
            await FindAsync("appended bytes", file, () => Put(folder, file, [.. whole, 0]));
            foreach ((string from, string kind) in ((string, string)[])[(other, "files of another backup"), (_bench["aside/older"], "files of the older backup")])
            {
                // What every backup of this repository's recipients has alike is no change.
                byte[] swapped = await File.ReadAllBytesAsync(Path.Join(from, file));
                if (!swapped.AsSpan().SequenceEqual(whole))
                    await FindAsync(kind, file, () => Put(folder, file, swapped));
            }

            if (file != "backup.json")
                await FindAsync("removed files", file, () => File.Delete(Path.Join(folder, file)));
        }

        string manifest = Path.Join(folder, "backup.json");
        byte[] json = await File.ReadAllBytesAsync(manifest);
        Guid repository = JsonNode.Parse(json)!["repository"]!.GetValue<Guid>();
        await FindAsync("whole older backup put back", "backup.json", () => Replace(folder, _bench["aside/older"]));
        await FindAsync("another whole backup under this name", "backup.json", () => Replace(folder, other));
        await FindAsync("both keys of another backup", "key.age", () =>
        {
            foreach (string file in (string[])["key.age", "key.json"])
                Put(folder, file, File.ReadAllBytes(Path.Join(other, file)));
        });
        await FindAsync("signature taken off", "backup.json", () => Put(folder, "backup.json", Seal.Add(Stripped(json))));
        await FindAsync("changed manifest with its hash", "backup.json", () => Put(folder, "backup.json", Seal.Add(Bodied(Encoding.UTF8.GetString(json).Replace("\"Manual\"", "\"Scheduled\"", StringComparison.Ordinal)))));
        await FindAsync("signed anew by a stranger", "backup.json", () => Put(folder, "backup.json", Seal.Add(ManifestSignature.Add(Stripped(json), SigningKey.ReadOrCreate(_bench["stranger"]), repository))));

        foreach ((string kind, int count) in _counts)
            TestContext.Current.TestOutputHelper?.WriteLine($"{count,5} {kind}");
        Assert.Equal((7 * Sampling.Rounds(40, 1000), 35, 7, 6), (_counts["bit flips"], _counts["truncations"], _counts["appended bytes"], _counts["removed files"]));
        Assert.True(_counts.Count == 12, string.Join(", ", _counts.Keys));
        // All is as it was: what was found was found for the change, and for nothing else.
        Assert.Null(await RestoreFailureAsync());
    }

    // Does something to the backup, and puts it back.
    private async Task FindAsync(string kind, string file, Action change)
    {
        string folder = Path.Join(_bench.RepositoryPath, "app", Name);
        string present = SampleDatabase.Content(_database);
        await File.WriteAllTextAsync(Path.Join(_uploads, "letter.txt"), "present");
        change();
        try
        {
            BackupRepository reader = Reader();
            Backup listed = await ListedAsync(reader) ?? throw new InvalidOperationException($"{kind} of {file}: it is not listed.");
            bool isFound = listed.Problem is not null || listed.IsSuspect || !(await new BackupVerifier(reader).TestAsync(listed, new BackupTestOptions { Level = BackupTestLevel.Checksum }, _bench.Observer, CancellationToken.None)).Passed;
            Assert.True(isFound, $"Nothing found {kind} of {file}.");
            // Of these no byte gets into what is restored; the test of checksums has told of them.
            if (file is not ("RESTORE.txt" or "RESTORE.full.txt.age" or "key.json"))
            {
                Assert.True(await RestoreFailureAsync() is { Category: FailureCategory.InvalidData or FailureCategory.Refused or FailureCategory.PermissionDenied or FailureCategory.NotSupported }, $"{kind} of {file} was restored.");
                Assert.Equal(present, SampleDatabase.Content(_database));
                Assert.Equal("present", await File.ReadAllTextAsync(Path.Join(_uploads, "letter.txt")));
            }

            _counts[kind] = _counts.GetValueOrDefault(kind) + 1;
        }
        finally
        {
            Replace(folder, _bench["aside/whole"]);
        }
    }

    private async Task<BackupException?> RestoreFailureAsync()
    {
        BackupRepository reader = Reader();
        try
        {
            Backup opened = await new EncryptedBackups(reader).OpenAsync((await ListedAsync(reader))!, CancellationToken.None);
            PreparedRestore restore = await PreparedRestore.PrepareAsync(
                reader, new RestoreRequest { Backup = opened, NoSafetyBackup = true, LockTimeout = SampleDatabase.Patience }, changeNothing: false, _bench.Observer, CancellationToken.None);
            await restore.RunAsync(_bench.Observer, CancellationToken.None);
            Assert.Equal("first", await File.ReadAllTextAsync(Path.Join(_uploads, "letter.txt")));
            return null;
        }
        catch (BackupException failure)
        {
            return failure;
        }
    }

    // Another process of a user who has a memory of their own, and the key.
    private BackupRepository Reader()
    {
        var keys = new KeyRing();
        keys.AddIdentity(_bench["my.key"], path => path);
        return new BackupRepository(new DirectoryStore(_bench.RepositoryPath), new KnownRepositories(_bench["reader/repositories"]), new SignerMemory(_bench["reader/signing"], _bench["reader/signers"])) { Keys = keys };
    }

    private static async Task<Backup?> ListedAsync(BackupRepository repository) => (await repository.ListAsync("app", CancellationToken.None)).FirstOrDefault(backup => backup.Name == Name);

    private static byte[] Stripped(byte[] json)
    {
        JsonObject manifest = JsonNode.Parse(json)!.AsObject();
        foreach (string member in (string[])["repository", "signer", "signature", "sha256"])
            Assert.True(manifest.Remove(member));
        return Encoding.UTF8.GetBytes(manifest.ToJsonString(new System.Text.Json.JsonSerializerOptions { WriteIndented = true }));
    }

    // What stands before the hash, as an object again.
    private static byte[] Bodied(string json) => Encoding.UTF8.GetBytes(json[..^Seal.LineLength].TrimEnd('\n', ',') + "\n}");

    private static void Put(string folder, string file, byte[] content)
    {
        string path = Path.Join(folder, file);
        File.SetAttributes(path, FileAttributes.Normal);
        File.WriteAllBytes(path, content);
    }

    private static void Replace(string folder, string with)
    {
        Directory.Delete(folder, recursive: true);
        CopyFolder(with, folder);
    }

    private static void CopyFolder(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.GetFiles(from))
            File.Copy(file, Path.Join(to, Path.GetFileName(file)));
    }
}
