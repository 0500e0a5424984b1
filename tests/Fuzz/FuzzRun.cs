using System.Globalization;

namespace DbBackup.Tests.Fuzz;

/// <summary>
/// Fuzzes a target for as long as <c>DBBACKUP_FUZZ_SECONDS</c> says: 5 usually; 0 replays what is known. <c>DBBACKUP_FUZZ_SEED</c> repeats a
/// run, and <c>DBBACKUP_FUZZ_REPORT</c> names a file that gets a line for each target.
/// </summary>
internal static class FuzzRun
{
    private static readonly Lock s_turn = new();

    /// <summary>Fails with every finding, each with its input.</summary>
    public static void Of(string name)
    {
        using FuzzTarget target = FuzzTargets.Create(name);
        int seed = Number("DBBACKUP_FUZZ_SEED", Random.Shared.Next());
        FuzzReport report = new Fuzzer(target, seed, Corpus.Of(name)).Run(TimeSpan.FromSeconds(Number("DBBACKUP_FUZZ_SECONDS", 5)));
        TestContext.Current.TestOutputHelper?.WriteLine(report.ToString());
        if (Environment.GetEnvironmentVariable("DBBACKUP_FUZZ_REPORT") is { Length: > 0 } file)
        {
            lock (s_turn)
                File.AppendAllText(file, report + "\n");
        }

        foreach (Finding finding in report.Findings)
            Corpus.TryAdd(name, finding.Input);
        Assert.True(report.Findings.Count == 0, report.ToString());
    }

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : otherwise;
}
