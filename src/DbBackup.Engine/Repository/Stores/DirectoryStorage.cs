using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Repository.Stores;

/// <summary>
/// A repository in a folder of a local disk or a network share: <c>source/name/backup.json</c>. What is not finished lives below
/// <c>.dbbackup</c>, on the same volume, and appears by a rename.
/// </summary>
public sealed class DirectoryStorage : IBackupStorage
{
    private const string WorkFolderName = ".dbbackup";
    private static readonly TimeSpan PatienceWithReaders = TimeSpan.FromSeconds(2);
    private readonly string _workFolder;

    /// <summary>Creates the storage; touches nothing.</summary>
    /// <param name="location">The folder's absolute path.</param>
    public DirectoryStorage(string location)
    {
        Location = location;
        _workFolder = Path.Combine(location, WorkFolderName);
    }

    /// <inheritdoc/>
    public string Location { get; }

    private string StagingFolder => Path.Combine(_workFolder, "staging");

    private string RemovingFolder => Path.Combine(_workFolder, "removing");

    /// <inheritdoc/>
    public void RequireReadable()
    {
        if (Directory.Exists(Location))
            return;
        throw new BackupFailure(
            ErrorCodes.RepositoryNotFound,
            FailureCategory.NotFound,
            File.Exists(Location) ? $"The repository '{Location}' is a file, not a folder." : $"There is no repository '{Location}'.",
            "Name it with -Repository or $env:DBBACKUP_REPOSITORY (the default is ./backups), or make the first backup: New-DbBackup. If it is on another disk or share, check that this is mounted.")
        { Target = Location };
    }

