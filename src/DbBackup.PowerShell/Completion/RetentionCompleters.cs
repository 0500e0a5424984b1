using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace DbBackup.PowerShell.Completion;

/// <summary>Completes retention policies with the ones that are most in use.</summary>
public sealed class RetentionCompleter : IArgumentCompleter
{
    private static readonly (string Policy, string Meaning)[] s_policies =
    [
        ("7d,4w,12m", "7 daily, 4 weekly, 12 monthly"),
        ("30d,12w,12m", "30 daily, 12 weekly, 12 monthly"),
        ("24h,7d,4w,12m,3y", "24 hourly, 7 daily, 4 weekly, 12 monthly, 3 yearly"),
        ("within=7d", "all of the last 7 days"),
        ("last=10", "the newest 10"),
    ];

    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        // Without quotes: the list of values that the shell reads is the same policy.
        s_policies.Where(each => each.Policy.StartsWith(wordToComplete, StringComparison.OrdinalIgnoreCase))
            .Select(each => new CompletionResult(each.Policy, each.Policy, CompletionResultType.ParameterValue, each.Meaning));
}

/// <summary>Completes time zones.</summary>
public sealed class TimeZoneCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        RepositoryReader.Matching(TimeZoneInfo.GetSystemTimeZones().Select(zone => (zone.Id, zone.DisplayName)), wordToComplete);
}
