using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace DbBackup.PowerShell.Completion;

/// <summary>Completes the fingerprints of signers: those that are not trusted yet, or those that are where trust is taken away.</summary>
public sealed class SignerCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        RepositoryReader.Matching(
            RepositoryReader.ReadSigners(fakeBoundParameters).Where(signer => commandName.StartsWith("Remove", StringComparison.OrdinalIgnoreCase) ? signer.Trust is SignerTrust.FirstUse or SignerTrust.Approved : signer.Trust == SignerTrust.Unknown)
                .Select(signer => (signer.Fingerprint, $"{signer}, {signer.Backups} backups of {string.Join(", ", signer.Sources)}")),
            wordToComplete);
}
