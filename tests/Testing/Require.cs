namespace DbBackup.Testing;

/// <summary>States what a test needs: a developer's machine that lacks it skips the test, the continuous integration fails it.</summary>
internal static class Require
{
    /// <summary>True if a program is on the path, for a part of a test.</summary>
    internal static bool Has(string name) => IsOnPath(name);

    /// <summary>A program on the path.</summary>
    internal static void Tool(string name) => That(IsOnPath(name), $"'{name}' is not installed.");

    /// <summary>Anything else.</summary>
    internal static void That(bool present, string otherwise)
    {
        if (present)
            return;
        if (string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase))
            Assert.Fail($"This test may not be skipped here: {otherwise}");
        Assert.SkipWhen(true, otherwise);
    }

    private static bool IsOnPath(string name)
    {
        string[] endings = OperatingSystem.IsWindows() ? [".exe", ".cmd", ".bat"] : [string.Empty];
        return (Environment.GetEnvironmentVariable("PATH") ?? string.Empty)
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Any(folder => endings.Any(ending => File.Exists(Path.Combine(folder, name + ending))));
    }
}
