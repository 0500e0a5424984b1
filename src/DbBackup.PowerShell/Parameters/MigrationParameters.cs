using System.Management.Automation;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Migrations;
using DbBackup.PowerShell.Completion;

namespace DbBackup.PowerShell.Parameters;

/// <summary>The application's code that knows the schema.</summary>
internal sealed class MigrationParameters
{
    // How Alembic is started if -MigrationTool says nothing.
    private const string DefaultTool = "alembic";

    /// <summary>The folder of the code, which holds its alembic.ini.</summary>
    [ValidateNotNullOrEmpty]
    public string? MigrationPath { get; set; }

    /// <summary>The container that holds the code.</summary>
    [ArgumentCompleter(typeof(ContainerCompleter))]
    [ValidateNotNullOrEmpty]
    public string? MigrationContainer { get; set; }

    /// <summary>The service of the compose project that holds the code.</summary>
    [ArgumentCompleter(typeof(ServiceCompleter))]
    [ValidateNotNullOrEmpty]
    public string? MigrationService { get; set; }

    /// <summary>The command that starts Alembic where the code is.</summary>
    [ValidateNotNullOrEmpty]
    public string? MigrationTool { get; set; }

    /// <summary>Returns the code that is meant; null if none is.</summary>
    /// <param name="docker">The engine, and the compose project of the service.</param>
    /// <param name="resolvePath">Makes a path of this machine absolute, from the shell's location.</param>
    /// <param name="resolveProject">Makes a project's folder absolute, too.</param>
    /// <exception cref="BackupFailure">They contradict each other.</exception>
    public MigrationCodeRequest? ToRequest(DockerParameters docker, Func<string, string> resolvePath, Func<string, string> resolveProject)
    {
        if (MigrationContainer is not null && MigrationService is not null)
            throw Invalid("-MigrationContainer and -MigrationService cannot be used together.", "Omit one of them.");
        if (MigrationService is not null && docker.ComposeProject is null)
            throw Invalid("-MigrationService needs -ComposeProject.", "Add -ComposeProject, or name the container with -MigrationContainer.");
        string tool = MigrationTool ?? DefaultTool;
        if (MigrationContainer is null && MigrationService is null)
            return MigrationPath is null ? null : new MigrationCodeRequest { Folder = resolvePath(MigrationPath), Tool = tool };
        return new MigrationCodeRequest
        {
            Folder = MigrationPath,
            Container = ContainerAddress.Of(docker.DockerHost, MigrationContainer, MigrationService is null ? null : docker.ToProject(resolveProject), MigrationService),
            Tool = tool,
        };
    }

    private static BackupFailure Invalid(string message, string hint) => new(ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, message, hint);
}
