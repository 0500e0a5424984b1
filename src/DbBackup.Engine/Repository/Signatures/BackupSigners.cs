namespace DbBackup.Engine.Repository.Signatures;

/// <summary>Lists who has signed the backups of a repository, and approves signers.</summary>
/// <param name="repository">The repository.</param>
public sealed class BackupSigners(BackupRepository repository)
{
    /// <summary>Lists the signers of a repository, and this user's own key.</summary>
    /// <exception cref="BackupException">The repository cannot be read.</exception>
    public async Task<IReadOnlyList<BackupSigner>> ListAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<Backup> backups = await repository.ListAsync(null, cancellationToken).ConfigureAwait(false);
        Guid id = await repository.ReadIdAsync(cancellationToken).ConfigureAwait(false) ?? Guid.Empty;
        string? own = repository.Signers?.FindKey()?.PublicKey;
        RepositoryMemory known = repository.Signers?.Find(id) ?? new();
        var signers = new List<BackupSigner>();
        // A signature that does not fit says nothing of the key beside it.
        var signed = backups.Where(backup => backup.GetSignature() is { PublicKey: not null, Status: not SignatureStatus.Changed })
            .GroupBy(backup => (backup.GetSignature()!.PublicKey, backup.GetSignature()!.Repository));
        foreach (IGrouping<(string? PublicKey, Guid? Repository), Backup> group in signed)
        {
            (string key, Guid origin) = (group.Key.PublicKey!, group.Key.Repository!.Value);
            Backup newest = group.MaxBy(backup => backup.Created)!;
            signers.Add(new BackupSigner
            {
                Host = newest.GetSignature()!.Host,
                Fingerprint = newest.GetSignature()!.Fingerprint!,
                PublicKey = key,
                Trust = key == own && origin == id ? SignerTrust.Own
                    : known.Removed.Contains(key) ? SignerTrust.Unknown
                    : known.Approved.Exists(signer => signer.Is(key, origin)) ? SignerTrust.Approved
                    : group.Any(backup => backup.Signature is SignatureStatus.UnknownSigner or SignatureStatus.OtherRepository) ? SignerTrust.Unknown
                    : SignerTrust.FirstUse,
                Repository = repository.Location,
                SignedFor = origin,
                Sources = [.. group.Select(backup => backup.Source).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)],
                Backups = group.Count(),
                Newest = newest.Created,
            });
        }

        if (own is not null && !signers.Exists(signer => signer.PublicKey == own && signer.SignedFor == id))
        {
            signers.Add(new BackupSigner
            {
                Host = Environment.MachineName,
                Fingerprint = SigningKey.FingerprintOf(own),
                PublicKey = own,
                Trust = SignerTrust.Own,
                Repository = repository.Location,
                SignedFor = id,
            });
        }

        return [.. signers.OrderByDescending(signer => signer.Trust).ThenBy(signer => signer.Host, StringComparer.Ordinal).ThenBy(signer => signer.Fingerprint, StringComparer.Ordinal)];
    }

    /// <summary>Trusts a signer for all sources of the repository.</summary>
    /// <exception cref="BackupException">What this user trusts cannot be kept.</exception>
    public async Task<BackupSigner> ApproveAsync(BackupSigner signer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(signer);
        bool isKept = await repository.RememberSignersAsync(
            known =>
            {
                known.Location = repository.Location;
                known.Removed.Remove(signer.PublicKey);
                if (!known.Approved.Exists(each => each.Is(signer.PublicKey, signer.SignedFor)))
                    known.Approved.Add(new KnownSigner(signer.PublicKey, signer.SignedFor, signer.Host, DateTimeOffset.UtcNow));
                return true;
            },
            cancellationToken).ConfigureAwait(false);
        RequireKept(isKept, signer, "approved");
        return signer.Trust == SignerTrust.Own ? signer : signer with { Trust = SignerTrust.Approved };
    }

    /// <summary>No longer trusts a signer's key, whatever source it signs, until it is approved again.</summary>
    /// <exception cref="BackupException">It is this user's own key, or what this user trusts cannot be kept.</exception>
    public async Task<BackupSigner> RemoveAsync(BackupSigner signer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(signer);
        if (signer.Trust == SignerTrust.Own)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument,
                FailureCategory.Refused,
                $"{signer} is this user's own key, with which new backups are signed.",
                "If others may have it, delete signing/ed25519.pem in this user's DbBackup data folder: the next backup makes a new key. Then every other user removes the old one.")
            { Target = signer };
        }

        bool isKept = await repository.RememberSignersAsync(
            known =>
            {
                known.Location = repository.Location;
                known.Approved.RemoveAll(each => each.PublicKey == signer.PublicKey);
                foreach (SourceMemory source in known.Sources.Values)
                    source.Signers.RemoveAll(each => each.PublicKey == signer.PublicKey);
                known.Removed.Add(signer.PublicKey);
                return true;
            },
            cancellationToken).ConfigureAwait(false);
        RequireKept(isKept, signer, "removed");
        return signer with { Trust = SignerTrust.Unknown };
    }

    private void RequireKept(bool isKept, BackupSigner signer, string what)
    {
        if (isKept)
            return;
        throw new BackupFailure(
            ErrorCodes.WriteFailed,
            FailureCategory.WriteError,
            $"The signer {signer} was not {what}: {repository.Signers?.Problem ?? $"there is no repository at '{repository.Location}'"}",
            Platform.UserDataFolder.Hint)
        { Target = signer };
    }
}
