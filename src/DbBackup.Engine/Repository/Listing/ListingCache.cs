using System.Security.Cryptography;
using System.Text;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Repository.Listing;

/// <summary>
/// What listings of remote repositories read before, in this user's cache folder: a folder for each repository, a file for each source. An object is
/// taken from it only if the store lists the same key with the same version. It holds the bytes as they lie in the repository, so that hashes,
/// signatures and sealed details mean what they mean there; it can be deleted at any time.
/// </summary>
/// <param name="folder">The folder; null for a user who has none.</param>
internal sealed class ListingCache(string? folder)
{
    private static readonly TimeSpan s_unused = TimeSpan.FromDays(90);

    /// <summary>The cache of the user that runs this process.</summary>
    public static ListingCache OfUser { get; } = new(UserDataFolder.FindCache("listings"));

    /// <summary>Opens the listings of one repository; null without a folder.</summary>
    /// <param name="repository">The repository's id.</param>
    /// <param name="location">Its location: a copy of a repository has the same id and other versions.</param>
    public RepositoryCache? Open(Guid repository, string location) =>
        folder is null ? null : new RepositoryCache(Path.Join(folder, NameOf($"{repository:D} {location}")), repository, location, this);

    /// <summary>Deletes what belongs to repositories that were not listed for a long time.</summary>
    public void Sweep()
    {
        try
        {
            foreach (string each in Directory.EnumerateDirectories(folder!).Where(each => DateTime.UtcNow - Directory.GetLastWriteTimeUtc(each) > s_unused && FolderRemoval.IsOwn(each)).ToList())
                FolderRemoval.DeleteOwn(each);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It is in nobody's way.
        }
    }

    /// <summary>The name of a file or folder: what it stands for may have characters that a file system does not take.</summary>
    public static string NameOf(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..32];
}
