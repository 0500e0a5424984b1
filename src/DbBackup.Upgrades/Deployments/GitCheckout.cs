using DbBackup.Engine.Platform;

namespace DbBackup.Upgrades.Deployments;

/// <summary>The git work tree of a project, taken to another version and back.</summary>
/// <param name="folder">A folder of it.</param>
/// <param name="timeout">How long a command may take.</param>
internal sealed class GitCheckout(string folder, TimeSpan timeout)
{
    private const int NamedFiles = 10;
    private static readonly Dictionary<string, string?> s_environment = new()
    {
        // Nobody is there to answer.
        ["GIT_TERMINAL_PROMPT"] = "0",
        ["GIT_SSH_COMMAND"] = Environment.GetEnvironmentVariable("GIT_SSH_COMMAND") ?? "ssh -oBatchMode=yes",
    };

    /// <summary>Fails where files were changed, or there is no such version.</summary>
    /// <returns>The commit and branch that are checked out.</returns>
    /// <exception cref="BackupException">With what to do about it.</exception>
    public async Task<GitInfo> RequireCleanAsync(string reference, CancellationToken cancellationToken)
    {
        string commit = await CommitOfAsync("HEAD", cancellationToken).ConfigureAwait(false) ?? throw new BackupFailure(
            ErrorCodes.SourceNotFound, FailureCategory.NotFound, $"'{folder}' is in no git work tree, or in one without a commit, so '{reference}' cannot be checked out there.",
            "Name the folder of the project's repository with -ComposeProject, or leave out -GitRef and bring the new version there yourself.")
        { Target = folder };
        // What git does not know is left alone by a checkout, or stops it.
        string[] changed = Lines(await RunAsync(["status", "--porcelain", "--untracked-files=no"], SilentObserver.Instance, cancellationToken).ConfigureAwait(false));
        if (changed.Length > 0)
        {
            string names = string.Join(", ", changed.Take(NamedFiles).Select(line => line[3..])) + (changed.Length > NamedFiles ? ", …" : string.Empty);
            throw new BackupFailure(
                ErrorCodes.LocalChanges, FailureCategory.Refused, $"Files in '{folder}' were changed and not committed, so '{reference}' is not checked out there: {names}. Nothing was changed.",
                "Commit them, or put them aside (git stash), then try again.")
            { Target = folder };
        }

        if (await CommitOfAsync(reference, cancellationToken).ConfigureAwait(false) is null && Lines(await RunAsync(["remote"], SilentObserver.Instance, cancellationToken).ConfigureAwait(false)).Length == 0)
        {
            throw new BackupFailure(
                ErrorCodes.SourceNotFound, FailureCategory.NotFound, $"The work tree '{folder}' knows no '{reference}', and has no remote to ask for it.", "Name a tag, a branch or a commit: 'git tag' and 'git branch -a' show them.")
            { Target = reference };
        }

        string? branch = await BranchAsync(cancellationToken).ConfigureAwait(false);
        return new GitInfo(commit, branch);
    }

    /// <summary>Checks a version out; asks the remote for it first, where there is one. A branch is moved forward to where the remote has it.</summary>
    /// <returns>What was done.</returns>
    public async Task<string> CheckOutAsync(string reference, IOperationObserver observer, CancellationToken cancellationToken)
    {
        if (Lines(await RunAsync(["remote"], observer, cancellationToken).ConfigureAwait(false)).Length > 0)
            await RunAsync(["fetch", "--tags", "--quiet"], observer, cancellationToken).ConfigureAwait(false);
        await RunAsync(["checkout", "--quiet", reference, "--"], observer, cancellationToken).ConfigureAwait(false);
        if (await BranchAsync(cancellationToken).ConfigureAwait(false) is not null && await CommitOfAsync("@{upstream}", cancellationToken).ConfigureAwait(false) is not null)
            await RunAsync(["merge", "--ff-only", "--quiet", "@{upstream}"], observer, cancellationToken).ConfigureAwait(false);
        string commit = (await CommitOfAsync("HEAD", cancellationToken).ConfigureAwait(false))!;
        return $"checked out {reference} ({commit[..10]})";
    }

    /// <summary>Returns to where the work tree was.</summary>
    public async Task ReturnAsync(GitInfo before, IOperationObserver observer, CancellationToken cancellationToken)
    {
        string? branch = await BranchAsync(cancellationToken).ConfigureAwait(false);
        if (branch is null || branch == before.Branch)
            await KeepCommitsAsync(branch, before.Commit, observer, cancellationToken).ConfigureAwait(false);
        if (branch != before.Branch || before.Branch is null)
            await RunAsync(["checkout", "--quiet", before.Branch ?? before.Commit, "--"], observer, cancellationToken).ConfigureAwait(false);
        // The branch was moved forward. This never touches what was changed by a person since: it fails then.
        if (await CommitOfAsync("HEAD", cancellationToken).ConfigureAwait(false) != before.Commit)
            await RunAsync(["reset", "--keep", "--quiet", before.Commit], observer, cancellationToken).ConfigureAwait(false);
    }

    // What a person has committed since, in no branch or in the one that is moved back, would be found by nobody.
    private async Task KeepCommitsAsync(string? branch, string before, IOperationObserver observer, CancellationToken cancellationToken)
    {
        string commit = (await CommitOfAsync("HEAD", cancellationToken).ConfigureAwait(false))!;
        if (commit == before)
            return;
        string others = await RunAsync(["for-each-ref", "--contains", commit, "--format=%(refname)"], SilentObserver.Instance, cancellationToken).ConfigureAwait(false);
        if (Lines(others).Any(name => name != "refs/heads/" + branch))
            return;
        string kept = "kept-" + commit[..10];
        await RunAsync(["branch", kept, commit], observer, cancellationToken).ConfigureAwait(false);
        observer.Warning($"Commits were made in '{folder}' since the new version was checked out; the branch '{kept}' keeps them.");
    }

    private async Task<string?> BranchAsync(CancellationToken cancellationToken) =>
        await TryAsync(["symbolic-ref", "--short", "--quiet", "HEAD"], cancellationToken).ConfigureAwait(false);

    private Task<string?> CommitOfAsync(string reference, CancellationToken cancellationToken) => TryAsync(["rev-parse", "--verify", "--quiet", reference + "^{commit}"], cancellationToken);

    private async Task<string?> TryAsync(string[] arguments, CancellationToken cancellationToken)
    {
        try
        {
            return (await RunAsync(arguments, SilentObserver.Instance, cancellationToken).ConfigureAwait(false)).Trim() is { Length: > 0 } text ? text : null;
        }
        catch (BackupFailure failure) when (failure.Code == ErrorCodes.UpgradeStepFailed)
        {
            return null;
        }
    }

    private Task<string> RunAsync(string[] arguments, IOperationObserver observer, CancellationToken cancellationToken)
    {
        string git = ExternalTool.Find("git") ?? throw new BackupFailure(ErrorCodes.ToolMissing, FailureCategory.MissingTool, "git is not on PATH.", "Install git, or leave out -GitRef and bring the new version there yourself.");
        // The work tree often belongs to another user, which git refuses unless told on the command line.
        return UpgradeCommand.Of(git, ["-c", "safe.directory=*", "-C", folder, .. arguments], folder, s_environment).RunAsync(timeout, null, observer, cancellationToken);
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
