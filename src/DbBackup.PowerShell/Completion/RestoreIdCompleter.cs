using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace DbBackup.PowerShell.Completion;

/// <summary>Completes restores that can be undone.</summary>
public sealed class RestoreIdCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        RepositoryReader.Matching(
            RepositoryReader.ReadRestores(fakeBoundParameters)
                .Select(record => (record.Id, $"{record.Source}: the restore of {record.Backup}, {BackupAge.Since(record.Restored)} ago")),
            wordToComplete);
}
