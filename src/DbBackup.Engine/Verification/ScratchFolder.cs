using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Verification;

/// <summary>A temporary folder for a restore that is only a test.</summary>
internal sealed class ScratchFolder : IDisposable
{
    private readonly IDisposable _owner;

    private ScratchFolder(string path, IDisposable owner)
    {
        Path = path;
        _owner = owner;
    }

    public string Path { get; }

    /// <summary>
    /// Creates the folder where it was asked for, else in the repository's work folder, else (a repository that is read-only) in
    /// the system's folder for temporary files.
    /// </summary>
    /// <exception cref="NotEnoughSpaceException">There is too little room for what will be restored.</exception>
    public static ScratchFolder Create(IBackupStorage storage, string? stagingPath, long requiredBytes)
    {
        string fallback = System.IO.Path.GetTempPath();
        if (stagingPath is null)
        {
            try
            {
                storage.PrepareForWriting();
                RequireSpace(storage.Location, storage.AvailableBytes(), requiredBytes);
                IStagedBackup staged = storage.Stage(null);
                return new ScratchFolder(staged.ScratchFolder, staged);
            }
            catch (BackupException failure) when (failure.Code == ErrorCodes.RepositoryNotWritable)
            {
                stagingPath = fallback;
            }
        }

        RequireSpace(stagingPath, VolumeSpace.Available(stagingPath), requiredBytes);
        StaleWork.Sweep(stagingPath);
        StaleWork.Marked marked = StaleWork.Mark(stagingPath);
        return new ScratchFolder(marked.Folder, marked);
    }

    public void Dispose() => _owner.Dispose();

    private static void RequireSpace(string path, long? available, long required)
    {
        if (available is { } free && free < required)
            throw new NotEnoughSpaceException(path, required, free, "the restored copy that is tested");
    }
}
