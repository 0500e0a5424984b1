using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Platform;
using Microsoft.Win32.SafeHandles;

namespace DbBackup.Engine.Docker.Addressing;

/// <summary>
/// Finds where files of a container lie on this machine. Only what is certain counts: the same kernel (in Docker Desktop's virtual machine
/// SQLite's locks are not ours), no link on the way, the same date as the engine sees, and nothing that this user may not read.
/// </summary>
internal static class HostPath
{
    private const int Looks = 3;

    /// <summary>The path here of a container's path; null where it is not to be had.</summary>
    public static async Task<string?> OfAsync(DockerClient client, MountedPath place, CancellationToken cancellationToken)
    {
        // A database that is mounted as a single file has its journal in the container's own file system.
        if (place is not { Mount: { } mount, Source: not null } || place.HasMountsWithin || (!place.IsFolder && place.Relative.Length == 0)
            || !(mount.Type == "bind" || (mount.Type == "volume" && mount.Driver == "local"))
            || !await client.IsSameKernelAsync(cancellationToken).ConfigureAwait(false)
            || Resolve(mount.Source!, place.Relative) is not { } path)
        {
            return null;
        }

        // In a container with the engine's socket, the same path may be another folder.
        for (int look = 0; look < Looks; look++)
        {
            // The application may be changing it right now: the engine's look lies between two of ours.
            if (UnixFile.TryStat(path, out UnixFileFacts before)
                && await client.ContainerArchiveInfoAsync(place.Container, place.Path, cancellationToken).ConfigureAwait(false) is { } stat
                && UnixFile.TryStat(path, out UnixFileFacts after)
                && before.ModifiedUtc <= stat.Mtime.ToUniversalTime() && stat.Mtime.ToUniversalTime() <= after.ModifiedUtc && (uint)after.Permissions % 512 == stat.Mode % 512)
            {
                return await Task.Run(() => CanRead(path, cancellationToken), cancellationToken).ConfigureAwait(false) ? path : null;
            }
        }

        return null;
    }

    /// <summary>The path here of a volume, or of a path in it; null where it is not to be had.</summary>
    public static async Task<string?> OfVolumeAsync(DockerClient client, VolumeModel volume, string? path, CancellationToken cancellationToken) =>
        volume.Driver == "local" && await client.IsSameKernelAsync(cancellationToken).ConfigureAwait(false) && Resolve(volume.Mountpoint, path ?? string.Empty) is { } found
        && await Task.Run(() => CanRead(found, cancellationToken), cancellationToken).ConfigureAwait(false) ? found : null;

    // A link in the mount may lead anywhere on this machine; the container sees another file behind it.
    private static string? Resolve(string mount, string relative)
    {
        string root = UnixFile.RealPath(mount);
        string path = relative.Length == 0 ? root : root.TrimEnd('/') + relative;
        return Path.Exists(path) && UnixFile.RealPath(path) == path ? path : null;
    }

    private static bool CanRead(string path, CancellationToken cancellationToken)
    {
        var warnings = new WarningLog();
        try
        {
            foreach (FolderItem item in new FolderWalk(path, "root", null, warnings).Items(cancellationToken))
            {
                // Root may read everything; to look at the first is enough.
                if (UnixFile.EffectiveUserId == 0)
                    return true;
                if (item.Kind != FileKind.File)
                    continue;
                using SafeFileHandle? file = UnixFile.OpenForReading(item.Path, out int error);
                if (file is null && error is LibC.Eacces or LibC.Eperm)
                    return false;
            }
        }
        catch (BackupFailure failure) when (failure.Code is ErrorCodes.SourceUnreadable or ErrorCodes.SourceNotFound)
        {
            return false;
        }

        return warnings.Unreadable == 0;
    }
}
