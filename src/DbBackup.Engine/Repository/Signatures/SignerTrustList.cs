namespace DbBackup.Engine.Repository.Signatures;

/// <summary>What a user says about a repository's signers.</summary>
internal static class SignerTrustList
{
    /// <summary>Trusts a backup that this user has just brought into a repository, by copying or importing it.</summary>
    /// <param name="repository">The repository.</param>
    /// <param name="backup">The backup, judged where it came from or as it lies in the repository.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static Task AcceptAsync(BackupRepository repository, Backup backup, CancellationToken cancellationToken) => repository.RememberSignersAsync(
        known =>
        {
            // Who has seen nothing of the source yet sees it for the first time with the next listing.
            if (backup is not { Manifest: { } manifest, Problem: null } || backup.GetSignature() is not { PublicKey: { } key, Repository: { } origin } signature || !known.Sources.TryGetValue(backup.Source, out SourceMemory? source))
                return false;
            bool isNew = false;
            if (!source.Signers.Exists(signer => signer.Is(key, origin)))
            {
                source.Signers.Add(new KnownSigner(key, origin, signature.Host, DateTimeOffset.UtcNow));
                isNew = true;
            }

            // An older one that was brought back on purpose is the newest of its name.
            if (source.Named.ContainsKey(manifest.Name))
            {
                source.Named[manifest.Name] = new SeenBackup(manifest.Id, manifest.Name, manifest.Sequence, manifest.Completed);
                isNew = true;
            }

            return isNew;
        },
        cancellationToken);

    /// <summary>Accepts a manifest that is not signed, and that this user has just imported.</summary>
    public static Task AcceptNotSignedAsync(BackupRepository repository, string source, byte[] json, CancellationToken cancellationToken) => repository.RememberSignersAsync(
        known => known.Sources.TryGetValue(source, out SourceMemory? memory) && memory.NotSigned.Add(BackupListing.HashOf(json)),
        cancellationToken);

    /// <summary>Forgets a backup that this user has removed: another one may get its name.</summary>
    public static Task ForgetAsync(BackupRepository repository, Backup backup, CancellationToken cancellationToken) => repository.RememberSignersAsync(
        known =>
        {
            if (!known.Sources.TryGetValue(backup.Source, out SourceMemory? source))
                return false;
            bool isNew = source.Named.Remove(backup.Name);
            if (source.Newest is { } newest && newest.Id == backup.Id)
            {
                source.Newest = null;
                isNew = true;
            }

            return isNew;
        },
        cancellationToken);
}
