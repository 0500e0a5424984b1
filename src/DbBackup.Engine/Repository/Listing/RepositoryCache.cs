namespace DbBackup.Engine.Repository.Listing;

/// <summary>The cached objects of one repository.</summary>
/// <param name="folder">Its folder.</param>
/// <param name="repository">The repository's id.</param>
/// <param name="location">The repository's location.</param>
/// <param name="cache">The cache that it is part of.</param>
internal sealed class RepositoryCache(string folder, Guid repository, string location, ListingCache cache)
{
    private const string Extension = ".listing";
    private const string Unfinished = ".tmp";
    private static readonly TimeSpan s_abandoned = TimeSpan.FromHours(1);

    /// <summary>Opens the file of one source.</summary>
    public SourceCache OpenSource(string source) =>
        new(Path.Join(folder, ListingCache.NameOf(source) + Extension), Path.Join(folder, $".{Guid.NewGuid():N}{Unfinished}"), $"{repository:D}\n{location}\n{source}");

    /// <summary>Deletes what belongs to sources that are gone, and what killed processes left.</summary>
    /// <param name="sources">All sources of the repository.</param>
    public void Sweep(IEnumerable<string> sources)
    {
        try
        {
            if (!Directory.Exists(folder))
                return;
            HashSet<string> present = [.. sources.Select(source => ListingCache.NameOf(source) + Extension)];
            foreach (string file in Directory.EnumerateFiles(folder).ToList())
            {
                if (file.EndsWith(Unfinished, StringComparison.Ordinal) ? DateTime.UtcNow - File.GetLastWriteTimeUtc(file) > s_abandoned : !present.Contains(Path.GetFileName(file)))
                    File.Delete(file);
            }

            // Tells that it is in use, also when nothing changes in it.
            if (DateTime.UtcNow - Directory.GetLastWriteTimeUtc(folder) > TimeSpan.FromDays(1))
                Directory.SetLastWriteTimeUtc(folder, DateTime.UtcNow);
            cache.Sweep();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It is in nobody's way.
        }
    }
}
