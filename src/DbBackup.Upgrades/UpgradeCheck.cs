using System.Diagnostics;
using System.Globalization;
using DbBackup.Upgrades.Deployments;
using DbBackup.Upgrades.Targets;

namespace DbBackup.Upgrades;

/// <summary>Finds out whether what was upgraded works: by an address, by a question to the database, or by a command.</summary>
internal static class UpgradeCheck
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    /// <summary>Makes one check.</summary>
    /// <param name="check">The check, as <see cref="UpgradeRequest.Checks"/> describes.</param>
    /// <param name="timeout">How long it may take.</param>
    /// <param name="target">The data.</param>
    /// <param name="deployment">The application.</param>
    /// <param name="observer">Hears a command's words.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="BackupException">It does not hold.</exception>
    public static Task RunAsync(string check, TimeSpan timeout, IUpgradeTarget target, IDeployment deployment, IOperationObserver observer, CancellationToken cancellationToken)
    {
        if (IsAddress(check))
            return AskAsync(check, timeout, cancellationToken);
        return IsAssertion(check)
            ? AssertAsync(check, target, cancellationToken)
            : deployment.CheckAsync(check, target, observer, cancellationToken);
    }

    /// <summary>Whether a check can be made of a copy of the data: no address can, and no command that runs where the real ones are.</summary>
    public static bool IsOfData(string check, bool runsInContainers) => !IsAddress(check) && (IsAssertion(check) || !runsInContainers);

    private static bool IsAddress(string check) =>
        check.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || check.StartsWith("https://", StringComparison.OrdinalIgnoreCase);

    private static bool IsAssertion(string check) => check.Split((char[]?)null, 2, StringSplitOptions.RemoveEmptyEntries) is [var first, _] && first.Equals("select", StringComparison.OrdinalIgnoreCase);

    // An application needs a moment until it answers.
    private static async Task AskAsync(string check, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(check, UriKind.Absolute, out Uri? address))
            throw Failed(check, "is no address");
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
        throw Failed(address.ToString(), FormattableString.Invariant($"did not answer well within {timeout.TotalSeconds:0} s; its last answer: {last}"));
    }

    private static async Task AssertAsync(string sql, IUpgradeTarget target, CancellationToken cancellationToken)
    {
        object? value = await target.QueryScalarAsync(sql, cancellationToken).ConfigureAwait(false);
        if (value is null or DBNull or 0L or 0 or 0d or 0m or false or "")
            throw Failed(sql, $"gives {value switch { null or DBNull => "nothing", "" => "an empty text", _ => "0" }}");
    }

    private static BackupFailure Failed(string check, string how) => new(
        ErrorCodes.UpgradeStepFailed, FailureCategory.InvalidData, $"The check '{check}' {how}.", "See why what was upgraded does not hold it, or correct the check (-HealthCheck).")
    { Target = check };
}
