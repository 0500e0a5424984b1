namespace DbBackup.Engine.Tests.Testing;

/// <summary>What a test needs of the machine. Missing on a person's machine: the test is skipped. Missing in CI: it fails.</summary>
internal static class Require
{
    /// <summary>A program on the PATH.</summary>
    public static void Tool(string name)
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        string[] endings = OperatingSystem.IsWindows() ? [".exe", ".cmd"] : [""];
        That(folders.Any(folder => endings.Any(ending => File.Exists(Path.Join(folder, name + ending)))), $"{name} is not installed.");
    }

    /// <summary>Anything else.</summary>
    public static void That(bool present, string missing)
    {
        if (!present && string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase))
            throw new InvalidOperationException($"{missing} In CI that is a failure.");
        Skip.IfNot(present, missing);
    }
}
