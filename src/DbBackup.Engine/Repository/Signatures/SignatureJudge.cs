namespace DbBackup.Engine.Repository.Signatures;

/// <summary>
/// Decides what signatures are worth to a user. Who had signed a source's backups when the user first saw them is trusted for that source from then
/// on, and so is the user's own key everywhere: whoever may write to the repository cannot add a signer, or take one away.
/// </summary>
/// <param name="memory">What the user knows of the repository; null if nothing.</param>
/// <param name="ownKey">The public key of the user on this machine; null without one.</param>
/// <param name="repository">The repository's id.</param>
/// <param name="isExpected">False if the user knows another repository at this location: then no signer is trusted for being there first.</param>
internal sealed class SignatureJudge(RepositoryMemory? memory, string? ownKey, Guid repository, bool isExpected)
{
    /// <summary>Judges backups, each beside those of its source.</summary>
    /// <param name="listed">All backups of one source or of several; one alone if only that was asked for.</param>
    public IReadOnlyList<(ListedBackup Backup, BackupSignature? Signature)> Judge(IReadOnlyCollection<ListedBackup> listed) =>
        [.. listed.GroupBy(backup => backup.Source, StringComparer.Ordinal).SelectMany(JudgeSource)];

    /// <summary>Learns from what was judged: of whole sources only.</summary>
    /// <returns>True if something is new.</returns>
    public bool Learn(RepositoryMemory into, IReadOnlyCollection<(ListedBackup Backup, BackupSignature? Signature)> judged)
    {
        bool isNew = false;
        // A repository that has taken the place of another one has to be approved.
        if (!isExpected)
            return false;
        foreach (IGrouping<string, (ListedBackup Backup, BackupSignature? Signature)> source in judged.GroupBy(each => each.Backup.Source, StringComparer.Ordinal))
        {
            (ListedBackup Backup, BackupSignature Signature)[] valid = [.. source.Where(each => each is { Signature.Status: SignatureStatus.Valid, Backup.Manifest: not null }).Select(each => (each.Backup, each.Signature!))];
            if (valid.Length == 0)
                continue;
            if (!into.Sources.TryGetValue(source.Key, out SourceMemory? known))
            {
                into.Sources[source.Key] = known = new SourceMemory { NotSigned = [.. source.Where(each => each.Signature?.Status == SignatureStatus.NotSigned).Select(each => each.Backup.Hash)] };
                isNew = true;
            }

            foreach ((ListedBackup backup, BackupSignature signature) in valid)
                isNew |= LearnBackup(known, backup, signature);
        }

        return isNew;
    }

    private static bool LearnBackup(SourceMemory known, ListedBackup backup, BackupSignature signature)
    {
        bool isNew = false;
        if (!known.Signers.Exists(signer => signer.Is(signature.PublicKey!, signature.Repository!.Value)))
        {
            known.Signers.Add(new KnownSigner(signature.PublicKey!, signature.Repository!.Value, signature.Host, DateTimeOffset.UtcNow));
            isNew = true;
        }

        Manifest manifest = backup.Manifest!;
        var seen = new SeenBackup(manifest.Id, manifest.Name, manifest.Sequence, manifest.Completed);
        if (!BackupName.IsAutomatic(manifest.Name) && (!known.Named.TryGetValue(manifest.Name, out SeenBackup? before) || before != seen))
        {
            known.Named[manifest.Name] = seen;
            isNew = true;
        }

        if (manifest.Sequence > (known.Newest?.Sequence ?? 0))
        {
            known.Newest = seen;
            isNew = true;
        }

        return isNew;
    }

    private IEnumerable<(ListedBackup, BackupSignature?)> JudgeSource(IGrouping<string, ListedBackup> source)
    {
        SourceMemory? known = memory?.Sources.GetValueOrDefault(source.Key);
        // What is older than the first signature is from before signing.
        long? firstSigned = source.Where(backup => backup is { Signed.Fits: true, Manifest: not null }).Min(backup => backup.Manifest?.Sequence);
        foreach (ListedBackup backup in source)
            yield return (backup, JudgeBackup(backup, known, firstSigned));
    }

    private BackupSignature? JudgeBackup(ListedBackup backup, SourceMemory? known, long? firstSigned)
    {
        if (backup.Signed is not { } signed)
        {
            return backup.IsAltered ? Bad(SignatureStatus.Changed, "its manifest is not what was written")
                : backup.Manifest is null ? null
                : WhyMissing(backup, known, firstSigned) is { } missing ? Bad(SignatureStatus.Missing, missing)
                : Bad(SignatureStatus.NotSigned, null);
        }

        var signature = new BackupSignature
        {
            Status = SignatureStatus.Valid,
            Host = backup.Manifest?.Host,
            PublicKey = signed.PublicKey,
            Fingerprint = SigningKey.FingerprintOf(signed.PublicKey),
            Repository = signed.Repository,
        };
        if (!signed.Fits || backup.IsAltered)
            return signature with { Status = SignatureStatus.Changed, Problem = "its manifest was changed after it was signed" };
        if (backup.Manifest is not { } manifest)
            return signature;
        if (backup.IsMisplaced)
            return signature with { Status = SignatureStatus.Misplaced, Problem = $"it was signed as '{manifest.Source.Name}/{manifest.Name}'" };
        if (memory?.Removed.Contains(signed.PublicKey) == true)
            return signature with { Status = SignatureStatus.UnknownSigner, Problem = $"its signer, {signature.Signer}, is one that this user no longer trusts" };
        if (!IsTrusted(signed, known))
        {
            return KnowsKey(signed.PublicKey, known)
                ? signature with { Status = SignatureStatus.OtherRepository, Problem = $"{signature.Signer} signed it for another repository ({signed.Repository}), and this user has not copied or imported it" }
                : signature with
                {
                    Status = SignatureStatus.UnknownSigner,
                    Problem = isExpected ? $"its signer, {signature.Signer}, is not known to this user" : $"its signer, {signature.Signer}, is not known to this user, and the repository is not the one that was at this location before",
                };
        }

        return known?.Named.GetValueOrDefault(manifest.Name) is { } newer && newer.IsAfter(manifest)
            ? signature with { Status = SignatureStatus.Replayed, Problem = $"it is older than the backup that this user has seen under its name (written {newer.Completed.ToLocalTime():yyyy-MM-dd HH:mm:ss})" }
            : signature;
    }

    private string? WhyMissing(ListedBackup backup, SourceMemory? known, long? firstSigned)
    {
        if (known is not null)
            return known.NotSigned.Contains(backup.Hash) ? null : $"it is not signed, though this user knows signed backups of '{backup.Source}'";
        if (firstSigned is { } first && backup.Manifest!.Sequence > first)
            return $"it is not signed, though older backups of '{backup.Source}' are";
        return isExpected ? null : "it is not signed, and the repository is not the one that was at this location before";
    }

    private bool IsTrusted(ManifestSignature signed, SourceMemory? known) =>
        (signed.PublicKey == ownKey && signed.Repository == repository)
        || (known is null && isExpected)
        || known?.Signers.Exists(signer => signer.Is(signed.PublicKey, signed.Repository)) == true
        || memory?.Approved.Exists(signer => signer.Is(signed.PublicKey, signed.Repository)) == true;

    private bool KnowsKey(string publicKey, SourceMemory? known) =>
        publicKey == ownKey || known?.Signers.Exists(signer => signer.PublicKey == publicKey) == true || memory?.Approved.Exists(signer => signer.PublicKey == publicKey) == true;

    private static BackupSignature Bad(SignatureStatus status, string? problem) => new() { Status = status, Problem = problem };
}
