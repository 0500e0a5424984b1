using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace DbBackup.PowerShell.Completion;

/// <summary>Completes retention policies with the ones that are most in use.</summary>
public sealed class RetentionCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        ((string, string)[])
        [
            ("7d,4w,12m", "7 daily, 4 weekly, 12 monthly"),
            ("30d,12w,12m", "30 daily, 12 weekly, 12 monthly"),
            ("24h,7d,4w,12m,3y", "24 hourly, 7 daily, 4 weekly, 12 monthly, 3 yearly"),
            ("within=7d", "all of the last 7 days"),
            ("last=10", "the newest 10"),
        ] is var policies
            // Without quotes, with which a list of values is one text to the shell too.
            ? policies.Where(policy => policy.Item1.StartsWith(wordToComplete, StringComparison.OrdinalIgnoreCase))
                .Select(policy => new CompletionResult(policy.Item1, policy.Item1, CompletionResultType.ParameterValue, policy.Item2))
            : [];
}

/// <summary>Completes time zones.</summary>
public sealed class TimeZoneCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        RepositoryReader.Matching(TimeZoneInfo.GetSystemTimeZones().Select(zone => (zone.Id, zone.DisplayName)), wordToComplete);
}
