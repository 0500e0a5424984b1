using System.Diagnostics;
using System.Globalization;
using DbBackup.Upgrades.Deployments;
using DbBackup.Upgrades.Targets;

namespace DbBackup.Upgrades;

/// <summary>Runs a health check: an HTTP address, a database query or a command.</summary>
internal static class UpgradeCheck
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    /// <summary>Runs one check.</summary>
    /// <param name="check">The check, as <see cref="UpgradeRequest.Checks"/> describes.</param>
    /// <param name="timeout">The time limit.</param>
    /// <param name="target">The data.</param>
    /// <param name="deployment">The application.</param>
    /// <param name="observer">Receives the command's output.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="BackupException">The check failed.</exception>
    public static Task RunAsync(string check, TimeSpan timeout, IUpgradeTarget target, IDeployment deployment, IOperationObserver observer, CancellationToken cancellationToken)
    {
        if (IsAddress(check))
            return AskAsync(check, timeout, cancellationToken);
        return IsAssertion(check)
            ? AssertAsync(check, target, cancellationToken)
            : deployment.CheckAsync(check, target, observer, cancellationToken);
    }

    /// <summary>Returns whether a check can run against a copy of the data: not an address, and not a command that runs beside the real data.</summary>
    public static bool IsOfData(string check, bool runsInContainers) => !IsAddress(check) && (IsAssertion(check) || !runsInContainers);

    private static bool IsAddress(string check) =>
        check.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || check.StartsWith("https://", StringComparison.OrdinalIgnoreCase);

    private static bool IsAssertion(string check) => check.Split((char[]?)null, 2, StringSplitOptions.RemoveEmptyEntries) is [var first, _] && first.Equals("select", StringComparison.OrdinalIgnoreCase);

    // An application needs a moment before it answers.
    private static async Task AskAsync(string check, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(check, UriKind.Absolute, out Uri? address))
            throw Failed(check, "is not a valid address");
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
        string last;
        var waited = Stopwatch.StartNew();
        do
        {
            try
            {
                using HttpResponseMessage answer = await client.GetAsync(address, cancellationToken).ConfigureAwait(false);
                if (answer.IsSuccessStatusCode)
                    return;
                last = ((int)answer.StatusCode).ToString(CultureInfo.InvariantCulture) + " " + answer.ReasonPhrase;
            }
            catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
            {
                last = exception.Message;
            }

            await Task.Delay(s_interval, cancellationToken).ConfigureAwait(false);
        }
        while (waited.Elapsed < timeout);
        throw Failed(address.ToString(), FormattableString.Invariant($"did not return success within {timeout.TotalSeconds:0} s; last response: {last}"));
    }

    private static async Task AssertAsync(string sql, IUpgradeTarget target, CancellationToken cancellationToken)
    {
        object? value = await target.QueryScalarAsync(sql, cancellationToken).ConfigureAwait(false);
        if (value is null or DBNull or 0L or 0 or 0d or 0m or false or "")
            throw Failed(sql, $"returned {value switch { null or DBNull => "no value", "" => "an empty string", _ => "0" }}");
    }

    private static BackupFailure Failed(string check, string how) => new(
        ErrorCodes.UpgradeStepFailed, FailureCategory.InvalidData, $"The check '{check}' {how}.", "Find out why the check fails, or correct it (-HealthCheck).")
    { Target = check };
}
