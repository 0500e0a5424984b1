namespace DbBackup.Engine.Docker.Addressing;

/// <summary>How a user names a compose project: by its name, its folder or one of its files, and perhaps the files that define it.</summary>
/// <param name="Project">The name, folder or file.</param>
/// <param name="Files">The files, in compose's order: a later one overrides the earlier; empty for the project's own.</param>
public sealed record ComposeReference(string Project, IReadOnlyList<string> Files)
{
    // In one text, as addresses and journals have it. No name of a project has it, nor a file on Windows.
    private const char Separator = '|';

    /// <summary>Reads the text of a reference.</summary>
    public static ComposeReference Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Split(Separator);
        return new ComposeReference(parts[0], parts[1..]);
    }

    /// <summary>Returns the text of a project and its files.</summary>
    /// <param name="project">The name, or the absolute path of the folder.</param>
    /// <param name="files">The absolute paths of the files.</param>
    /// <exception cref="BackupFailure">One of the files is not there, or cannot be named.</exception>
    public static string TextOf(string project, IReadOnlyList<string> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        foreach (string file in files)
        {
            if (!File.Exists(file))
            {
                throw new BackupFailure(ErrorCodes.SourceNotFound, FailureCategory.NotFound, $"The compose file '{file}' was not found.", "Check the path of -ComposeFile; it begins where the shell is.") { Target = file };
            }

            if (file.Contains(Separator, StringComparison.Ordinal))
            {
                throw new BackupFailure(ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"The compose file '{file}' has a '{Separator}' in its path.", "Rename it, or its folder.") { Target = file };
            }
        }

        return string.Join(Separator, files.Prepend(project));
    }

    /// <summary>The folder in which relative paths of the files begin: the project's, else that of the first file; null where neither is here.</summary>
    internal string? Folder => ComposeProject.FolderOf(Project) ?? (Files.Count > 0 && !ComposeProject.IsPath(Project) ? Path.GetDirectoryName(Files[0]) : null);

    /// <summary>The project's name, if it is named by that.</summary>
    internal string? Name => ComposeProject.IsPath(Project) ? null : Project;
}
