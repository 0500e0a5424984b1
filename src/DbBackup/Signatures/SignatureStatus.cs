namespace DbBackup;

/// <summary>What a backup's signature says of its manifest, as this user on this machine knows the signers.</summary>
public enum SignatureStatus
{
    /// <summary>A signer that is known here has signed this manifest, for this place.</summary>
    Valid,

    /// <summary>It is not signed, and was not expected to be: it is older than the first signed backup of its source.</summary>
    NotSigned,

    /// <summary>The signature fits, but its signer is not known here: <c>Approve-DbBackupSigner</c> makes it known.</summary>
    UnknownSigner,

    /// <summary>A known signer has signed it for another repository, and no copy or import of this user has brought it here.</summary>
    OtherRepository,

    /// <summary>It is not signed, though its source's backups are: the signature may have been removed to hide a change.</summary>
    Missing,

    /// <summary>It was signed as another backup: under another name, or of another source.</summary>
    Misplaced,

    /// <summary>This user has seen a newer backup under this name: an older one was put back in its place.</summary>
    Replayed,

    /// <summary>The signature does not fit the manifest, which was changed after it was signed.</summary>
    Changed,
}
