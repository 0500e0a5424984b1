using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Portability;

/// <summary>What a repository has of foreign files already, by their content.</summary>
public sealed class ImportHistory
{
    private readonly List<Backup> _backups;

    private ImportHistory(IEnumerable<Backup> backups) => _backups = [.. backups];

    /// <summary>Reads the repository; of one that is yet to be created there is nothing.</summary>
    /// <param name="repository">The repository.</param>
    /// <param name="allowNew">True if a new one may take the place of one that was known there and is gone.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="BackupException">It cannot be read.</exception>
    public static async Task<ImportHistory> ReadAsync(BackupRepository repository, bool allowNew, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(repository);
        try
        {
            return new ImportHistory(await repository.ListAsync(null, cancellationToken).ConfigureAwait(false));
        }
        catch (BackupException failure) when (failure.Code == ErrorCodes.RepositoryNotFound || (allowNew && failure.Code == ErrorCodes.RepositoryGone))
        {
            return new ImportHistory([]);
        }
    }

    /// <summary>Returns the good backup that was made of the same content; null if there is none.</summary>
    /// <param name="candidate">The file.</param>
    /// <param name="source">Only one of this source; null for any.</param>
    /// <param name="created">Only one of this time: another one corrects what was imported before; null for any.</param>
    public Backup? Find(ImportCandidate candidate, string? source, DateTimeOffset? created = null)
    {
        ArgumentNullException.ThrowIfNull(candidate);
        return candidate.Sha256 is not { } hash ? null : _backups.Find(backup => backup.Manifest?.ImportedSha256 == hash && backup.IsGood
            && (source is null || backup.Source == source)
            && (created is null || backup.Created == created));
    }

    /// <summary>Returns the good backup of this identity; null if there is none.</summary>
    public Backup? Find(Guid id) => _backups.Find(backup => backup.Manifest?.Id == id && backup.IsGood);

    /// <summary>Adds what has just been imported.</summary>
    public void Add(Backup backup) => _backups.Add(backup);
}
