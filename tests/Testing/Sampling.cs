namespace DbBackup.Testing;

/// <summary>How much of a proof by repetition a run does: a sample usually, all of it with DBBACKUP_TEST_FULL=1.</summary>
internal static class Sampling
{
    /// <summary>Whether all is done.</summary>
    public static bool Complete => Environment.GetEnvironmentVariable("DBBACKUP_TEST_FULL") == "1";

    /// <summary>The number of rounds.</summary>
    public static int Rounds(int usual, int complete) => Complete ? complete : usual;

    /// <summary>All the named points, or only those of the sample.</summary>
    public static string[] Of(string[] all, params string[] sample) => Complete ? all : [.. all.Intersect(sample)];
}
