namespace DbBackup.Engine.Encryption;

/// <summary>To whom a backup is encrypted: to public keys, or by a passphrase. Whoever makes it needs no secret key.</summary>
public sealed class BackupSealing
{
    /// <summary>The word that stands for a passphrase among recipients.</summary>
    public const string PassphraseName = "passphrase";

    private const int MostRecipients = 1000;

    private BackupSealing(IReadOnlyList<IAgeRecipient> recipients) => Recipients = recipients;

    /// <summary>The recipients as they are listed: <c>age1…</c>, or the word <c>passphrase</c>.</summary>
    public IReadOnlyList<string> Names => [.. Recipients.Select(recipient => recipient.ToString()!)];

    /// <summary>The recipients.</summary>
    internal IReadOnlyList<IAgeRecipient> Recipients { get; }

    /// <summary>Encrypts to public keys.</summary>
    /// <param name="recipients">Public keys (<c>age1…</c>).</param>
    /// <exception cref="BackupException">One of them is none (<see cref="ErrorCodes.KeyInvalid"/>), or none is given.</exception>
    public static BackupSealing To(IEnumerable<string> recipients)
    {
        ArgumentNullException.ThrowIfNull(recipients);
        X25519Recipient[] all = [.. recipients.Select(text => RecipientList.Parse(text, null)).Distinct()];
        return all.Length is > 0 and <= MostRecipients ? new BackupSealing(all) : throw new BackupFailure(
            ErrorCodes.KeyInvalid,
            FailureCategory.InvalidArgument,
            all.Length == 0 ? "No recipient was given." : $"{all.Length} recipients were given; a backup has at most {MostRecipients}.",
            "Name the public keys of those who are to open the backup: -Recipient age1…");
    }

    /// <summary>Encrypts by a passphrase.</summary>
    /// <exception cref="BackupException">It is empty.</exception>
    public static BackupSealing By(string passphrase) => string.IsNullOrEmpty(passphrase)
        ? throw new BackupFailure(ErrorCodes.KeyInvalid, FailureCategory.InvalidArgument, "The passphrase is empty.", "Give one of several words: -Passphrase (Read-Host -AsSecureString).")
        : new BackupSealing([new Passphrase(passphrase)]);

    /// <summary>Encrypts by a passphrase that was given before.</summary>
    internal static BackupSealing By(Passphrase passphrase) => new([passphrase]);
}
