using System.Globalization;
using System.Text.Json;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Restores;

/// <summary>
/// The records of the restores that can be undone. They lie in the repository beside the safety backups, so that another machine's
/// administrator finds them too. A record is put when everything is in place, and deleted when the restore has been undone.
/// </summary>
/// <param name="repository">The repository.</param>
internal sealed class RestoreRecords(BackupRepository repository)
{
    private const string Folder = RepositoryKeys.Work + "restores/";

    /// <summary>An identity for a restore that ends now.</summary>
    public static string NewId(DateTimeOffset now) =>
        string.Create(CultureInfo.InvariantCulture, $"{now.UtcDateTime:yyyyMMdd'T'HHmmss'Z'}-{Guid.NewGuid().ToString("N")[..4]}");

    /// <summary>All records of a source, or of all sources, newest first. One that cannot be read does not hide the others.</summary>
    public async Task<IReadOnlyList<RestoreRecord>> ListAsync(string? source, CancellationToken cancellationToken)
    {
        var records = new List<RestoreRecord>();
        foreach (StoredObject each in await repository.Store.ListAsync(source is null ? Folder : $"{Folder}{source}/", cancellationToken).ConfigureAwait(false))
        {
            byte[]? json = await repository.Store.ReadAsync(each.Key, cancellationToken).ConfigureAwait(false);
            try
            {
                if (json is not null)
                    records.Add(RecordJson.Read<RestoreRecord>(json));
            }
            catch (JsonException)
            {
                // Of a newer version, or damaged: what it names is still in the repository.
            }
        }

        return [.. records.OrderByDescending(record => record.Restored).ThenByDescending(record => record.Id, StringComparer.Ordinal)];
    }

    /// <summary>Adds a record.</summary>
    public Task AddAsync(RestoreRecord record, CancellationToken cancellationToken) =>
        repository.Store.PutAsync(KeyOf(record), JsonSerializer.SerializeToUtf8Bytes(record), cancellationToken);

    /// <summary>Deletes a record.</summary>
    public Task RemoveAsync(RestoreRecord record, CancellationToken cancellationToken) => repository.Store.DeleteAsync(KeyOf(record), cancellationToken);

    private static string KeyOf(RestoreRecord record) => $"{Folder}{record.Source}/{record.Id}.json";
}
