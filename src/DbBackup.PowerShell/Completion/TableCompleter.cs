using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace DbBackup.PowerShell.Completion;

/// <summary>Completes names of tables, as the newest backup of each source has them.</summary>
public sealed class TableCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        RepositoryReader.Matching(
            RepositoryReader.Read(fakeBoundParameters)
                .DistinctBy(backup => backup.Source, StringComparer.Ordinal)
                .SelectMany(backup => (backup.Manifest?.Payloads ?? []).SelectMany(payload => payload.Fingerprint?.Tables ?? []).Select(table => (table.Name, $"{table.Rows} rows in {backup}")))
                .DistinctBy(table => table.Name, StringComparer.Ordinal),
            wordToComplete);
}
