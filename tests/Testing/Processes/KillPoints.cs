using System.Globalization;

namespace DbBackup.Testing;

/// <summary>
/// Where the runs of a kill matrix are killed. The usual run takes the first, the last and some between; with
/// DBBACKUP_TEST_FULL=1 it takes all of them.
/// </summary>
internal static class KillPoints
{
    private const int SampleSize = 4;

    /// <summary>Points from 1 to a count, ascending: all of them, or a sample with the first and the last.</summary>
    public static IReadOnlyList<int> Of(int count, int sampleSize = SampleSize)
    {
        Assert.True(count > 0, "There is nothing at which the run could be killed.");
        if (Sampling.Complete || count <= sampleSize)
            return [.. Enumerable.Range(1, count)];
        return [.. Enumerable.Range(0, sampleSize).Select(index => 1 + (int)Math.Round((double)index * (count - 1) / (sampleSize - 1)))];
    }

    /// <summary>How often a run of the other process has reported: the points at which it can be killed.</summary>
    public static int CountReports(string output) => output.Split('\n').Count(line => line.StartsWith("report ", StringComparison.Ordinal));

    /// <summary>
    /// Kills a run at each point in turn. A run that ends before its point (progress is reported by time) was not killed; all
    /// but one must be.
    /// </summary>
    /// <param name="points">The points.</param>
    /// <param name="run">Runs the other process to its end, killed at a point.</param>
    /// <param name="check">Looks at what a killed run has left; with its point and its output.</param>
    public static async Task KillAtEachAsync(IReadOnlyList<int> points, Func<string, (int ExitCode, string Output)> run, Func<int, string, Task> check)
    {
        int killed = 0;
        foreach (int point in points)
        {
            (int exit, string output) = run(point.ToString(CultureInfo.InvariantCulture));
            Assert.True(exit is 137 or 0, $"Killed at {point}, it ended with {exit}: {output}");
            if (exit == 0)
                continue;
            killed++;
            await check(point, output);
        }

        Assert.True(killed > 0 && killed >= points.Count - 1, $"Of {points.Count} runs {killed} were killed.");
    }
}
