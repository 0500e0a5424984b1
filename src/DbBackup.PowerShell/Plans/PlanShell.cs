using System.Management.Automation;
using DbBackup.Engine.Plans.Notifications;
using DbBackup.Engine.Plans.Runs;
using DbBackup.Engine.Plans.Secrets;
using DbBackup.Engine.Plans.Status;
using DbBackup.PowerShell.Arguments;

namespace DbBackup.PowerShell.Plans;

/// <summary>Runs the steps of a plan for a cmdlet, whose streams show what they report.</summary>
/// <param name="plan">The plan.</param>
/// <param name="module">This module.</param>
/// <param name="cmdlet">The cmdlet.</param>
/// <param name="wait">Runs asynchronous work to its end; Ctrl+C stops it.</param>
internal sealed class PlanShell(BackupPlan plan, string module, PSCmdlet cmdlet, Action<Func<CancellationToken, Task>> wait) : IPlanShell, IDisposable
{
    private readonly PlanRunspace _runspace = new(module);

    /// <inheritdoc/>
    public PlanCommandResult Run(string command, IReadOnlyDictionary<string, object?> parameters) =>
        _runspace.Run(command, parameters, cmdlet.WriteVerbose, cmdlet.WriteWarning, cmdlet.WriteProgress);

    /// <inheritdoc/>
    public void RunHook(string line, IReadOnlyDictionary<string, string?> environment, Action<string> log) => wait(token => PlanHook.RunAsync(line, environment, log, token));

    /// <inheritdoc/>
    public IReadOnlyList<PlanFailure> Notify(BackupRun run, PlanEvents what)
    {
        if (!plan.Notify.Any(receiver => (receiver.On & what) != 0))
            return [];
        try
        {
            Func<string, string> secrets = FetchSecrets(plan.Notify.Where(receiver => (receiver.On & what) != 0));
            wait(token => new PlanNotifier().SendAsync(plan, run, what, secrets, token));
            return [];
        }
        catch (BackupException failure)
        {
            return [PlanFailure.Of(failure)];
        }
    }

    /// <inheritdoc/>
    public void WriteHealth()
    {
        if (plan.MetricsPath is null && plan.HealthPath is null)
            return;
        string here = cmdlet.SessionState.Path.CurrentFileSystemLocation.ProviderPath;
        var request = new StatusRequest { Locate = text => RepositoryArgument.Resolve(text, path => Path.GetFullPath(path, here)) };
        wait(token => StatusFiles.WriteForAsync(plan, StatusPlan.All(), request, TimeProvider.System, token));
    }

    /// <inheritdoc/>
    public void Report(string text, bool isWarning)
    {
        if (isWarning)
            cmdlet.WriteWarning(ForeignText.Shown(text));
        else
            cmdlet.WriteVerbose(ForeignText.Shown(text));
    }

    /// <summary>Stops the step at work. Called from another thread.</summary>
    public void Stop() => _runspace.Stop();

    /// <inheritdoc/>
    public void Dispose() => _runspace.Dispose();

    // On this thread, to which the runspace belongs. One that is missing is an error where it is needed, so that the others are still told.
    private Func<string, string> FetchSecrets(IEnumerable<PlanNotification> receivers)
    {
        var secrets = new Dictionary<string, Func<string>>(StringComparer.Ordinal);
        foreach (string text in receivers.SelectMany(ReferencesOf).OfType<string>())
        {
            if (secrets.ContainsKey(text) || SecretReference.TryParse(text) is not { } reference)
                continue;
            try
            {
                string value = reference.Resolve(_runspace.FromShell);
                secrets[text] = () => value;
            }
            catch (BackupException missing)
            {
                secrets[text] = () => throw missing;
            }
        }

        return text => secrets.TryGetValue(text, out Func<string>? fetch) ? fetch() : text;
    }

    private static IEnumerable<string?> ReferencesOf(PlanNotification receiver) => receiver switch
    {
        WebhookNotification webhook => [webhook.Url],
        PingNotification ping => [ping.Url],
        MailNotification mail => [mail.Password],
        _ => [],
    };
}
