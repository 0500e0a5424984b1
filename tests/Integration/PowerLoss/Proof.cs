using DbBackup.Testing.PowerLoss;

namespace DbBackup.Tests.Integration.PowerLoss;

/// <summary>Proves that the simulator finds a mistake: it is found in a recording that has it, and not in the same one without.</summary>
internal static class Proof
{
    private const int Most = 4000;

    /// <summary>Fails unless a seed finds the mistake, and none of the seeds up to it finds anything in the sound recording.</summary>
    /// <param name="tryAsync">Cuts the power of a recording by a seed, and returns what is wrong then; null if nothing is.</param>
    /// <param name="sound">The recording of the product.</param>
    /// <param name="faulty">The recording of a product with the mistake.</param>
    /// <param name="finding">What is wrong because of it.</param>
    public static async Task FindsAsync(Func<FileRecording, int, Task<string?>> tryAsync, FileRecording sound, FileRecording faulty, string finding)
    {
        var others = new List<string>();
        for (int seed = 0; seed < Most; seed++)
        {
            string? control = await tryAsync(sound, seed);
            Assert.True(control is null, "Without the mistake: " + control);
            if (await tryAsync(faulty, seed) is not { } violation)
                continue;
            if (violation.Contains(finding, StringComparison.Ordinal))
            {
                TestContext.Current.SendDiagnosticMessage("Found by seed {0}. {1}", seed, violation);
                return;
            }

            others.Add(violation);
        }

        Assert.Fail($"'{finding}' was not found in {Most} seeds, but {others.Count} other violations: {others.FirstOrDefault()}");
    }
}
