using System.Security.Cryptography;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Manifests;
using DbBackup.Engine.Repository.Signatures;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Verification;

/// <summary>Checks what lies beside a backup's payloads: its manifest, the commands to restore it, and the records of its tests.</summary>
internal sealed class SmallFiles(BackupRepository repository, IOperationObserver observer)
{
    /// <summary>The name of the check of the signature, whose outcome is this user's: no record of it is kept for others.</summary>
    public const string SignatureCheck = "backup.json signature";

    private readonly IObjectStore _store = repository.Store;

    /// <summary>Reads each of them and compares it with its hash.</summary>
    /// <param name="backup">The backup.</param>
    /// <param name="manifest">Its manifest.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>What was found. A damaged record of a test counts for nothing and is told, but harms no backup.</returns>
    public async Task<IReadOnlyList<BackupCheck>> CheckAsync(Backup backup, Manifest manifest, CancellationToken cancellationToken)
    {
        string folder = BackupListing.FolderOf(backup);
        var checks = new List<BackupCheck>
        {
            await CheckAsync(BackupListing.ManifestOf(backup), content => Seal.IsWhole(content), "is not what was written", cancellationToken).ConfigureAwait(false),
        };
        if (backup.GetSignature() is { Status: not SignatureStatus.NotSigned } signature)
        {
            // Who signed it is for each user to trust, and no damage of the backup.
            bool passes = signature.Status is SignatureStatus.Valid or SignatureStatus.UnknownSigner or SignatureStatus.OtherRepository;
            checks.Add(new BackupCheck(SignatureCheck, passes, signature.Problem ?? $"signed by {signature.Signer}"));
            if (passes && !signature.IsTrusted)
                observer.Warning($"'{backup}': {signature.Problem}. {SignatureGate.HintFor(signature)}");
        }

        if (manifest.InstructionsSha256 is { } hash)
        {
            checks.Add(await CheckAsync(
                folder + RepositoryKeys.Instructions,
                content => Convert.ToHexStringLower(SHA256.HashData(content)) == hash,
                "is not what was written: do not paste its commands",
                cancellationToken).ConfigureAwait(false));
        }

        if (manifest.Encryption is { } encryption)
        {
            checks.Add(await CheckAsync(
                folder + RepositoryKeys.SealedInstructions,
                content => Convert.ToHexStringLower(SHA256.HashData(content)) == encryption.InstructionsSha256,
                "is not what was written",
                cancellationToken).ConfigureAwait(false));
            StoredKeyFile key = await new BackupKeyFiles(_store, folder).ReadAsync(cancellationToken).ConfigureAwait(false);
            string? problem = key.Problem ?? (key.Record!.Backup == encryption.Recipient ? null : $"its {RepositoryKeys.Key} is that of another backup");
            checks.Add(new BackupCheck($"{RepositoryKeys.Key} checksum", problem is null, problem ?? $"SHA-256 is right; it opens with {key.Recipients}"));
        }

        foreach (StoredObject record in await _store.ListAsync(folder + RepositoryKeys.Tests, cancellationToken).ConfigureAwait(false))
        {
            if ((await CheckAsync(record.Key, content => ManifestJson.ReadTest(content) is not null, "is not what was written", cancellationToken).ConfigureAwait(false)) is { Passed: false } damage)
                observer.Warning($"A record of an earlier test of '{backup}' is damaged and does not count: {_store.Locate(record.Key)} {damage.Detail}. It can be deleted.");
        }

        return checks;
    }

    private async Task<BackupCheck> CheckAsync(string key, Predicate<byte[]> isWhole, string otherwise, CancellationToken cancellationToken)
    {
        string name = $"{key[(key.LastIndexOf('/') + 1)..]} checksum";
        try
        {
            byte[]? content = await _store.ReadAsync(key, cancellationToken).ConfigureAwait(false);
            return content is null ? new BackupCheck(name, false, "is missing")
                : isWhole(content) ? new BackupCheck(name, true, $"{ByteSize.Format(content.Length)} read, SHA-256 is right")
                : new BackupCheck(name, false, otherwise);
        }
        catch (BackupException failure)
        {
            return new BackupCheck(name, false, failure.Message);
        }
    }
}
