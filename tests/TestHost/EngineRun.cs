using System.Text.Json;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Encryption;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Signatures;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Restores;
using DbBackup.Upgrades;

namespace DbBackup.TestHost;

/// <summary>A run of the engine that ends as kill -9 ends it, when it has reported a given number of times.</summary>
internal static class EngineRun
{
    /// <summary>Backs up a database and a folder.</summary>
    public static async Task BackUpAsync(string database, string repository, int killAt, string? folder)
    {
        List<IBackupSource> sources = [new SqliteSource(database, SqliteFormat.Native, TimeSpan.FromSeconds(10))];
        if (folder is not null)
            sources.Add(new FolderSource(folder));
        var observer = new Executioner(killAt);
        Backup backup = await new BackupService(new BackupRepository(RepositoryLocation.Parse(repository, Path.GetFullPath).OpenStore()))
            .CreateAsync(new BackupRequest { Sources = sources, Verify = true, DiscardUnverified = true, Sealing = Sealing(), Method = Method() }, observer, CancellationToken.None);
        Console.WriteLine(backup);
    }

    // A test that wants an encrypted backup says to whom.
    private static BackupSealing? Sealing() => Environment.GetEnvironmentVariable("DBBACKUP_TEST_RECIPIENT") is { } recipient ? BackupSealing.To([recipient]) : null;

    // A test that wants an incremental one says so.
    private static MethodChoice Method() => new() { Method = Environment.GetEnvironmentVariable("DBBACKUP_TEST_METHOD") ?? BackupMethod.Full };

    /// <summary>Backs up a database under a name.</summary>
    public static async Task BackUpNamedAsync(string database, string repository, string name)
    {
        var request = new BackupRequest { Sources = [new SqliteSource(database, SqliteFormat.Native, TimeSpan.FromSeconds(10))], Name = name };
        Console.WriteLine(await new BackupService(new BackupRepository(new DirectoryStore(repository))).CreateAsync(request, new Executioner(0), CancellationToken.None));
    }

    /// <summary>Restores a backup to where it came from.</summary>
    public static async Task RestoreAsync(string repository, string source, string name, int killAt, bool force, params string[] files)
    {
        BackupRepository from = new BackupRepository(new DirectoryStore(repository));
        Backup backup = BackupSelection.One(await from.ListAsync(source, CancellationToken.None), source, name, latest: false, repository);
        var observer = new Executioner(killAt);
        PreparedRestore restore = await PreparedRestore.PrepareAsync(
            from, new RestoreRequest { Backup = backup, Force = force, Files = files, LockTimeout = TimeSpan.FromSeconds(10) }, changeNothing: true, observer, CancellationToken.None);
        RestoreResult result = await restore.RunAsync(observer, CancellationToken.None);
        Console.WriteLine(string.Join(", ", result.Restored));
    }

    /// <summary>Lists a repository.</summary>
    public static async Task ListAsync(string repository)
    {
        foreach (Backup backup in await new BackupRepository(new DirectoryStore(repository)).ListAsync(null, CancellationToken.None))
            Console.WriteLine($"{backup} {backup.Status}");
    }

    /// <summary>Upgrades what a file says: an <see cref="UpgradeRequest"/> as JSON. The password of a server comes through the environment.</summary>
    public static async Task UpgradeAsync(string journals, string repository, string request, string killAt)
    {
        UpgradeRequest wanted = JsonSerializer.Deserialize<UpgradeRequest>(await File.ReadAllTextAsync(request))!;
        if (wanted.Recipients.Count > 0)
            wanted = wanted with { Sealing = BackupSealing.To(wanted.Recipients) };
        // As those who resume it or roll it back: they sign, and miss the signature of what was not signed.
        Console.WriteLine(await new UpgradeService(journals).RunAsync(wanted, new BackupRepository(new DirectoryStore(repository), null, SignerMemory.OfUser), Executioner.Of(killAt), CancellationToken.None));
    }

    /// <summary>Goes on with an upgrade.</summary>
    public static async Task ResumeAsync(string journals, string id) =>
        Console.WriteLine(await new UpgradeService(journals).ResumeAsync(id, null, new KeyRing(), new Executioner(0), CancellationToken.None));

    /// <summary>Takes an upgrade back.</summary>
    public static async Task UndoAsync(string journals, string id) =>
        Console.WriteLine(await new UpgradeService(journals).UndoAsync(id, null, new KeyRing(), new Executioner(0), CancellationToken.None));
}
