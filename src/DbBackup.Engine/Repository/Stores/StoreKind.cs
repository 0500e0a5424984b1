using DbBackup.Engine.Repository.Stores.Azure;
using DbBackup.Engine.Repository.Stores.Rclone;
using DbBackup.Engine.Repository.Stores.S3;
using DbBackup.Engine.Repository.Stores.Sftp;

namespace DbBackup.Engine.Repository.Stores;

/// <summary>A kind of remote store: one class and one line.</summary>
/// <param name="Scheme">The scheme of its locations: <c>s3</c>.</param>
/// <param name="Example">A location, as help and errors show it.</param>
/// <param name="Options">The options that its locations may have.</param>
/// <param name="Open">Opens it; touches nothing.</param>
internal sealed record StoreKind(string Scheme, string Example, IReadOnlyList<string> Options, Func<StoreAddress, IObjectStore> Open)
{
    /// <summary>All of them, by scheme. A folder is none of these.</summary>
    public static IReadOnlyDictionary<string, StoreKind> All { get; } = ((IEnumerable<StoreKind>)
    [
        new StoreKind("azblob", "azblob://account/container/prefix", AzureStore.Options, address => new AzureStore(address)),
        new StoreKind("rclone", "rclone:remote:path", RcloneStore.Options, address => new RcloneStore(address)),
        new StoreKind("s3", "s3://bucket/prefix", S3Options.Names, address => new S3Store(address)),
        new StoreKind("sftp", "sftp://user@host/path", SftpStore.Options, address => new SftpStore(address)),
    ]).ToDictionary(kind => kind.Scheme, StringComparer.Ordinal);
}
