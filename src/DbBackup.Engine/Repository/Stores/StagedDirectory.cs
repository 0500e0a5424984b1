using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Repository.Stores;

/// <summary>A backup that is being written in the work folder of a <see cref="DirectoryStorage"/>.</summary>
internal sealed class StagedDirectory : IStagedBackup
{
    private readonly DirectoryStorage _storage;
    private readonly string _content;
    private readonly StaleWork.Marked _stage;
    private readonly StaleWork.Marked? _elsewhere;

    public StagedDirectory(DirectoryStorage storage, string stagingFolder, string? scratchParent)
    {
        _storage = storage;
        _stage = StaleWork.Mark(stagingFolder);
        _content = Path.Combine(_stage.Folder, "content");
        Directory.CreateDirectory(_content);
        if (scratchParent is not null)
        {
            StaleWork.Sweep(scratchParent);
            _elsewhere = StaleWork.Mark(scratchParent);
        }

        ScratchFolder = Path.Combine((_elsewhere ?? _stage).Folder, "scratch");
        Directory.CreateDirectory(ScratchFolder);
    }

    /// <inheritdoc/>
    public string ScratchFolder { get; }

    /// <inheritdoc/>
    public Stream Create(string fileName) =>
        new FileStream(Path.Combine(_content, fileName), FileMode.Create, FileAccess.Write, FileShare.Read, 1);

    /// <inheritdoc/>
    public Stream OpenRead(string fileName) =>
        new FileStream(Path.Combine(_content, fileName), FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.SequentialScan);

    /// <inheritdoc/>
    public bool TryPublish(BackupKey key, byte[] manifest)
    {
        string target = _storage.FolderOf(key);
        if (Directory.Exists(target))
            return false;
        File.WriteAllBytes(Path.Combine(_content, IBackupStorage.ManifestFile), manifest);
        DurableFiles.FlushTree(_content);
        string sourceFolder = Path.GetDirectoryName(target)!;
        Directory.CreateDirectory(sourceFolder);
        try
        {
            DurableFiles.MoveDirectoryNoReplace(_content, target);
        }
        catch (BackupException failure) when (failure.Code == ErrorCodes.DestinationExists)
        {
            return false;
        }

        DurableFiles.FlushDirectory(_storage.Location);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _elsewhere?.Dispose();
        _stage.Dispose();
    }
}
