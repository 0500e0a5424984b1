using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Migrations;

namespace DbBackup.PowerShell.Pipeline;

/// <summary>What -MigrationPath, -MigrationContainer, -MigrationService and -MigrationTool say together.</summary>
internal static class MigrationArguments
{
    /// <summary>The default of -MigrationTool.</summary>
    internal const string DefaultTool = "alembic";

    /// <summary>The code that is meant; null where none is.</summary>
    /// <param name="folder">Of this machine where no container is named; else of the container.</param>
    /// <param name="tool">How Alembic is started.</param>
    /// <param name="dockerHost">The engine.</param>
    /// <param name="container">The container with the code.</param>
    /// <param name="project">The compose project of the service.</param>
    /// <param name="service">The service with the code.</param>
    /// <param name="resolvePath">Makes a path of this machine absolute, from where the shell is.</param>
    /// <param name="resolveProject">Does so with a project that is a folder.</param>
    /// <exception cref="BackupFailure">They contradict each other.</exception>
    internal static MigrationCodeRequest? ToRequest(
        string? folder, string tool, string? dockerHost, string? container, string? project, string? service, Func<string, string> resolvePath, Func<string, string> resolveProject)
    {
        if (container is not null && service is not null)
            throw Invalid("-MigrationContainer and -MigrationService cannot be used together.", "Omit one of them.");
        if (service is not null && project is null)
            throw Invalid("-MigrationService needs -ComposeProject.", "Add -ComposeProject, or name the container with -MigrationContainer.");
        if (container is null && service is null)
            return folder is null ? null : new MigrationCodeRequest { Folder = resolvePath(folder), Tool = tool };
        var docker = new DockerRequest { DockerHost = dockerHost, Container = container, ComposeProject = service is null ? null : resolveProject(project!), Service = service };
        return new MigrationCodeRequest { Folder = folder, Docker = docker, Tool = tool };
    }

    private static BackupFailure Invalid(string message, string hint) => new(ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, message, hint);
}
