using System.Security.Cryptography;
using System.Text;
using DbBackup.Engine.Encryption;
using DbBackup.Engine.Repository.Manifests;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Repository;

/// <summary>
/// The key of an encrypted backup: <c>key.age</c>, an identity file that is sealed to those who can open the backup, and <c>key.json</c>, which
/// says who they are. Unlike all else in a backup they are replaced, when recipients change.
/// </summary>
/// <param name="store">The store.</param>
/// <param name="folder">The prefix of the backup's files.</param>
internal sealed class BackupKeyFiles(IObjectStore store, string folder)
{
    /// <summary>Seals a backup's key.</summary>
    /// <returns>The contents of both files.</returns>
    public static (byte[] Key, byte[] Record) Seal(X25519Identity key, BackupSealing sealing)
    {
        byte[] file = AgeFile.Seal(Encoding.ASCII.GetBytes($"# public key: {key.Recipient}\n{key.ToSecretText()}\n"), sealing.Recipients);
        string hash = Convert.ToHexStringLower(SHA256.HashData(file));
        byte[] record = ManifestJson.WriteKeyRecord(new KeyRecord { Backup = key.Recipient.ToString(), Recipients = sealing.Names, KeySha256 = hash, Code = CodeOf(sealing.Names, hash, key), Sealed = DateTimeOffset.UtcNow });
        return (file, record);
    }

    /// <summary>True if the recipients were named by someone who can open the backup.</summary>
    public static bool IsGenuine(KeyRecord record, X25519Identity key) => record.Code == CodeOf(record.Recipients, record.KeySha256, key);

    /// <summary>Reads the key's file and who can open it.</summary>
    /// <returns>The pair that is whole; else what is left, with the reason.</returns>
    public async Task<StoredKeyFile> ReadAsync(CancellationToken cancellationToken)
    {
        StoredKeyFile first = await ReadAsync(RepositoryKeys.Key, RepositoryKeys.KeyRecord, cancellationToken).ConfigureAwait(false);
        if (first.Problem is null)
            return first;
        // A change of recipients that was killed has left the new pair whole.
        StoredKeyFile next = await ReadAsync(RepositoryKeys.NextKey, RepositoryKeys.NextKeyRecord, cancellationToken).ConfigureAwait(false);
        return next.Problem is null ? next : first;
    }

    /// <summary>Replaces both files. At each moment there is a pair that is whole, so a process that is killed in between loses no key.</summary>
    public async Task ReplaceAsync(byte[] key, byte[] record, CancellationToken cancellationToken)
    {
        // What a killed change has left. The pair in force is kept until the new one is there.
        StoredKeyFile present = await ReadAsync(RepositoryKeys.Key, RepositoryKeys.KeyRecord, cancellationToken).ConfigureAwait(false);
        StoredKeyFile next = await ReadAsync(RepositoryKeys.NextKey, RepositoryKeys.NextKeyRecord, cancellationToken).ConfigureAwait(false);
        if (present.Problem is null || next.Problem is not null)
        {
            await RemoveAsync(RepositoryKeys.NextKeyRecord, RepositoryKeys.NextKey).ConfigureAwait(false);
            await PutAsync(RepositoryKeys.NextKey, key, RepositoryKeys.NextKeyRecord, record).ConfigureAwait(false);
        }

        await RemoveAsync(RepositoryKeys.KeyRecord, RepositoryKeys.Key).ConfigureAwait(false);
        await PutAsync(RepositoryKeys.Key, key, RepositoryKeys.KeyRecord, record).ConfigureAwait(false);
        await RemoveAsync(RepositoryKeys.NextKeyRecord, RepositoryKeys.NextKey).ConfigureAwait(false);
        await store.FlushAsync(folder, CancellationToken.None).ConfigureAwait(false);
    }

    private static string CodeOf(IReadOnlyList<string> recipients, string keySha256, X25519Identity key) =>
        Convert.ToHexStringLower(key.Authenticate("dbbackup key.json", string.Join('\n', [keySha256, .. recipients])));

    // Not to be cancelled between the files of a pair.
    private async Task PutAsync(string keyFile, byte[] key, string recordFile, byte[] record)
    {
        bool isPut = await store.PutAsync(folder + keyFile, key, CancellationToken.None).ConfigureAwait(false)
            && await store.PutAsync(folder + recordFile, record, CancellationToken.None).ConfigureAwait(false);
        if (isPut && (await ReadAsync(keyFile, recordFile, CancellationToken.None).ConfigureAwait(false)).Problem is null)
            return;
        throw new BackupFailure(
            ErrorCodes.WriteFailed,
            FailureCategory.WriteError,
            $"'{folder}{keyFile}' could not be written to '{store.Location}' and read back: another process may change it at this moment.",
            "Run the command again. The backup can still be opened by those who could before.")
        { Target = folder + keyFile };
    }

    private async Task RemoveAsync(string recordFile, string keyFile)
    {
        await store.DeleteAsync(folder + recordFile, CancellationToken.None).ConfigureAwait(false);
        await store.DeleteAsync(folder + keyFile, CancellationToken.None).ConfigureAwait(false);
    }

    private async Task<StoredKeyFile> ReadAsync(string keyFile, string recordFile, CancellationToken cancellationToken)
    {
        byte[]? key = await store.ReadAsync(folder + keyFile, cancellationToken).ConfigureAwait(false);
        byte[]? json = await store.ReadAsync(folder + recordFile, cancellationToken).ConfigureAwait(false);
        KeyRecord? record = json is null ? null : ManifestJson.ReadKeyRecord(json);
        string? problem = key is null ? $"its {keyFile} is missing"
            : record is null ? $"its {recordFile} is {(json is null ? "missing" : "not what was written")}"
            : record.KeySha256 != Convert.ToHexStringLower(SHA256.HashData(key)) ? $"its {keyFile} is not what was written: its SHA-256 differs" : null;
        return new StoredKeyFile(key, record, problem);
    }
}

/// <summary>The key's file as it was read.</summary>
/// <param name="File">The age file; null if it is missing.</param>
/// <param name="Record">Who can open it; null if that is missing or damaged.</param>
/// <param name="Problem">What is wrong with the two; null if nothing is.</param>
internal sealed record StoredKeyFile(byte[]? File, KeyRecord? Record, string? Problem)
{
    /// <summary>Who can open it, for a message.</summary>
    public string Recipients => Record is null ? "an unknown key" : string.Join(", ", Record.Recipients.Take(10)) + (Record.Recipients.Count > 10 ? ", …" : string.Empty);
}
