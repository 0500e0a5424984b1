using DbBackup.Engine.Repository;

namespace DbBackup.PowerShell.Arguments;

/// <summary>The repository that a command and a completer take.</summary>
internal static class RepositoryArgument
{
    /// <summary>The repository if neither -Repository nor the environment names one.</summary>
    internal const string Default = "backups";

    /// <summary>Returns the place that -Repository, the environment or the default names.</summary>
    /// <param name="repository">What -Repository was given.</param>
    /// <param name="resolvePath">Makes a path absolute, from the shell's location.</param>
    internal static RepositoryLocation Resolve(string? repository, Func<string, string> resolvePath) => RepositoryLocation.Parse(
        !string.IsNullOrEmpty(repository) ? repository
        : Environment.GetEnvironmentVariable(BackupRepository.EnvironmentVariable) is { Length: > 0 } named ? named
        : Default,
        resolvePath);
}
