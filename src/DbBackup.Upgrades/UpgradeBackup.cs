using DbBackup.Engine.Encryption;
using DbBackup.Engine.Repository;

namespace DbBackup.Upgrades;

/// <summary>The backup that an upgrade makes: to whom it is encrypted, and how it is found and opened again.</summary>
internal static class UpgradeBackup
{
    /// <summary>Fails if the source's backups are encrypted and this one would not be: it would lie beside them for everyone to read.</summary>
    /// <param name="request">The upgrade.</param>
    /// <param name="repository">The repository.</param>
    /// <param name="history">The source's backups, newest first.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static async Task RequireSealedAsync(UpgradeRequest request, BackupRepository repository, IReadOnlyList<Backup> history, CancellationToken cancellationToken)
    {
        if (request.Sealing is not null || history.FirstOrDefault(backup => backup.Problem is null && BackupSelection.IsOrdinary(backup)) is not { IsEncrypted: true } last)
            return;
        // Shown, not taken: who may write to the repository could name a recipient there.
        IReadOnlyList<string> recipients = await new EncryptedBackups(repository).RecipientsAsync(last, cancellationToken).ConfigureAwait(false);
        throw new BackupFailure(
            ErrorCodes.RecipientRequired,
            FailureCategory.Refused,
            $"The backups of '{last.Source}' in '{repository.Location}' are encrypted ('{last.Name}' to {string.Join(", ", recipients)}), and the upgrade was not told to whom its own backup is. Nothing was changed.",
            "Say who can open it: -Recipient age1… (or -Passphrase). For a backup in plain form name another repository, on this machine: -Repository PATH.")
        { Target = last.Source };
    }

    /// <summary>Returns the secret key of a backup that this process made; null for one that is not encrypted.</summary>
    public static string? KeyOf(Backup backup, BackupRepository repository) =>
        backup.Manifest is { Encryption: not null } manifest ? repository.Keys.Find(manifest.Id)?.ToSecretText() : null;

    /// <summary>Finds the backup that an upgrade made, and opens it if it is encrypted.</summary>
    /// <exception cref="BackupException">The backup no longer exists, or no key opens it.</exception>
    public static async Task<Backup> FindAsync(UpgradeRecord record, BackupRepository repository, CancellationToken cancellationToken)
    {
        Backup backup = (await repository.ListAsync(record.BackupSource, cancellationToken).ConfigureAwait(false)).FirstOrDefault(backup => backup.Name == record.BackupName)
            ?? throw new BackupFailure(
                ErrorCodes.BackupNotFound,
                FailureCategory.NotFound,
                $"Backup {record.BackupSource}/{record.BackupName} of upgrade {record.Id} was not found in '{repository.Location}'.",
                "Bring it back, or restore another backup: Get-DbBackup, Restore-DbBackup.")
            { Target = record.BackupName };
        // The key of another backup would not fit one that was put in its place.
        if (record.BackupKey is { } text && X25519Identity.TryParse(text) is { } key && backup.Manifest is { Encryption: { } encryption } manifest && encryption.Recipient == key.Recipient.ToString())
            repository.Keys.Remember(manifest.Id, key);
        return await new EncryptedBackups(repository).OpenAsync(backup, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Fails if a rollback could not read the backup, or not encrypt what it replaces: before anything is stopped.</summary>
    /// <exception cref="BackupException">The backup no longer exists, or no key opens it.</exception>
    public static async Task RequireOpenAsync(UpgradeRecord record, BackupRepository repository, CancellationToken cancellationToken)
    {
        if (record.BackupName is null || !record.IsTouched)
            return;
        Backup backup = await FindAsync(record, repository, cancellationToken).ConfigureAwait(false);
        await new EncryptedBackups(repository).SealingOfAsync(backup, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Returns to whom the backup of an upgrade that is resumed is encrypted.</summary>
    /// <exception cref="BackupException">It is encrypted by a passphrase that was not given.</exception>
    public static BackupSealing? SealingOf(UpgradeRecord record, KeyRing keys)
    {
        if (record.Request.Recipients is not { Count: > 0 } recipients)
            return null;
        if (!recipients.Contains(BackupSealing.PassphraseName))
            return BackupSealing.To(recipients);
        return keys.Passphrase is { } passphrase ? BackupSealing.By(passphrase) : throw new BackupFailure(
            ErrorCodes.BackupEncrypted, FailureCategory.PermissionDenied, $"Upgrade {record.Id} encrypts its backup by a passphrase, and none was given.", "Give it: -Passphrase (Read-Host -AsSecureString).")
        { Target = record.Id };
    }
}
