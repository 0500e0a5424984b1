namespace DbBackup.Engine.Plans.Notifications;

/// <summary>Tries a delivery a few times: a night's only message is worth a second try, and a run must not wait long for it.</summary>
internal static class Retry
{
    /// <summary>How long one try may take.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan[] s_pauses = [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(4)];

    /// <summary>Delivers; a passing failure is tried again.</summary>
    /// <param name="clock">The clock of the pauses.</param>
    /// <param name="deliver">One try.</param>
    /// <param name="mayPass">True if a failure may pass by itself.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="NotificationException">The last try failed.</exception>
    public static async Task RunAsync(TimeProvider clock, Func<CancellationToken, Task> deliver, Func<NotificationException, bool> mayPass, CancellationToken cancellationToken)
    {
        for (int attempt = 0; ; attempt++)
        {
            using var time = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            time.CancelAfter(Timeout);
            try
            {
                await deliver(time.Token).ConfigureAwait(false);
                return;
            }
            catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
            {
                if (attempt == s_pauses.Length)
                    throw new NotificationException($"no answer within {Timeout.TotalSeconds:0} seconds", exception);
            }
            catch (NotificationException failure) when (attempt < s_pauses.Length && mayPass(failure))
            {
                // The next try.
            }

            await Task.Delay(s_pauses[attempt], clock, cancellationToken).ConfigureAwait(false);
        }
    }
}
