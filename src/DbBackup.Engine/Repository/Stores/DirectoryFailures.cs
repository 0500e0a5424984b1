using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Repository.Stores;

/// <summary>What can be wrong with a folder that is a repository, in words that say what to do.</summary>
internal static class DirectoryFailures
{
    public static BackupFailure NoRepository(string location) => new(
        ErrorCodes.RepositoryNotFound,
        FailureCategory.NotFound,
        File.Exists(location) ? $"The repository '{location}' is a file, not a folder." : $"There is no repository '{location}'.",
        "Name it with -Repository or $env:DBBACKUP_REPOSITORY (the default is ./backups), or make the first backup: New-DbBackup. If it is on another disk or share, check that this is mounted.")
    { Target = location };

    // Only the last folder of a path is created: a path whose other folders are missing is mistyped, or its disk is not mounted.
    public static void RequireParent(string location)
    {
        string? parent = Path.GetDirectoryName(location);
        if (parent is null || Directory.Exists(location) || Directory.Exists(parent))
            return;
        throw new BackupFailure(
            ErrorCodes.RepositoryNotFound,
            FailureCategory.NotFound,
            $"The repository '{location}' does not exist, and neither does the folder above it.",
            $"Check the path and that its disk or share is mounted, or create the folder first: New-Item -ItemType Directory '{parent}'.")
        { Target = location };
    }

    public static BackupException NotWritable(string location, string path, Exception exception) => exception is UnsafePathException unsafePath ? Unsafe(unsafePath) : DiskFailures.IsDiskFull(exception)
        ? DiskFailures.From(exception, location, $"writing '{path}'")
        : new BackupFailure(
            ErrorCodes.RepositoryNotWritable,
            FailureCategory.PermissionDenied,
            $"The repository '{location}' cannot be written: {exception.Message}",
            "Check its permissions and that its volume is not mounted read-only, or name another one with -Repository.",
            exception)
        { Target = location };

    public static BackupFailure NotReadable(string path, Exception exception) => exception is UnsafePathException unsafePath ? Unsafe(unsafePath) : new(
        ErrorCodes.ReadFailed,
        exception is UnauthorizedAccessException ? FailureCategory.PermissionDenied : FailureCategory.ReadError,
        exception is UnauthorizedAccessException ? $"This user is not allowed to read '{path}' in the repository." : $"'{path}' cannot be read: {exception.Message}",
        exception is UnauthorizedAccessException ? "Run as the user who makes the backups, or let this one read the repository." : "Check the disk and the permissions, then try again.",
        exception)
    { Target = path };

    // A repository is often a folder that others may write to, and is often read and cleaned by root.
    private static BackupFailure Unsafe(UnsafePathException exception) => new(
        ErrorCodes.UnsafeContent,
        FailureCategory.InvalidData,
        $"'{exception.Path}' in the repository {exception.Reason}: it was neither followed nor opened.",
        "DbBackup puts nothing of that kind into a repository. Look who did (ls -l), and remove it, or move what it leads to into its place.",
        exception)
    { Target = exception.Path };

    public static BackupFailure TooLarge(string path, long length) => new(
        ErrorCodes.ReadFailed,
        FailureCategory.InvalidData,
        $"'{path}' has {ByteSize.Format(length)}; what it should be has at most {ByteSize.Format(StoredObject.LargestSmall)}.",
        "DbBackup did not write it like that. Look who did, and replace it by the same file of a copy of this repository, or remove it.")
    { Target = path };

    public static BackupFailure NotDeletable(string path, Exception exception) => exception is UnsafePathException unsafePath ? Unsafe(unsafePath) : new(
        ErrorCodes.RepositoryNotWritable,
        FailureCategory.PermissionDenied,
        $"'{path}' cannot be removed: {exception.Message}",
        "Check the permissions of the repository, and that no program has the file open.",
        exception)
    { Target = path };
}
