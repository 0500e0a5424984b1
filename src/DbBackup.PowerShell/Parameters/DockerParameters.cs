using System.Management.Automation;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.PowerShell.Completion;

namespace DbBackup.PowerShell.Parameters;

/// <summary>A container, or the service of a compose project that it belongs to.</summary>
internal sealed class DockerParameters
{
    /// <summary>The Docker Engine.</summary>
    [ValidateNotNullOrEmpty]
    public string? DockerHost { get; set; }

    /// <summary>The container.</summary>
    [ArgumentCompleter(typeof(ContainerCompleter))]
    [ValidateNotNullOrEmpty]
    public string? Container { get; set; }

    /// <summary>The compose project, by its name or its folder.</summary>
    [ArgumentCompleter(typeof(ComposeProjectCompleter))]
    [ValidateNotNullOrEmpty]
    public string? ComposeProject { get; set; }

    /// <summary>The files that define the project, in their order.</summary>
    [ValidateNotNullOrEmpty]
    public string[]? ComposeFile { get; set; }

    /// <summary>A service of the project.</summary>
    [ArgumentCompleter(typeof(ServiceCompleter))]
    [ValidateNotNullOrEmpty]
    public string? Service { get; set; }

    /// <summary>True if a container or a project is named.</summary>
    public bool NamesContainer => Container is not null || ComposeProject is not null;

    /// <summary>Returns what is meant on which engine.</summary>
    /// <param name="resolveProject">Makes a project's folder absolute, from the shell's location.</param>
    /// <param name="volume">A volume; null if none is named.</param>
    /// <exception cref="BackupFailure">A container and a project are named.</exception>
    public ContainerAddress ToAddress(Func<string, string> resolveProject, string? volume = null) =>
        ContainerAddress.Of(DockerHost, Container, ToProject(resolveProject), Service, volume);

    /// <summary>Returns the project with the files that define it; null if none is named.</summary>
    /// <param name="resolveProject">Makes a project's folder and files absolute, from the shell's location.</param>
    /// <exception cref="BackupFailure">Files without a project are named, or one of them is not there.</exception>
    public string? ToProject(Func<string, string> resolveProject)
    {
        if (ComposeProject is not null)
            return ComposeFile is null ? resolveProject(ComposeProject) : ComposeReference.TextOf(resolveProject(ComposeProject), [.. ComposeFile.Select(file => resolveProject(ContainerAddress.IsProjectPath(file) ? file : "./" + file))]);
        return ComposeFile is null ? null : throw new BackupFailure(
            ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, "-ComposeFile names the files of a compose project, and no project was named.", "Add -ComposeProject: the project's name, or its folder.");
    }
}
