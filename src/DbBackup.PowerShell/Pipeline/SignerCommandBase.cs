using System.ComponentModel;
using System.Management.Automation;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Signatures;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Parameters;

namespace DbBackup.PowerShell.Pipeline;

/// <summary>A command that changes which signers of a repository this user trusts.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
[ParameterGroup<RepositoryParameters>(Members = [nameof(Repository)], ValueFromPipelineByPropertyName = true)]
public abstract partial class SignerCommandBase : RepositoryCommandBase
{
    private const int ShortestFingerprint = 16;

    /// <summary>The fingerprint of the signer's key, its first 16 digits at least, or the signer as it is printed: <c>nas (3f9a1c2b44d0e6f1)</c>.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("Fingerprint")]
    [ArgumentCompleter(typeof(SignerCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Signer { get; set; } = [];

    /// <summary>Emits the signers.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <summary>What is done, for -WhatIf and the question.</summary>
    private protected abstract string Verb { get; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (string signer in Signer)
            TryEach(signer, () => Change(FingerprintOf(signer)));
    }

    /// <summary>Changes what this user thinks of a signer.</summary>
    private protected abstract Task<BackupSigner> ChangeAsync(BackupSigners signers, BackupSigner signer, CancellationToken cancellationToken);

    // As BackupSigner and a backup's Signer have it.
    private static string FingerprintOf(string signer) =>
        signer.LastIndexOf('(') is var open and > 0 && signer.EndsWith(')') ? signer[(open + 1)..^1] : signer;

    private void Change(string fingerprint)
    {
        BackupRepository repository = OpenRepository(Repository);
        if (fingerprint.Length < ShortestFingerprint)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument,
                FailureCategory.InvalidArgument,
                $"'{fingerprint}' is too short for a fingerprint: another key could be made that begins with it.",
                $"Give at least {ShortestFingerprint} of its 64 digits.")
            { Target = fingerprint };
        }

        var signers = new BackupSigners(repository);
        BackupSigner[] found = [.. Run((_, token) => signers.ListAsync(token)).Where(signer => signer.Fingerprint.StartsWith(fingerprint, StringComparison.OrdinalIgnoreCase))];
        if (found.Length == 0)
        {
            throw new BackupFailure(
                ErrorCodes.SignerNotFound,
                FailureCategory.NotFound,
                $"No backup in '{repository.Location}' is signed by a key with the fingerprint '{fingerprint}'.",
                "See its signers with Get-DbBackupSigner.")
            { Target = fingerprint };
        }

        foreach (BackupSigner signer in found)
        {
            if (!ShouldProcess($"signer {signer}, {signer.Backups} backups of {string.Join(", ", signer.Sources)} in '{repository.Location}'", Verb))
                continue;
            BackupSigner changed = Run((_, token) => ChangeAsync(signers, signer, token));
            if (PassThru)
                WriteObject(changed);
        }
    }
}
