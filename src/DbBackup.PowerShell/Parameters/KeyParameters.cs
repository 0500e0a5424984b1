using System.Collections;
using System.Management.Automation;
using System.Net;
using System.Security;
using DbBackup.Engine.Encryption;

namespace DbBackup.PowerShell.Parameters;

/// <summary>What opens encrypted backups.</summary>
internal sealed class KeyParameters
{
    /// <summary>Files with secret keys of age, or the keys themselves.</summary>
    [ValidateNotNullOrEmpty]
    public object[]? Identity { get; set; }

    /// <summary>The passphrase of the backup, or of an identity file.</summary>
    [ValidateNotNull]
    public SecureString? Passphrase { get; set; }

    /// <summary>Puts what was given, or else what the environment names, into a ring of keys.</summary>
    /// <param name="keys">The ring.</param>
    /// <param name="resolvePath">Makes a path absolute, from the shell's location.</param>
    /// <param name="ask">Asks for the passphrase of an identity file; null if the user cannot be asked.</param>
    public void AddTo(KeyRing keys, Func<string, string> resolvePath, Func<string, SecureString?>? ask)
    {
        if (Passphrase is not null)
            keys.AddPassphrase(Text(Passphrase));
        IEnumerable given = Identity ?? (Environment.GetEnvironmentVariable(KeyRing.EnvironmentVariable) is { Length: > 0 } variable && Passphrase is null ? [variable] : []);
        foreach (object each in given)
        {
            string text = (each is PSObject wrapped ? wrapped.BaseObject : each) switch
            {
                SecureString secret => Text(secret),
                FileSystemInfo file => file.FullName,
                BackupKeyFile key => key.Path,
                string plain => plain,
                var other => throw new BackupFailure(
                    ErrorCodes.KeyInvalid, FailureCategory.InvalidArgument, $"-Identity takes the path of a file or a secret key, not a {other.GetType().Name}.", "Name the file that New-DbBackupKey or age-keygen wrote."),
            };
            if (!KeyRing.IsSecret(text) && !keys.HasPassphrase && ask is not null && IdentityFile.NeedsPassphrase(resolvePath(text)) && ask($"Passphrase of '{text}'") is { } answer)
                keys.AddPassphrase(Text(answer));
            keys.AddIdentity(text, resolvePath);
        }
    }

    /// <summary>The text of a secret.</summary>
    internal static string Text(SecureString secret) => new NetworkCredential(string.Empty, secret).Password;
}
