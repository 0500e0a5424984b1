using System.Management.Automation;
using System.Security;
using DbBackup.Engine.Encryption;

namespace DbBackup.PowerShell.Parameters;

/// <summary>To whom a new backup is encrypted.</summary>
internal sealed class SealingParameters
{
    /// <summary>Public keys of age, or files of them.</summary>
    [ValidateNotNullOrEmpty]
    public string[]? Recipient { get; set; }

    /// <summary>The passphrase of the backup.</summary>
    [ValidateNotNull]
    public SecureString? Passphrase { get; set; }

    /// <summary>Returns to whom a backup is encrypted; null if it is not.</summary>
    /// <param name="resolvePath">Makes a path absolute, from the shell's location.</param>
    /// <exception cref="BackupException">Both were given, or a recipient is none.</exception>
    public BackupSealing? ToSealing(Func<string, string> resolvePath) => Of(Recipient, Passphrase, "-Passphrase", resolvePath);

    /// <summary>Returns to whom a backup is encrypted; null if neither is given.</summary>
    internal static BackupSealing? Of(string[]? recipients, SecureString? passphrase, string passphraseName, Func<string, string> resolvePath)
    {
        if (recipients is not null && passphrase is not null)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument,
                FailureCategory.InvalidArgument,
                $"-Recipient and {passphraseName} cannot be used together: an age file that is sealed by a passphrase has no other recipient.",
                "Choose one. A secret key can be kept behind a passphrase of its own: age -p.");
        }

        return recipients is not null ? BackupSealing.To(RecipientList.Read(recipients, resolvePath))
            : passphrase is not null ? BackupSealing.By(KeyParameters.Text(passphrase)) : null;
    }
}
