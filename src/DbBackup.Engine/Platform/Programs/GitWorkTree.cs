namespace DbBackup.Engine.Platform;

/// <summary>The git state of the folder in which a source lies, so that a backup can be tied to the code it belongs to.</summary>
internal static class GitWorkTree
{
    /// <summary>
    /// Options by which a command that only reads runs no program that a work tree's configuration names. They do not make a checkout safe:
    /// filters and remote helpers have names of their own.
    /// </summary>
    private static readonly string[] NothingRuns = ["-c", "core.fsmonitor=false", "-c", $"core.hooksPath={(OperatingSystem.IsWindows() ? "NUL" : "/dev/null")}", "-c", "core.sshCommand=false", "-c", "protocol.allow=never", "--no-pager", "--no-optional-locks"];

    /// <summary>The commit and branch; null outside a work tree, before the first commit, or without git.</summary>
    public static GitInfo? Describe(string folder)
    {
        if (ExternalTool.Find("git") is not { } git)
            return null;
        // Backups often run as another user than the owner of the work tree, which git refuses unless told on the command line. These two
        // commands read a name and a file, and run nothing that the tree's configuration names.
        string Ask(params string[] arguments) =>
            ExternalTool.FirstLine(git, ["-c", "safe.directory=*", .. NothingRuns, "-C", folder, .. arguments]);
        string commit = Ask("rev-parse", "--verify", "--quiet", "HEAD");
        if (commit.Length == 0)
            return null;
        string branch = Ask("symbolic-ref", "--short", "--quiet", "HEAD");
        return new GitInfo(commit, branch.Length == 0 ? null : branch);
    }
}
