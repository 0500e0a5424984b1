using DbBackup.Engine.Repository.Manifests;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Repository;

/// <summary>Reads what keeps a backup from being removed: a file beside its manifest.</summary>
internal static class HoldFile
{
    /// <summary>The key of a backup's hold.</summary>
    public static string KeyOf(Backup backup) => BackupListing.FolderOf(backup) + RepositoryKeys.Hold;

    /// <summary>Reads a hold; null if there is none. One that cannot be read is one for ever: what it protects is not known.</summary>
    public static Task<BackupHold?> ReadAsync(IObjectStore store, string key, CancellationToken cancellationToken) => ReadAsync(token => store.ReadAsync(key, token), cancellationToken);

    /// <inheritdoc cref="ReadAsync(IObjectStore, string, CancellationToken)"/>
    /// <param name="read">Reads its file.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public static async Task<BackupHold?> ReadAsync(Func<CancellationToken, Task<byte[]?>> read, CancellationToken cancellationToken)
    {
        try
        {
            return await read(cancellationToken).ConfigureAwait(false) is { } json ? ManifestJson.ReadHold(json) ?? Unreadable("it is not what was written") : null;
        }
        catch (BackupException failure)
        {
            return Unreadable(failure.Message.TrimEnd('.'));
        }
    }

    private static BackupHold Unreadable(string why) => new() { Reason = $"its {RepositoryKeys.Hold} cannot be read: {why}" };
}
