using Renci.SshNet.Sftp;

namespace DbBackup.Engine.Repository.Stores.Sftp;

/// <summary>Who else on the server reads or writes the repository's folder.</summary>
internal sealed partial class SftpStore : IExposedStore
{
    /// <inheritdoc/>
    public Task<StoreExposure> FindExposureAsync(CancellationToken cancellationToken) => RunAsync("reading the folder's mode", writes: false, s_short, async (client, _, token) =>
    {
        SftpFileAttributes? folder = await StatAsync(client, _root, token).ConfigureAwait(false);
        SftpFileAttributes? file = await StatAsync(client, $"{_root}/{RepositoryKeys.Identity}", token).ConfigureAwait(false);
        // Files are made private here. Where that left no mark, the server keeps no modes (Windows), and what it shows says nothing.
        if (folder is null || file is null || IsOpen(file))
            return new StoreExposure([], ["the modes of its files"]);
        return new StoreExposure(folder.GroupCanWrite || folder.OthersCanWrite ? ["other users of the server can write to the repository's folder, and so remove and replace backups"] : [], []);
    }, cancellationToken);

    private static bool IsOpen(SftpFileAttributes file) => file.GroupCanRead || file.GroupCanWrite || file.OthersCanRead || file.OthersCanWrite;
}