    /// <inheritdoc/>
    public void PrepareForWriting()
    {
        string? parent = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Location));
        if (!Directory.Exists(Location) && parent is not null && !Directory.Exists(parent))
        {
            throw new BackupFailure(
                ErrorCodes.RepositoryNotFound,
                FailureCategory.NotFound,
                $"The repository '{Location}' does not exist, and neither does the folder above it.",
                $"Check the path and that its disk or share is mounted, or create the folder first: New-Item -ItemType Directory '{parent}'.")
            { Target = Location };
        }

        try
        {
            CreatePrivateFolder(Location);
            CreatePrivateFolder(_workFolder);
            Directory.CreateDirectory(StagingFolder);
            Directory.CreateDirectory(RemovingFolder);
            // Rights say little (network shares, read-only mounts, quotas): only a file that was written proves it.
            string probe = Path.Combine(StagingFolder, $"{Guid.NewGuid():N}.probe");
            File.WriteAllText(probe, "probe");
            File.Delete(probe);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            if (DiskFailures.IsDiskFull(exception))
                throw DiskFailures.From(exception, Location, "preparing the repository");
            throw new BackupFailure(
                ErrorCodes.RepositoryNotWritable,
                FailureCategory.PermissionDenied,
                $"The repository '{Location}' cannot be written: {exception.Message}",
                "Check its permissions and that its volume is not mounted read-only, or name another one with -Repository.",
                exception)
            { Target = Location };
        }

        StaleWork.Sweep(StagingFolder);
        StaleWork.DeleteAll(RemovingFolder);
    }

    /// <inheritdoc/>
    public long? AvailableBytes() => VolumeSpace.Available(Location);

    /// <inheritdoc/>
    public Task<IReadOnlyList<StoredBackup>> ListAsync(string? source, CancellationToken cancellationToken) => Task.Run<IReadOnlyList<StoredBackup>>(
        () =>
        {
            RequireReadable();
            IEnumerable<string> sources = source is null
                ? VisibleFolders(Location)
                : [Path.Combine(Location, source)];
            string[] folders = [.. sources.SelectMany(VisibleFolders)];
            var loaded = new StoredBackup?[folders.Length];
            Parallel.For(0, folders.Length, new ParallelOptions { CancellationToken = cancellationToken }, i => loaded[i] = Load(folders[i]));
            return [.. loaded.OfType<StoredBackup>()];
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<StoredBackup?> FindAsync(BackupKey key, CancellationToken cancellationToken) =>
        Task.Run(() => Load(FolderOf(key)), cancellationToken);

    /// <inheritdoc/>
    public Stream OpenRead(BackupKey key, string fileName)
    {
        ArgumentNullException.ThrowIfNull(key);
        string path = Path.Combine(FolderOf(key), fileName);
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1, FileOptions.SequentialScan);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            bool missing = exception is FileNotFoundException or DirectoryNotFoundException;
            throw new BackupFailure(
                missing ? ErrorCodes.BackupDamaged : ErrorCodes.ReadFailed,
                missing ? FailureCategory.InvalidData : FailureCategory.ReadError,
                missing ? $"Backup '{key}' lacks its file '{fileName}'." : $"'{path}' cannot be read: {exception.Message}",
                missing ? "Use another backup of this source: Get-DbBackup." : "Check the disk and the permissions, then try again.",
                exception)
            { Target = key.ToString() };
        }
    }

    /// <inheritdoc/>
    public IStagedBackup Stage(string? scratchParent) => new StagedDirectory(this, StagingFolder, scratchParent);

    /// <inheritdoc/>
    public void AppendLine(BackupKey key, string fileName, string line)
    {
        string path = Path.Combine(FolderOf(key), fileName);
        try
        {
            // One write of one line at the end: two tests at once both keep their record.
            using var file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, 1);
            // A crash may have left half a line there, which must not swallow this one.
            string start = EndsInLine(path) ? string.Empty : "\n";
            file.Write(System.Text.Encoding.UTF8.GetBytes(start + line + "\n"));
            file.Flush(flushToDisk: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new BackupFailure(
                ErrorCodes.RepositoryNotWritable,
                FailureCategory.PermissionDenied,
                $"'{path}' cannot be written: {exception.Message}",
                "Run as a user who may write the repository.",
                exception)
            { Target = key?.ToString() };
        }
    }

    /// <inheritdoc/>
    public IDisposable Claim(BackupKey key)
    {
        // A shared lock on the manifest, kept by the system: it needs no write access and cannot outlive its owner.
        string path = Path.Combine(FolderOf(key), IBackupStorage.ManifestFile);
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw NotFound(key, exception);
        }
    }

    /// <inheritdoc/>
    public IDisposable LockForRemoval(CancellationToken cancellationToken)
    {
        string path = Path.Combine(_workFolder, "removal.lock");
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1);
            }
            catch (IOException exception)
            {
                if (attempt >= 50)
                {
                    throw new BackupFailure(
                        ErrorCodes.RepositoryBusy,
                        FailureCategory.Busy,
                        $"Another process has been removing backups from '{Location}' for more than five seconds.",
                        "Wait for it, then try again. A lock of a process that died ends with it.",
                        exception)
                    { Target = Location, CanRetry = true };
                }

                cancellationToken.WaitHandle.WaitOne(100);
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }

    /// <inheritdoc/>
    public void Remove(BackupKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        string folder = FolderOf(key);
        using FileStream sole = TakeSole(key);
        // Windows does not rename a folder in which a file is open; elsewhere nobody can claim the backup until it is gone.
        if (OperatingSystem.IsWindows())
            sole.Dispose();
        string grave = Path.Combine(RemovingFolder, $"{Guid.NewGuid():N}");
        try
        {
            Directory.Move(folder, grave);
        }
        catch (DirectoryNotFoundException exception)
        {
            throw NotFound(key, exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new BackupFailure(
                ErrorCodes.RepositoryNotWritable,
                FailureCategory.PermissionDenied,
                $"Backup '{key}' cannot be removed: {exception.Message}",
                "Check the permissions of the repository, and that no program has one of the backup's files open.",
                exception)
            { Target = key.ToString() };
        }

        DurableFiles.FlushDirectory(Path.GetDirectoryName(folder)!);
        StaleWork.DeleteAll(RemovingFolder);
        RemoveIfEmpty(Path.GetDirectoryName(folder)!);
    }

    internal string FolderOf(BackupKey key) => Path.Combine(Location, key.Source, key.Name);

    private static BackupFailure NotFound(BackupKey key, Exception? inner) => new(
        ErrorCodes.BackupNotFound,
        FailureCategory.NotFound,
        $"There is no backup '{key}' (any more).",
        "List what there is with Get-DbBackup.",
        inner)
    { Target = key.ToString() };

    private FileStream TakeSole(BackupKey key)
    {
        string path = Path.Combine(FolderOf(key), IBackupStorage.ManifestFile);
        DateTime giveUp = DateTime.UtcNow + PatienceWithReaders;
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.None, 1);
            }
            catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
            {
                throw NotFound(key, exception);
            }
            catch (IOException exception)
            {
                // A listing holds it for a moment only; a restore or a test for as long as it runs.
                if (DateTime.UtcNow > giveUp)
                {
                    throw new BackupFailure(
                        ErrorCodes.BackupInUse,
                        FailureCategory.Busy,
                        $"Backup '{key}' is being read by a restore, a test or an export.",
                        "Wait until that has ended, then remove it.",
                        exception)
                    { Target = key.ToString(), CanRetry = true };
                }

                Thread.Sleep(50);
            }
        }
    }

    private static StoredBackup? Load(string folder)
    {
        var key = new BackupKey(Path.GetFileName(Path.GetDirectoryName(folder)!), Path.GetFileName(folder));
        try
        {
            byte[] manifest = ReadShared(Path.Combine(folder, IBackupStorage.ManifestFile));
            string tests = Path.Combine(folder, IBackupStorage.TestsFile);
            IReadOnlyList<string> lines = File.Exists(tests)
                ? System.Text.Encoding.UTF8.GetString(ReadShared(tests)).Split('\n', StringSplitOptions.RemoveEmptyEntries)
                : [];
            return new StoredBackup(key, folder, manifest, lines);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (UnauthorizedAccessException)
        {
            return new StoredBackup(key, folder, [], []);
        }
        catch (IOException)
        {
            // Being removed at this moment, or a disk error; only the second is still there.
            return File.Exists(Path.Combine(folder, IBackupStorage.ManifestFile)) ? new StoredBackup(key, folder, [], []) : null;
        }
    }

    private static bool EndsInLine(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
        if (file.Length == 0)
            return true;
        file.Seek(-1, SeekOrigin.End);
        return file.ReadByte() == '\n';
    }

    private static byte[] ReadShared(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
        byte[] bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }

    private static IEnumerable<string> VisibleFolders(string parent)
    {
        try
        {
            return Directory.EnumerateDirectories(parent).Where(folder => Path.GetFileName(folder)[0] != '.').ToList();
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
        catch (UnauthorizedAccessException) when (Path.GetFileName(parent) == "lost+found")
        {
            // A repository may be a volume of its own, whose root has a folder that only root may read.
            return [];
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new BackupFailure(
                ErrorCodes.ReadFailed,
                FailureCategory.PermissionDenied,
                $"'{parent}' in the repository may not be read by this user.",
                "Run as the user who makes the backups, or let this one read the repository.",
                exception)
            { Target = parent };
        }
    }

    // Backups hold the application's data: on a fresh repository nobody else may look.
    private static void CreatePrivateFolder(string path)
    {
        if (Directory.Exists(path))
            return;
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(path);
        else
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private static void RemoveIfEmpty(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: false);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Another backup of the source is there: nothing to do.
        }
    }
}
