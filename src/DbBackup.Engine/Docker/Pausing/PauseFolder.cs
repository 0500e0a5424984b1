using System.Diagnostics;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Docker.Pausing;

/// <summary>This user's folder of pause journals, and of one lock for each paused container.</summary>
/// <param name="path">The folder.</param>
internal sealed class PauseFolder(string path)
{
    private const string LockSuffix = ".lock";

    // Longer than snapshots take; what holds one for longer is rather hanging.
    private static readonly TimeSpan LockTimeout = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    /// <summary>The folder of the user that runs this process; null for a user without a home.</summary>
    public static PauseFolder? OfUser => UserDataFolder.Find("pauses") is { } folder ? new PauseFolder(folder) : null;

    /// <summary>Where it is.</summary>
    public string Path => path;

    /// <summary>Makes it, for its owner alone.</summary>
    /// <exception cref="BackupFailure">It cannot be made.</exception>
    public void Create()
    {
        try
        {
            UserDataFolder.Create(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(path, exception.Message, exception);
        }
    }

    /// <summary>
    /// Locks containers, so that no other run of this user mistakes one for a container that the user paused. The locks end with this
    /// process, however it ends.
    /// </summary>
    /// <param name="containers">The containers' ids and names.</param>
    /// <param name="observer">The observer of a wait.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="BackupFailure">Another run has one of them for longer than is usual.</exception>
    public async Task<IDisposable> LockAsync(IEnumerable<(string Id, string Name)> containers, IOperationObserver observer, CancellationToken cancellationToken)
    {
        Create();
        var taken = new Locks();
        try
        {
            // In one order, so that two runs never wait for each other.
            foreach ((string id, string name) in containers.OrderBy(container => container.Id, StringComparer.Ordinal))
            {
                string file = System.IO.Path.Combine(path, id + LockSuffix);
                FileStream? held = TryLock(file);
                if (held is null)
                    observer.Verbose($"Another run has paused the container '{name}'; waiting for it.");
                for (var waited = Stopwatch.StartNew(); held is null; held = TryLock(file))
                {
                    if (waited.Elapsed > LockTimeout)
                        throw InUse(name);
                    await Task.Delay(Interval, cancellationToken).ConfigureAwait(false);
                }

                taken.Add(file, held);
            }

            return taken;
        }
        catch
        {
            taken.Dispose();
            throw;
        }
    }

    /// <summary>What is thrown where nothing can be written here: without a journal nothing is paused.</summary>
    public static BackupFailure Unwritable(string path, string words, Exception? inner) => new(
        ErrorCodes.WriteFailed,
        FailureCategory.WriteError,
        $"The pause journal cannot be written in '{path}': {words.TrimEnd('.')}. Nothing was paused.",
        UserDataFolder.Hint,
        inner)
    { Target = path };

    private static FileStream? TryLock(string file)
    {
        FileStream? stream = null;
        try
        {
            stream = OwnFile.TryLock(file, OperatingSystem.IsWindows() ? FileOptions.DeleteOnClose : FileOptions.None);
            if (stream is null)
                return null;
            // Its last owner may have deleted the name between the opening and the lock.
            if (!OperatingSystem.IsLinux()
                || (UnixFile.TryStat(stream.SafeFileHandle, out UnixFileFacts mine) && UnixFile.TryStat(file, out UnixFileFacts named) && mine.Inode == named.Inode && mine.Device == named.Device))
            {
                return stream;
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            if (!OperatingSystem.IsWindows())
                throw Unwritable(file, exception.Message, exception);

            // On Windows it is being deleted.
        }

        stream?.Dispose();
        return null;
    }

    private static BackupFailure InUse(string name) => new(
        ErrorCodes.TargetInUse,
        FailureCategory.Busy,
        $"Another backup has kept container '{name}' paused for more than {LockTimeout.TotalMinutes:0} minutes. Nothing was changed.",
        "Wait until that backup has ended, or end it; the container is resumed then.")
    { Target = name, CanRetry = true };

    private sealed class Locks : IDisposable
    {
        private readonly List<(string Path, FileStream File)> _files = [];

        public void Add(string path, FileStream file) => _files.Add((path, file));

        public void Dispose()
        {
            foreach ((string path, FileStream file) in _files)
            {
                // First deleted, then unlocked: whoever opened it before finds that it has no name any more. Elsewhere than on Linux that
                // cannot be seen, and the empty file stays.
                if (OperatingSystem.IsLinux())
                    File.Delete(path);
                file.Dispose();
            }

            _files.Clear();
        }
    }
}
