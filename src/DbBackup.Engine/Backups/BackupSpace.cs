using DbBackup.Engine.Engines;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Backups;

/// <summary>Looks whether everything will fit, before the first byte is written.</summary>
internal static class BackupSpace
{
    // The manifest, RESTORE.txt, file system overhead.
    private const long Margin = 4L << 20;

    // What a new source is taken to shrink to. Uploads are mostly images, which do not shrink at all; databases shrink well,
    // but a wrong guess on this side would refuse a backup that fits.
    private const double RatioOfUnknownSource = 0.5;

    // Of a full backup: what its first difference is taken to be.
    private const double ShareOfFirstDifference = MethodChoice.UsualFullAbove;

    // A source may compress worse than last time.
    private const double SafetyOnHistory = 1.25;

    /// <summary>Fails where the repository's volume, or the staging volume, has too little room.</summary>
    /// <param name="repository">The repository.</param>
    /// <param name="stagingPath">Where uncompressed copies are staged; null for the usual place.</param>
    /// <param name="previews">What is known of its sources.</param>
    /// <param name="history">The source's backups, newest first.</param>
    /// <param name="verify">True if it is restored and compared.</param>
    /// <param name="isFull">True if it is to be stored whole.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="NotEnoughSpaceException">There is too little room.</exception>
    public static async Task RequireAsync(
        BackupRepository repository, string? stagingPath, IReadOnlyList<SourcePreview> previews, IReadOnlyList<Backup> history, bool verify, bool isFull, CancellationToken cancellationToken)
    {
        // A restore test restores one database beside the copy.
        long staging = previews.Sum(preview => preview.StagingBytes) + (verify ? previews.Max(preview => preview.ContentBytes) : 0);
        long stored = (long)(previews.Sum(preview => preview.ContentBytes) * (isFull ? RatioOfFull(history) : RatioOfDifference(history))) + Margin;
        string? hint = previews.Select(preview => preview.StagingHint).FirstOrDefault(each => each is not null);
        long? available = (await repository.Store.ReadPropertiesAsync(cancellationToken).ConfigureAwait(false)).AvailableBytes;
        // What is not on this machine has no room for a staged copy.
        if ((stagingPath ?? (repository.LocalFolder is null ? Path.GetTempPath() : null)) is { } staged)
        {
            if (!Directory.Exists(staged))
            {
                throw new BackupFailure(
                    ErrorCodes.InvalidArgument,
                    FailureCategory.NotFound,
                    $"The staging folder '{staged}' does not exist.",
                    "Create it, or leave -StagingPath out: the copy is then staged in the repository.")
                { Target = staged };
            }

            RequireOne(staged, VolumeSpace.Available(staged), staging, "the staged copy", hint);
            RequireOne(repository.Location, available, stored, "the backup");
            return;
        }

        RequireOne(repository.Location, available, staging + stored, "the backup with its staged copy", hint);
    }

    private static double RatioOfFull(IReadOnlyList<Backup> history) => Ratio(history, isFull: true) ?? RatioOfUnknownSource;

    private static double RatioOfDifference(IReadOnlyList<Backup> history) => Ratio(history, isFull: false) ?? ShareOfFirstDifference * RatioOfFull(history);

    private static double? Ratio(IReadOnlyList<Backup> history, bool isFull)
    {
        Backup? last = history.FirstOrDefault(backup => backup is { IsGood: true, OriginalSize: > 0, IsCollapsed: false } && backup.Parent is null == isFull);
        long restored = last?.Manifest?.Payloads.Sum(payload => payload.RestoredSize) ?? 0;
        return restored == 0 ? null : Math.Min(1.05, (double)last!.Size / restored * SafetyOnHistory);
    }

    private static void RequireOne(string path, long? available, long required, string purpose, string? hint = null)
    {
        if (available is { } free && free < required)
            throw new NotEnoughSpaceException(path, required, free, purpose, hint);
    }
}
