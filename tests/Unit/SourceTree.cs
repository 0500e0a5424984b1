namespace DbBackup.Tests.Unit;

/// <summary>The project's source code, from which the tests were built.</summary>
internal static class SourceTree
{
    /// <summary>The project's root folder.</summary>
    public static string Root { get; } = FindRoot();

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Join(folder, "DbBackup.sln")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException("The tests run without the source code.");
    }
}
