using System.Reflection;

namespace DbBackup.Testing;

/// <summary>What is true of every error that a user sees.</summary>
internal static class ErrorAssert
{
    private static readonly HashSet<string> Codes =
        [.. typeof(ErrorCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (string)field.GetRawConstantValue()!)];

    /// <summary>It has a declared code, a message and another sentence that says what to do next, and none of the secrets.</summary>
    public static void Sound(BackupException failure, params string[] secrets)
    {
        Assert.Contains(failure.Code, Codes);
        Assert.EndsWith(".", failure.Hint, StringComparison.Ordinal);
        Assert.NotEqual(failure.Message, failure.Hint);
        Assert.DoesNotContain("Exception", failure.Message, StringComparison.Ordinal);
        Assert.All(secrets, secret => Assert.DoesNotContain(secret, failure.ToString() + failure.Hint, StringComparison.Ordinal));
    }
}
