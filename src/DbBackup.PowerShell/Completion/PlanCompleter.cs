using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using DbBackup.Engine.Plans.Definitions;

namespace DbBackup.PowerShell.Completion;

/// <summary>Completes names of plans.</summary>
public sealed class PlanCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        PlanScope[] scopes = LanguagePrimitives.TryConvertTo(fakeBoundParameters["Scope"], out PlanScope only) && fakeBoundParameters.Contains("Scope")
            ? [only]
            : [PlanScope.User, PlanScope.Machine];
        return RepositoryReader.Matching(scopes.SelectMany(Read).DistinctBy(plan => plan.Item1), wordToComplete);
    }

    private static IEnumerable<(string, string)> Read(PlanScope scope)
    {
        try
        {
            return [.. new PlanStore(PlanFolders.Of(scope)).List().Select(file => (file.Name, file.Plan is { } plan ? string.Join("; ", plan.Backup) : "cannot be read"))];
        }
        catch (Exception exception) when (exception is BackupException or IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
