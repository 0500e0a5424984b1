using System.Text;
using System.Text.Json;
using DbBackup.Engine.Encryption;
using DbBackup.Engine.Repository.Manifests;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Repository;

/// <summary>Opens encrypted backups with the keys that a command has, and changes who can open them.</summary>
/// <param name="repository">The repository.</param>
public sealed class EncryptedBackups(BackupRepository repository)
{
    /// <summary>Returns a backup with all that its manifest says; one that is not encrypted, or cannot be read, comes back as it is.</summary>
    /// <param name="backup">The backup.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="BackupException">
    /// No key was given (<see cref="ErrorCodes.BackupEncrypted"/>), none that was given opens it (<see cref="ErrorCodes.KeyMismatch"/>), or its key is damaged.
    /// </exception>
    public async Task<Backup> OpenAsync(Backup backup, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(backup);
        if (backup.Manifest is not { IsSealed: true } manifest)
            return backup;
        X25519Identity key = repository.Keys.Find(manifest.Id) ?? await OpenKeyAsync(backup, manifest, cancellationToken).ConfigureAwait(false);
        byte[] json = await repository.Store.ReadAsync(BackupListing.ManifestOf(backup), cancellationToken).ConfigureAwait(false)
            ?? throw BackupSelection.NotFound(backup.ToString(), repository.Location);
        try
        {
            Manifest opened = ManifestJson.Open(json, key);
            repository.Keys.Remember(opened.Id, key);
            return backup.WithManifest(opened);
        }
        catch (Exception exception) when (exception is AgeException or JsonException)
        {
            throw Damaged(backup, $"its sealed details cannot be read: {exception.Message.TrimEnd('.')}", exception);
        }
    }

    /// <summary>Who can open a backup: public keys, or the word <c>passphrase</c>; empty for one that is not encrypted.</summary>
    public async Task<IReadOnlyList<string>> RecipientsAsync(Backup backup, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(backup);
        return backup.IsEncrypted && (await FilesOf(backup).ReadAsync(cancellationToken).ConfigureAwait(false)).Record is { } record ? record.Recipients : [];
    }

