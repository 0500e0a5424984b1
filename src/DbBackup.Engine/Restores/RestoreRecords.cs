using System.Globalization;
using System.Text.Json;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Restores;

/// <summary>
/// The records of the restores that can be undone. They lie in the repository beside the safety backups, so that another machine's
/// administrator finds them too. A record is written when everything is in place, and deleted when the restore has been undone.
/// </summary>
/// <param name="repository">The repository.</param>
internal sealed class RestoreRecords(BackupRepository repository)
{
    private const string Suffix = ".json";

    /// <summary>An identity for a restore that ends now.</summary>
    public static string NewId(DateTimeOffset now) =>
        string.Create(CultureInfo.InvariantCulture, $"{now.UtcDateTime:yyyyMMdd'T'HHmmss'Z'}-{Guid.NewGuid().ToString("N")[..4]}");

    /// <summary>All records of a source, or of all sources, newest first.</summary>
    public async Task<IReadOnlyList<RestoreRecord>> ListAsync(string? source, CancellationToken cancellationToken)
    {
        var records = new List<RestoreRecord>();
        string folder = Folder(source);
        if (!Directory.Exists(folder))
            return records;
        foreach (string file in Directory.EnumerateFiles(folder, "*" + Suffix, SearchOption.AllDirectories))
        {
            if (JsonSerializer.Deserialize<RestoreRecord>(await File.ReadAllBytesAsync(file, cancellationToken).ConfigureAwait(false)) is { } record)
                records.Add(record);
        }

        return [.. records.OrderByDescending(record => record.Restored).ThenByDescending(record => record.Id, StringComparer.Ordinal)];
    }

    /// <summary>Adds a record.</summary>
    public async Task AddAsync(RestoreRecord record, CancellationToken cancellationToken)
    {
        string folder = Directory.CreateDirectory(Folder(record.Source)).FullName;
        string temporary = Path.Combine(folder, $".{record.Id}.tmp");
        await File.WriteAllBytesAsync(temporary, JsonSerializer.SerializeToUtf8Bytes(record), cancellationToken).ConfigureAwait(false);
        DurableFiles.FlushFile(temporary);
        File.Move(temporary, Path.Combine(folder, record.Id + Suffix), overwrite: true);
        DurableFiles.FlushDirectory(folder);
    }

    /// <summary>Deletes a record.</summary>
    public Task RemoveAsync(RestoreRecord record, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        File.Delete(Path.Combine(Folder(record.Source), record.Id + Suffix));
        return Task.CompletedTask;
    }

    private string Folder(string? source) => Path.Combine(repository.Location, ".dbbackup-restores", source ?? string.Empty);
}
