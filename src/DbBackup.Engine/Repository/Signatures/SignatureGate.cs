namespace DbBackup.Engine.Repository.Signatures;

/// <summary>Keeps what others may have put into a repository from being restored unseen.</summary>
internal static class SignatureGate
{
    /// <summary>Fails for a backup whose signature is not trusted.</summary>
    /// <param name="backup">The backup.</param>
    /// <param name="force">True if it is used anyway.</param>
    /// <exception cref="BackupException">It is not trusted (<see cref="ErrorCodes.SignatureNotValid"/>).</exception>
    public static void Require(Backup backup, bool force)
    {
        ArgumentNullException.ThrowIfNull(backup);
        if (force || backup.GetSignature() is not { IsTrusted: false } signature)
            return;
        throw new BackupFailure(
            ErrorCodes.SignatureNotValid,
            FailureCategory.Refused,
            $"Backup '{backup}' is not restored: {signature.Problem}. Nothing was changed.",
            HintFor(signature))
        { Target = backup.ToString() };
    }

    /// <summary>What a plan says of a backup that is used anyway, or is not signed; null if there is nothing to say.</summary>
    public static string? WarningOf(Backup backup) => backup.GetSignature() switch
    {
        { IsTrusted: false } signature => $"its signature is not valid ({signature.Status}): {signature.Problem}",
        { Status: SignatureStatus.NotSigned } => "this backup is not signed: it is older than this user's first signed backup of its source, or was made without a key",
        _ => null,
    };

    /// <summary>What to do about a signature that is not trusted.</summary>
    public static string HintFor(BackupSignature signature) => signature.Status switch
    {
        SignatureStatus.UnknownSigner or SignatureStatus.OtherRepository =>
            $"Compare the fingerprint {signature.Fingerprint} with the one that Get-DbBackupSigner shows on {signature.Host ?? "the signer's computer"}; if it is the same, trust it with Approve-DbBackupSigner {signature.Fingerprint![..16]}. -Force restores this backup all the same.",
        SignatureStatus.Missing => "If a run without a key or an older version of the module made it, restore it with -Force; otherwise use another backup (Get-DbBackup), and find out who can write to the repository.",
        SignatureStatus.Replayed => "If the repository itself was set back to an older state on purpose, restore it with -Force; otherwise use another backup (Get-DbBackup), and find out who can write to the repository.",
        _ => "Use another backup (Get-DbBackup), and find out who can write to the repository. -Force restores this one anyway.",
    };

    /// <summary>Why a backup does not count as good, as in <c>is Damaged</c>.</summary>
    public static string WhyNotGood(Backup backup) => backup is { IsSuspect: true, Status: >= BackupStatus.Written } ? $"has a signature that is not valid ({backup.Signature}): {backup.SignatureProblem}" : $"is {backup.Status}";
}
