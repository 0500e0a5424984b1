using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using DbBackup.Upgrades;

namespace DbBackup.PowerShell.Completion;

/// <summary>Completes names of upgrades.</summary>
public sealed class UpgradeCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        ArgumentNullException.ThrowIfNull(wordToComplete);
        return new UpgradeService().List()
            .Where(upgrade => upgrade.Id.StartsWith(wordToComplete.Trim('\'', '"'), StringComparison.OrdinalIgnoreCase))
            .Select(upgrade => new CompletionResult(CommandText.Quote(upgrade.Id), upgrade.Id, CompletionResultType.ParameterValue, $"{upgrade.Target}, {upgrade.State}"));
    }
}