    /// <summary>Seals a backup's key to others; its payloads stay as they are. Who could open it before, and has kept the key, still can.</summary>
    /// <param name="backup">The backup.</param>
    /// <param name="sealing">To whom.</param>
    /// <param name="cancellationToken">Stops it before anything is changed.</param>
    /// <exception cref="BackupException">It is not encrypted, or cannot be opened.</exception>
    public async Task ChangeRecipientsAsync(Backup backup, BackupSealing sealing, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(backup);
        ArgumentNullException.ThrowIfNull(sealing);
        Manifest manifest = BackupRepository.RequireHeader(backup);
        if (manifest.Encryption is null)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"Backup '{backup}' is not encrypted, so it has no recipients.", "Make a new one with New-DbBackup -Recipient.")
            { Target = backup.ToString() };
        }

        // With the key in hand alone: who cannot read the backup cannot say who can.
        X25519Identity key = await OpenKeyAsync(backup, manifest, cancellationToken).ConfigureAwait(false);
        var leases = new Leases(repository.Store);
        Lease? lease = await leases.TryTakeAsync($"keys/{backup}", LeasePurpose.Write, cancellationToken).ConfigureAwait(false) ?? throw new BackupFailure(
            ErrorCodes.RepositoryBusy, FailureCategory.Busy, $"Another process changes the recipients of '{backup}'.", "Run the command again when it has ended.")
        { Target = backup.ToString() };
        await using (lease.ConfigureAwait(false))
        {
            IAsyncDisposable reading = await repository.ProtectAsync(new BackupKey(backup.Source, backup.Name), cancellationToken).ConfigureAwait(false);
            await using (reading.ConfigureAwait(false))
            {
                (byte[] file, byte[] record) = BackupKeyFiles.Seal(key, sealing);
                await FilesOf(backup).ReplaceAsync(file, record, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Returns what encrypts another backup to the recipients of this one; null for one that is not encrypted.</summary>
    /// <exception cref="BackupException">It is encrypted by a passphrase that was not given.</exception>
    internal async Task<BackupSealing?> SealingOfAsync(Backup backup, CancellationToken cancellationToken)
    {
        if (!backup.IsEncrypted)
            return null;
        StoredKeyFile stored = await FilesOf(backup).ReadAsync(cancellationToken).ConfigureAwait(false);
        if (stored.Record is not { } record)
            throw Damaged(backup, stored.Problem ?? "it is not known who can open it");
        Manifest manifest = BackupRepository.RequireHeader(backup);
        X25519Identity key = repository.Keys.Find(manifest.Id) ?? await OpenKeyAsync(backup, manifest, cancellationToken).ConfigureAwait(false);
        if (!BackupKeyFiles.IsGenuine(record, key))
            throw Damaged(backup, $"the recipients in its {RepositoryKeys.KeyRecord} were named by someone who cannot open it");
        if (!record.Recipients.Contains(BackupSealing.PassphraseName))
            return BackupSealing.To(record.Recipients);
        return repository.Keys.Passphrase is { } passphrase ? BackupSealing.By(passphrase) : throw Locked(backup, stored);
    }

    private BackupKeyFiles FilesOf(Backup backup) => new(repository.Store, BackupListing.FolderOf(backup));

    private async Task<X25519Identity> OpenKeyAsync(Backup backup, Manifest manifest, CancellationToken cancellationToken)
    {
        StoredKeyFile stored = await FilesOf(backup).ReadAsync(cancellationToken).ConfigureAwait(false);
        if (stored.File is null)
            throw Damaged(backup, stored.Problem!);
        if (repository.Keys.IsEmpty)
            throw Locked(backup, stored);
        try
        {
            byte[] text = await Task.Run(() => AgeFile.Open(stored.File, repository.Keys.Identities), cancellationToken).ConfigureAwait(false);
            X25519Identity key = IdentityFile.Parse(Encoding.UTF8.GetString(text), $"{RepositoryKeys.Key} of '{backup}'")[0];
            // What is sealed to the same people may still be another backup's.
            return key.Recipient.ToString() == manifest.Encryption!.Recipient ? key : throw Damaged(backup, $"its {RepositoryKeys.Key} is that of another backup");
        }
        catch (NoMatchingIdentityException)
        {
            throw Locked(backup, stored);
        }
        catch (AgeException exception)
        {
            throw Damaged(backup, $"its {RepositoryKeys.Key} cannot be used: {exception.Message.TrimEnd('.')}", exception);
        }
    }

    private BackupFailure Locked(Backup backup, StoredKeyFile stored)
    {
        bool byPassphrase = stored.Record?.Recipients.Contains(BackupSealing.PassphraseName) == true;
        KeyRing keys = repository.Keys;
        return new BackupFailure(
            keys.IsEmpty ? ErrorCodes.BackupEncrypted : ErrorCodes.KeyMismatch,
            FailureCategory.PermissionDenied,
            keys.IsEmpty ? $"Backup '{backup}' is encrypted, and no key was given. It opens with {Words(stored, byPassphrase)}."
                : byPassphrase && keys.HasPassphrase ? $"The passphrase does not open backup '{backup}'."
                : $"None of the keys that were given opens backup '{backup}'. It opens with {Words(stored, byPassphrase)}.",
            byPassphrase ? "Give its passphrase: -Passphrase (Read-Host -AsSecureString)." : $"Give the file with the secret key: -Identity PATH, or in $env:{KeyRing.EnvironmentVariable}. Its files can be checked without: Test-DbBackup -Level Checksum.")
        { Target = backup.ToString() };
    }

    private static string Words(StoredKeyFile stored, bool byPassphrase) => byPassphrase ? "a passphrase" : $"the secret key of {stored.Recipients}";

    private static BackupFailure Damaged(Backup backup, string reason, Exception? inner = null) => new(
        ErrorCodes.BackupDamaged,
        FailureCategory.InvalidData,
        $"Backup '{backup}' cannot be opened: {reason}.",
        $"Copy this file again from another place that keeps the backup, or use another backup: Get-DbBackup.",
        inner)
    { Target = backup.ToString() };
}
