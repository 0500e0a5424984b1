using System.Net.Security;

namespace DbBackup.Engine.Plans.Notifications;

/// <summary>Sends what a run came to, to each receiver that the plan names for it.</summary>
public sealed class PlanNotifier
{
    private readonly TimeProvider _clock;
    private readonly RemoteCertificateValidationCallback? _trust;

    /// <summary>Creates it.</summary>
    public PlanNotifier()
        : this(TimeProvider.System, null)
    {
    }

    /// <summary>Creates it with a clock that measures the pauses between two tries, and a judge of servers' certificates; null for the system's.</summary>
    internal PlanNotifier(TimeProvider clock, RemoteCertificateValidationCallback? trust)
    {
        _clock = clock;
        _trust = trust;
    }

    /// <summary>Notifies all receivers of an event; one that fails keeps none of the others from hearing of it.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="run">Its run as far as it is.</param>
    /// <param name="what">The event: <see cref="PlanEvents.Start"/>, <see cref="PlanEvents.Success"/> or <see cref="PlanEvents.Failure"/>.</param>
    /// <param name="resolveSecret">Returns the secret that a reference such as <c>env:NAME</c> names.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>How many receivers were notified.</returns>
    /// <exception cref="BackupFailure"><see cref="ErrorCodes.NotificationFailed"/>: one or more could not be notified, after all were tried.</exception>
    public async Task<int> SendAsync(BackupPlan plan, BackupRun run, PlanEvents what, Func<string, string> resolveSecret, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(resolveSecret);
        var failures = new List<(PlanNotification Receiver, string Why)>();
        int sent = 0;
        foreach (PlanNotification receiver in plan.Notify.Where(each => (each.On & what) != 0))
        {
            try
            {
                await SendToAsync(receiver, run, what, resolveSecret, cancellationToken).ConfigureAwait(false);
                sent++;
            }
            catch (Exception exception) when (exception is NotificationException or BackupException)
            {
                failures.Add((receiver, exception.Message));
            }
        }

        if (failures.Count == 0)
            return sent;
        throw new BackupFailure(
            ErrorCodes.NotificationFailed,
            FailureCategory.WriteError,
            string.Join(Environment.NewLine, failures.Select(failure => $"The plan '{plan.Name}' could not notify its {failure.Receiver}: {failure.Why}")),
            $"Correct the receiver with Set-DbBackupPlan {plan.Name} -Notify, or its server; Invoke-DbBackupPlan {plan.Name} tries it.")
        { Target = plan.Name, CanRetry = true };
    }

    private Task SendToAsync(PlanNotification receiver, BackupRun run, PlanEvents what, Func<string, string> resolveSecret, CancellationToken cancellationToken) => receiver switch
    {
        WebhookNotification webhook => new WebhookSender(new HttpSender(_clock, _trust)).SendAsync(HttpSender.AddressOf(webhook.Url, resolveSecret), run, what, cancellationToken),
        PingNotification ping => new PingSender(new HttpSender(_clock, _trust)).SendAsync(HttpSender.AddressOf(ping.Url, resolveSecret), run, what, cancellationToken),
        MailNotification mail => new MailSender(_clock, _trust).SendAsync(mail, run, what, resolveSecret, cancellationToken),
        _ => throw new NotificationException($"This module does not know how to reach a {receiver.GetType().Name}."),
    };
}

/// <summary>A receiver could not be notified; its message has no secret.</summary>
internal sealed class NotificationException(string message, Exception? inner = null) : Exception(message, inner);
