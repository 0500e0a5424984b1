using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using DbBackup.Engine.Plans.Schedules;

namespace DbBackup.PowerShell.Completion;

/// <summary>Completes the schedulers of this system.</summary>
public sealed class SchedulerCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        RepositoryReader.Matching(SystemSchedulers.All.Select(scheduler => (scheduler.Name, scheduler.Name switch
        {
            "systemd" => "a timer and a service for each plan",
            "cron" => "lines of the user's cron table, or a file in /etc/cron.d",
            _ => "a task of the Task Scheduler",
        })), wordToComplete);
}
