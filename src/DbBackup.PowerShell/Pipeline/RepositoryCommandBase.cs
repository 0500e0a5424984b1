using System.ComponentModel;
using System.Management.Automation;
using DbBackup.Engine.Encryption;
using DbBackup.Engine.Repository;
using DbBackup.PowerShell.Arguments;
using DbBackup.PowerShell.Parameters;

namespace DbBackup.PowerShell.Pipeline;

/// <summary>A command that works on a repository.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class RepositoryCommandBase : EngineCommandBase
{
    private readonly KeyRing _keys = new();
    private bool _hasKeys;

    private protected BackupRepository OpenRepository(string? repository) => BackupRepository.At(RepositoryArgument.Resolve(repository, ResolvePath), _keys);

    /// <summary>Returns a backup with all that its manifest says: an encrypted one is opened with the keys that were given, or that the user is asked for.</summary>
    private protected Backup Opened(Backup backup, KeyParameters given)
    {
        if (backup.Manifest is not { IsSealed: true } || backup.Problem is not null)
            return backup;
        BackupRepository repository = OpenRepository(backup.Repository);
        RequireKeys(backup, repository, given);
        return Run((_, token) => new EncryptedBackups(repository).OpenAsync(backup, token));
    }

    /// <summary>Takes the keys that were given, once; asks for the passphrase of a backup that has one, if a user can answer.</summary>
    private protected void RequireKeys(Backup backup, BackupRepository repository, KeyParameters given)
    {
        if (!_hasKeys)
        {
            given.AddTo(_keys, ResolvePath, SessionInput.CanAsk(Host) ? Ask : null);
            _hasKeys = true;
        }

        if (_keys.HasPassphrase || !SessionInput.CanAsk(Host) || !Run((_, token) => new EncryptedBackups(repository).RecipientsAsync(backup, token)).Contains(BackupSealing.PassphraseName))
            return;
        if (Ask($"Passphrase of backup '{backup}'") is { Length: > 0 } passphrase)
            _keys.AddPassphrase(KeyParameters.Text(passphrase));
    }

    /// <summary>Takes the keys that were given for an upgrade whose backup is encrypted; asks for its passphrase, if a user can answer.</summary>
    private protected KeyRing TakeKeys(KeyParameters given, UpgradeResult upgrade)
    {
        bool canAsk = SessionInput.CanAsk(Host);
        given.AddTo(_keys, ResolvePath, canAsk ? Ask : null);
        if (!_keys.HasPassphrase && canAsk && upgrade.Recipients.Contains(BackupSealing.PassphraseName) && Ask($"Passphrase of the backup of upgrade {upgrade.Id}") is { Length: > 0 } passphrase)
            _keys.AddPassphrase(KeyParameters.Text(passphrase));
        return _keys;
    }

    private System.Security.SecureString? Ask(string what)
    {
        Host.UI.Write($"{what}: ");
        return Host.UI.ReadLineAsSecureString();
    }

    /// <summary>
    /// Asks, where the preferences want it, and prints under -WhatIf. In a session that cannot ask, the missing parameter is named
    /// instead of waiting.
    /// </summary>
    /// <param name="description">What will be done; shown by -WhatIf and -Verbose.</param>
    /// <param name="question">The question.</param>
    /// <param name="caption">Its heading.</param>
    /// <param name="force">True if the question is skipped.</param>
    /// <param name="impact">What the command says of its impact: a session asks from its preference on.</param>
    private protected bool Confirmed(string description, string question, string caption, bool force, ConfirmImpact impact = ConfirmImpact.High)
    {
        bool confirmGiven = MyInvocation.BoundParameters.TryGetValue("Confirm", out object? confirm);
        bool whatIf = IsWhatIf();
        if (!whatIf && force && !confirmGiven)
            return true;
        bool asks = confirmGiven
            ? confirm is SwitchParameter { IsPresent: true }
            : LanguagePrimitives.ConvertTo<ConfirmImpact>(SessionState.PSVariable.GetValue("ConfirmPreference", ConfirmImpact.High)) is not ConfirmImpact.None and var preference && preference <= impact;
        if (asks && !whatIf && !SessionInput.CanAsk(Host))
        {
            throw new BackupFailure(
                ErrorCodes.ConfirmationRequired,
                FailureCategory.Refused,
                $"This needs a confirmation, and the session cannot ask: {description.Split('\n')[0].TrimEnd(':')}.",
                $"Nothing was changed. Pass -Confirm:$false to answer in advance, or -WhatIf to see what would be done.");
        }

        return ShouldProcess(description, question, caption);
    }

    /// <summary>True if only a plan is wanted.</summary>
    private protected bool IsWhatIf() =>
        MyInvocation.BoundParameters.TryGetValue("WhatIf", out object? given)
            ? given is SwitchParameter { IsPresent: true }
            : LanguagePrimitives.IsTrue(SessionState.PSVariable.GetValue("WhatIfPreference", false));
}
