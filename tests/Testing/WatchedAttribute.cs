using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using Xunit.v3;

namespace DbBackup.Testing;

/// <summary>
/// Ends a run of the continuous integration in which a test does not come to an end, and says which one it is and what it waits for: else all that is known is that the
/// time is over. For a whole assembly. DBBACKUP_TEST_LIMIT says after how many seconds.
/// </summary>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class WatchedAttribute : BeforeAfterTestAttribute
{
    // Above any test of a usual run; the longest wait for 4 minutes for claims of a killed process to become old.
    private static readonly TimeSpan s_limit = int.TryParse(Environment.GetEnvironmentVariable("DBBACKUP_TEST_LIMIT"), NumberStyles.None, CultureInfo.InvariantCulture, out int seconds)
        ? TimeSpan.FromSeconds(seconds) : TimeSpan.FromMinutes(12);
    private static readonly ConcurrentDictionary<string, (string Name, Stopwatch Since)> s_running = new(StringComparer.Ordinal);
    private static readonly Lazy<Timer> s_timer = new(() => new Timer(_ => Look(), null, TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(30)));

    /// <summary>True if a test has failed.</summary>
    internal static bool HasFailed { get; private set; }

    private static bool IsOn => Environment.GetEnvironmentVariable("CI") == "true" && !Sampling.Complete;

    /// <inheritdoc/>
    public override void Before(MethodInfo methodUnderTest, IXunitTest test)
    {
        if (!IsOn)
            return;
        _ = s_timer.Value;
        s_running[test.UniqueID] = (test.TestDisplayName, Stopwatch.StartNew());
    }

    /// <inheritdoc/>
    public override void After(MethodInfo methodUnderTest, IXunitTest test)
    {
        s_running.TryRemove(test.UniqueID, out _);
        HasFailed |= TestContext.Current.TestState?.Result == TestResult.Failed;
    }

    private static void Look()
    {
        foreach ((string name, Stopwatch since) in s_running.Values)
        {
            if (since.Elapsed < s_limit)
                continue;
            string words = FormattableString.Invariant($"{name} has run for {since.Elapsed.TotalSeconds:0} s and does not end. Processes:\n{Processes()}");
            Console.Error.WriteLine(words);
            Environment.FailFast($"{name} does not end.");
        }
    }

    /// <summary>The processes of this machine.</summary>
    internal static string Processes()
    {
        try
        {
            return Shell.Run("ps", "-eo", "pid,ppid,etime,stat,wchan:20,args");
        }
        catch (Exception exception) when (exception is System.ComponentModel.Win32Exception or Xunit.Sdk.XunitException)
        {
            return exception.Message;
        }
    }
}
