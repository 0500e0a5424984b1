namespace DbBackup;

/// <summary>A new key for encrypted backups, as New-DbBackupKey emits it. The secret half is in the file alone.</summary>
/// <param name="Recipient">The public key (<c>age1…</c>), to which backups are encrypted.</param>
/// <param name="Path">The file with the secret key, which opens them.</param>
public sealed record BackupKeyFile(string Recipient, string Path)
{
    /// <summary>Returns the public key, so that the object can be given where a recipient is wanted.</summary>
    public override string ToString() => Recipient;
}
