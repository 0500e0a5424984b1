using Azure.Storage.Blobs.Models;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Repository.Stores;

/// <summary>A remote server of a test's own, as another process finds it.</summary>
internal sealed class RemotePlace : IDisposable
{
    private readonly IDisposable _server;
    private readonly TempFolder? _folder;

    private RemotePlace(IDisposable server, string location, IObjectStore store, TempFolder? folder = null)
    {
        _server = server;
        _folder = folder;
        Location = location;
        Store = store;
    }

    /// <summary>The kinds of servers: an S3 server in this process that lists its unfinished uploads, and four programs.</summary>
    public static string[] Kinds { get; } = ["s3", "s3rver", "azure", "sftp", "rclone"];

    public string Location { get; }

    public IObjectStore Store { get; }

    /// <summary>Variables in which another process finds the login.</summary>
    public Dictionary<string, string> Environment { get; private init; } = [];

    /// <summary>What an upload left at the server that no listing of the store shows.</summary>
    public Func<IEnumerable<string>> Hidden { get; private init; } = () => [];

    public static RemotePlace Open(string kind)
    {
        switch (kind)
        {
            case "s3":
                var bucket = new S3Double();
                return new(bucket, bucket.Location("store"), bucket.Open("store", patience: 60))
                {
                    Environment = new() { ["AWS_ACCESS_KEY_ID"] = S3Double.KeyId, ["AWS_SECRET_ACCESS_KEY"] = S3Double.Secret },
                    Hidden = () => bucket.Uploads,
                };
            case "s3rver":
                // It has no list of unfinished uploads, so nobody can tell what it keeps of them.
                var s3rver = new S3Rver();
                return new(s3rver, s3rver.Location("store"), s3rver.Open("store")) { Environment = new() { ["AWS_ACCESS_KEY_ID"] = "S3RVER", ["AWS_SECRET_ACCESS_KEY"] = "S3RVER" } };
            case "azure":
                var azurite = new AzuriteServer();
                return new(azurite, azurite.Address("store").Text, azurite.Open("store")) { Environment = new() { ["AZURE_STORAGE_KEY"] = azurite.Key }, Hidden = () => UncommittedOf(azurite) };
            case "sftp":
                var sshd = new OpenSshServer();
                var folder = new TempFolder();
                Directory.CreateDirectory(folder["store"]);
                return new(sshd, sshd.Location(folder["store"]), sshd.Open(folder["store"]), folder) { Hidden = () => Directory.EnumerateFiles(folder["store"], "*.tmp", SearchOption.AllDirectories) };
            default:
                var remotes = new RcloneRemotes();
                return new(remotes, "rclone:sealed:store", RcloneRemotes.Open("sealed:store"));
        }
    }

    /// <summary>Asserts that nothing is there but whole backups, and that nobody is at work.</summary>
    public async Task AssertNothingLeftAsync(IEnumerable<Backup> backups)
    {
        string[] folders = [.. backups.Select(backup => $"{backup.Source}/{backup.Name}/")];
        Assert.All(
            (await Store.ListAsync(string.Empty, CancellationToken.None)).Select(each => each.Key).Where(key => key[0] != '.' && key != RepositoryKeys.Identity),
            key => Assert.Contains(folders, folder => key.StartsWith(folder, StringComparison.Ordinal)));
        Assert.Empty((await Store.ListAsync(RepositoryKeys.Leases, CancellationToken.None)).Select(each => each.Key));
        Assert.Empty((await Store.ListAsync(RepositoryKeys.Copies, CancellationToken.None)).Select(each => each.Key));
        Assert.Empty(Hidden());
    }

    public void Dispose()
    {
        _server.Dispose();
        _folder?.Dispose();
    }

    private static string[] UncommittedOf(AzuriteServer server)
    {
        string[] NamesOf(BlobStates states) => [.. server.Service.GetBlobContainerClient(server.Container).GetBlobs(BlobTraits.None, states, null, CancellationToken.None).Select(blob => blob.Name)];
        return [.. NamesOf(BlobStates.Uncommitted).Except(NamesOf(BlobStates.None))];
    }
}
