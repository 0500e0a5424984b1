namespace DbBackup.Engine.Plans.Notifications;

/// <summary>Pings a monitor of scheduled jobs, in the way of healthchecks.io: the log's end is the body.</summary>
internal sealed class PingSender(HttpSender http)
{
    /// <summary>Pings it.</summary>
    /// <exception cref="NotificationException">It was not accepted.</exception>
    public Task SendAsync(Uri address, BackupRun run, PlanEvents what, CancellationToken cancellationToken) => http.PostAsync(
        Address(address, what),
        what == PlanEvents.Start ? RunText.Line(run, what) : $"{RunText.Whole(run, what)}\n{RunText.LogEnd(run)}".TrimEnd() + "\n",
        "text/plain",
        cancellationToken);

    /// <summary>The address of an event. A query stays where it is: services take options there.</summary>
    internal static Uri Address(Uri address, PlanEvents what)
    {
        string? end = what switch { PlanEvents.Start => "/start", PlanEvents.Failure => "/fail", _ => null };
        return end is null ? address : new UriBuilder(address) { Path = address.AbsolutePath.TrimEnd('/') + end }.Uri;
    }
}
