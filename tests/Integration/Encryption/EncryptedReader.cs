using DbBackup.Engine.Encryption;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Restores;
using DbBackup.Engine.Verification;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Encryption;

/// <summary>Encrypted backups as another process meets them, which knows the repository's files, and a key or none.</summary>
internal sealed class EncryptedReader
{
    private readonly Workbench _bench;

    public EncryptedReader(Workbench bench)
    {
        _bench = bench;
        Sealing = BackupSealing.To([IdentityFile.Create(KeyFile)]);
    }

    /// <summary>The file with the secret key.</summary>
    public string KeyFile => _bench["keys/my.key"];

    /// <summary>To whom the backups are encrypted.</summary>
    public BackupSealing Sealing { get; }

    /// <summary>The repository for one who has no key.</summary>
    public BackupRepository Locked => new(new DirectoryStore(_bench.RepositoryPath));

    /// <summary>The repository for one who has the key.</summary>
    public BackupRepository Unlocked => At(_bench.RepositoryPath);

    /// <summary>Another repository for one who has the key.</summary>
    public BackupRepository At(string path)
    {
        var keys = new KeyRing();
        keys.AddIdentity(KeyFile, name => name);
        return new BackupRepository(new DirectoryStore(path)) { Keys = keys };
    }

    /// <summary>A backup as a listing gives it.</summary>
    public async Task<Backup> ListedAsync(string name) => (await Locked.ListAsync(null, CancellationToken.None)).Single(backup => backup.Name == name);

    /// <summary>Restores a backup with the key, as another process does.</summary>
    public async Task<RestoreResult> RestoreAsync(string name, Func<RestoreRequest, RestoreRequest> how, string? repository = null)
    {
        BackupRepository from = repository is null ? Unlocked : At(repository);
        Backup listed = (await from.ListAsync(null, CancellationToken.None)).Single(backup => backup.Name == name);
        Assert.True(listed.Manifest!.IsSealed);
        Backup opened = await new EncryptedBackups(from).OpenAsync(listed, CancellationToken.None);
        PreparedRestore restore = await PreparedRestore.PrepareAsync(from, how(new RestoreRequest { Backup = opened }), changeNothing: false, _bench.Observer, CancellationToken.None);
        return await restore.RunAsync(_bench.Observer, CancellationToken.None);
    }

    /// <summary>What a test says that has a key or none.</summary>
    public async Task<BackupTestResult> TestAsync(string name, BackupTestLevel level, bool hasKey, PostgreSqlConnectionRequest? server = null)
    {
        BackupRepository repository = hasKey ? Unlocked : Locked;
        Backup backup = (await repository.ListAsync(null, CancellationToken.None)).Single(each => each.Name == name);
        if (hasKey)
            backup = await new EncryptedBackups(repository).OpenAsync(backup, CancellationToken.None);
        return await new BackupVerifier(repository).TestAsync(backup, new BackupTestOptions { Level = level, TestServer = server }, _bench.Observer, CancellationToken.None);
    }

    /// <summary>Without a key a backup's files can be checked, and nothing that is in them; with it, all of it.</summary>
    public async Task AssertLevelsAsync(string name, PostgreSqlConnectionRequest? server = null)
    {
        BackupTestResult files = await TestAsync(name, BackupTestLevel.Checksum, hasKey: false, server);
        Assert.True(files.Passed, files.Failure);
        foreach (BackupTestLevel level in (BackupTestLevel[])[BackupTestLevel.Structure, BackupTestLevel.Restore])
        {
            BackupException refused = await Assert.ThrowsAnyAsync<BackupException>(() => TestAsync(name, level, hasKey: false, server));
            Assert.Equal(ErrorCodes.BackupEncrypted, refused.Code);
            Assert.Contains(Sealing.Names[0], refused.Message, StringComparison.Ordinal);
        }

        foreach (BackupTestLevel level in Enum.GetValues<BackupTestLevel>())
        {
            BackupTestResult tested = await TestAsync(name, level, hasKey: true, server);
            Assert.True(tested.Passed, $"{level}: {tested.Failure}");
            Assert.Equal(level, tested.Level);
        }

        Assert.Equal(BackupStatus.Matched, (await ListedAsync(name)).Status);
    }

    /// <summary>No file of the repository tells of the content.</summary>
    public void AssertSilent(params string[] tells)
    {
        foreach (string file in Directory.EnumerateFiles(_bench.RepositoryPath, "*", SearchOption.AllDirectories))
        {
            byte[] content = File.ReadAllBytes(file);
            Assert.All(tells, tell => Assert.True(content.AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(tell)) < 0, $"'{tell}' is in {file}"));
        }
    }
}
