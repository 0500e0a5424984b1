using System.Diagnostics.CodeAnalysis;

namespace DbBackup.Engine.Platform;

/// <summary>
/// Whether something is at a path, where the answer decides what is moved, kept or deleted. <see cref="File.Exists"/> says no as well where
/// the system did not say (no access, a failing disk), and what is there would be taken for nothing; here that is an exception.
/// </summary>
internal static class Presence
{
    /// <summary>Whether anything is at the path: a file, a folder, or a link, wherever it leads.</summary>
    /// <exception cref="IOException">The system could not tell.</exception>
    /// <exception cref="UnauthorizedAccessException">A folder above it may not be read.</exception>
    public static bool IsThere(string path) => Attributes(path) is not null;

    /// <summary>Whether a file is at the path, or a link to one or to nothing.</summary>
    /// <inheritdoc cref="IsThere" path="/exception"/>
    public static bool IsFile([NotNullWhen(true)] string? path) => Attributes(path) is { } attributes && (attributes & FileAttributes.Directory) == 0;

    /// <summary>Whether a folder is at the path, or a link to one.</summary>
    /// <inheritdoc cref="IsThere" path="/exception"/>
    public static bool IsFolder([NotNullWhen(true)] string? path) => Attributes(path) is { } attributes && (attributes & FileAttributes.Directory) != 0;

    private static FileAttributes? Attributes(string? path)
    {
        // Asked of a hundred thousand files for what is beside hardly any of them: an exception each takes longer than all the rest.
        if (path is not null && OperatingSystem.IsLinux() && !path.Contains('\0', StringComparison.Ordinal)
            && UnixFile.StatError(Path.TrimEndingDirectorySeparator(path), out _) is LibC.Enoent or LibC.Enotdir)
            return null;
        try
        {
            return path is null ? null : File.GetAttributes(path);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException or ArgumentException or PathTooLongException or NotSupportedException)
        {
            return null;
        }
    }
}
