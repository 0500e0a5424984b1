using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Repository;

/// <summary>A repository that was seen at a location.</summary>
/// <param name="Location">The location.</param>
/// <param name="Ids">The ids of the repositories that were accepted there: disks may take turns.</param>
internal sealed record KnownRepository(string Location, IReadOnlyList<Guid> Ids);

/// <summary>
/// Which repositories a user has seen, and where. A disk or share that is not mounted leaves an empty folder, in which a new
/// repository would start without a word; this is how that is noticed.
/// </summary>
/// <param name="folder">The folder of the memory; null for a user who has none.</param>
public sealed class KnownRepositories(string? folder)
{
    private const long LongestFile = 1 << 20;

    /// <summary>The memory of the user that runs this process.</summary>
    public static KnownRepositories OfUser { get; } = new(UserDataFolder.Find("repositories"));

    /// <summary>The ids of the repositories that were seen at a location.</summary>
    public IReadOnlyList<Guid> IdsAt(string location)
    {
        try
        {
            if (folder is null || !File.Exists(FileOf(location)))
                return [];
            using FileStream file = RegularFile.Open(FileOf(location));
            return file.Length > LongestFile ? [] : JsonSerializer.Deserialize(file, RepositoryJsonContext.Default.KnownRepository)?.Ids ?? [];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            return [];
        }
    }

    /// <summary>The locations of all repositories that were seen, the last that was new first. Those that cannot be read are left out.</summary>
    public IReadOnlyList<string> Locations()
    {
        if (folder is null || !Directory.Exists(folder))
            return [];
        var found = new List<(string Location, DateTime Seen)>();
        foreach (string file in Directory.EnumerateFiles(folder, "*.json", new EnumerationOptions { IgnoreInaccessible = true }))
        {
            try
            {
                using FileStream content = RegularFile.Open(file);
                if (content.Length <= LongestFile && JsonSerializer.Deserialize(content, RepositoryJsonContext.Default.KnownRepository) is { Location: { } location })
                    found.Add((location, File.GetLastWriteTimeUtc(file)));
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
            {
                // Removed meanwhile, or no memory of a repository.
            }
        }

        return [.. found.OrderByDescending(each => each.Seen).Select(each => each.Location)];
    }

    /// <summary>Remembers a repository. A user whose data folder cannot be written has no memory.</summary>
    public void Remember(string location, Guid id)
    {
        IReadOnlyList<Guid> ids = IdsAt(location);
        if (folder is null || ids.Contains(id))
            return;
        try
        {
            PrivateFiles.CreateFolder(folder);
            string unfinished = Path.Join(folder, $".{Guid.NewGuid():N}.tmp");
            using (FileStream file = PrivateFiles.CreateNew(unfinished))
            {
                JsonSerializer.Serialize(file, new KnownRepository(location, [.. ids, id]), RepositoryJsonContext.Default.KnownRepository);
                file.Flush(flushToDisk: true);
            }

            File.Move(unfinished, FileOf(location), overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A backup must not fail for it.
        }
    }

    private string FileOf(string location) => Path.Join(
        folder,
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(OperatingSystem.IsWindows() ? location.ToUpperInvariant() : location)))[..32] + ".json");
}
