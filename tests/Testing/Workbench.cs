using System.Collections.Concurrent;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Signatures;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Restores;
using DbBackup.Engine.Verification;

namespace DbBackup.Testing;

/// <summary>A folder with a repository, and the engine's operations with what tests usually want.</summary>
internal sealed class Workbench : IDisposable
{
    /// <param name="repository">The repository's folder; null for one of its own.</param>
    /// <param name="store">The repository's store; null for the folder.</param>
    /// <param name="folder">The folder; null for one of its own.</param>
    /// <param name="user">The folder of a user's key and memory; null for one who neither signs nor remembers.</param>
    public Workbench(string? repository = null, IObjectStore? store = null, TempFolder? folder = null, string? user = null)
    {
        Folder = folder ?? new TempFolder();
        RepositoryPath = repository ?? Folder["backups"];
        Store = store ?? new DirectoryStore(RepositoryPath);
        Repository = user is null
            ? new BackupRepository(Store)
            : new BackupRepository(Store, new KnownRepositories(Path.Join(user, "repositories")), new SignerMemory(Path.Join(user, "signing"), Path.Join(user, "signers")));
    }

    public TempFolder Folder { get; }

    public string RepositoryPath { get; }

    public IObjectStore Store { get; }

    public BackupRepository Repository { get; }

    public RecordingObserver Observer { get; } = new();

    public string this[string name] => Folder[name];

    public static SqliteSource Sqlite(string path, SqliteFormat format = SqliteFormat.Native, double lockSeconds = 10) =>
        new(path, format, TimeSpan.FromSeconds(lockSeconds));

    public Task<Backup> BackUpAsync(string database, params string[] include) =>
        BackUpAsync(new BackupRequest { Sources = [Sqlite(database), .. include.Select(path => new FolderSource(path))] });

    public Task<Backup> BackUpAsync(IBackupSource source) => BackUpAsync(new BackupRequest { Sources = [source] });

    public Task<Backup> BackUpAsync(BackupRequest request, TimeProvider? clock = null) =>
        new BackupService(Repository, clock).CreateAsync(request, Observer, CancellationToken.None);

    public async Task<BackupException> BackupFailsAsync(IBackupSource source)
    {
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => BackUpAsync(source));
        await AssertNothingListedOrStagedAsync();
        return failure;
    }

    public Task<RestoreResult> RestoreAsync(Backup backup) => RestoreAsync(new RestoreRequest { Backup = backup });

    public async Task<RestoreResult> RestoreAsync(RestoreRequest request, CancellationToken cancellationToken = default)
    {
        PreparedRestore restore = await PreparedRestore.PrepareAsync(
            Repository, request with { LockTimeout = SampleDatabase.Patience }, changeNothing: false, Observer, cancellationToken);
        return await restore.RunAsync(Observer, cancellationToken);
    }

    /// <summary>Undoes the newest restore of a source.</summary>
    public async Task<RestoreResult> UndoAsync(string source, Func<UndoRequest, UndoRequest>? how = null)
    {
        var request = new UndoRequest { Record = (await RestoreUndo.ListAsync(Repository, source, CancellationToken.None))[0], LockTimeout = SampleDatabase.Patience };
        PreparedRestore undo = await RestoreUndo.PrepareAsync(Repository, how?.Invoke(request) ?? request, changeNothing: false, Observer, CancellationToken.None);
        return await undo.RunAsync(Observer, CancellationToken.None);
    }

    public Task<BackupTestResult> TestAsync(Backup backup, BackupTestLevel level) =>
        new BackupVerifier(Repository).TestAsync(backup, new BackupTestOptions { Level = level }, Observer, CancellationToken.None);

    public Task<IReadOnlyList<Backup>> ListAsync(string? source = null) => Repository.ListAsync(source, CancellationToken.None);

    /// <summary>The restored database of a backup, in a place of its own.</summary>
    public async Task<string> RestoredCopyAsync(Backup backup)
    {
        string copy = this[$"copy-{Guid.NewGuid():N}.db"];
        await RestoreAsync(new RestoreRequest { Backup = backup, Destination = copy, Content = ContentKind.Database });
        return copy;
    }

    public async Task AssertNothingListedOrStagedAsync()
    {
        if (Directory.Exists(RepositoryPath))
            Assert.Empty(await ListAsync());
        AssertNothingStaged();
    }

    /// <summary>No lease and no scratch file is left, and no folder with a part of a backup. Records of restores may be there.</summary>
    public void AssertNothingStaged()
    {
        if (!Directory.Exists(RepositoryPath))
            return;
        string work = Path.Join(RepositoryPath, ".dbbackup");
        if (Directory.Exists(work))
            Assert.DoesNotContain(Directory.EnumerateFiles(work, "*", SearchOption.AllDirectories), file => !file.StartsWith(Path.Join(work, "restores"), StringComparison.Ordinal));
        Assert.All(
            Directory.EnumerateDirectories(RepositoryPath).Where(folder => Path.GetFileName(folder) is not (".dbbackup" or "kept")).SelectMany(Directory.EnumerateDirectories),
            folder => Assert.True(File.Exists(Path.Join(folder, "backup.json")), folder));
    }

    /// <summary>Nothing of a restore lies beside its targets.</summary>
    public void AssertNoLeftovers() => Assert.All(
        Directory.EnumerateFileSystemEntries(Folder.Path),
        path => Assert.DoesNotContain(".dbbackup-", Path.GetFileName(path), StringComparison.Ordinal));

    public void Dispose() => Folder.Dispose();
}

/// <summary>Keeps what the engine reports, and does something at a step of a test's choice.</summary>
internal sealed class RecordingObserver : IOperationObserver
{
    public ConcurrentQueue<string> Steps { get; } = new();

    public ConcurrentQueue<string> Warnings { get; } = new();

    /// <summary>Called with each step and each message.</summary>
    public Action<string>? At { get; set; }

    public void Progress(OperationProgress progress)
    {
        Steps.Enqueue(progress.Step);
        At?.Invoke(progress.Step);
    }

    public void Verbose(string message) => At?.Invoke(message);

    public void Warning(string message)
    {
        Warnings.Enqueue(message);
        At?.Invoke(message);
    }
}
