using DbBackup.Engine.Platform;

namespace DbBackup.Upgrades.Deployments;

/// <summary>Checks out another version in a project's git work tree, and returns to the previous one.</summary>
/// <param name="folder">A folder of the work tree.</param>
/// <param name="timeout">The time limit for each command.</param>
internal sealed class GitCheckout(string folder, TimeSpan timeout)
{
    private const int NamedFiles = 10;
    private IReadOnlyList<string>? _trusted;
    private static readonly Dictionary<string, string?> s_environment = new()
    {
        // No user can answer a prompt.
        ["GIT_TERMINAL_PROMPT"] = "0",
        // One of its messages is looked for.
        ["LC_ALL"] = "C",
        ["GIT_SSH_COMMAND"] = Environment.GetEnvironmentVariable("GIT_SSH_COMMAND") ?? "ssh -oBatchMode=yes",
    };

    /// <summary>Fails if tracked files were changed or the version does not exist.</summary>
    /// <returns>The present commit and branch.</returns>
    /// <exception cref="BackupException">The checkout is not possible; the hint says what to do.</exception>
    public async Task<GitInfo> RequireCleanAsync(string reference, CancellationToken cancellationToken)
    {
        await RequireTrustedAsync(cancellationToken).ConfigureAwait(false);
        string commit = await CommitOfAsync("HEAD", cancellationToken).ConfigureAwait(false) ?? throw new BackupFailure(
            ErrorCodes.SourceNotFound, FailureCategory.NotFound, $"Cannot check out '{reference}': '{folder}' is not in a git work tree, or its repository has no commit.",
            "Name the folder of the project's git repository with -ComposeProject, or omit -GitRef and install the new version yourself.")
        { Target = folder };
        // A checkout keeps untracked files, or refuses.
        string[] changed = Lines(await RunAsync(["status", "--porcelain", "--untracked-files=no"], SilentObserver.Instance, cancellationToken).ConfigureAwait(false));
        if (changed.Length > 0)
        {
            string names = string.Join(", ", changed.Take(NamedFiles).Select(line => line[3..])) + (changed.Length > NamedFiles ? ", …" : string.Empty);
            throw new BackupFailure(
                ErrorCodes.LocalChanges, FailureCategory.Refused, $"Cannot check out '{reference}' in '{folder}': uncommitted changes in {names}. Nothing was changed.",
                "Commit or stash them (git stash), then try again.")
            { Target = folder };
        }

        if (await CommitOfAsync(reference, cancellationToken).ConfigureAwait(false) is null && Lines(await RunAsync(["remote"], SilentObserver.Instance, cancellationToken).ConfigureAwait(false)).Length == 0)
        {
            throw new BackupFailure(
                ErrorCodes.SourceNotFound, FailureCategory.NotFound, $"Git ref '{reference}' was not found in '{folder}', and the repository has no remote to fetch from.", "Name a tag, branch or commit; 'git tag' and 'git branch -a' list them.")
            { Target = reference };
        }

        string? branch = await BranchAsync(cancellationToken).ConfigureAwait(false);
        return new GitInfo(commit, branch);
    }

    // A work tree's configuration names programs (fsmonitor, hooks, filters, ssh, remote helpers), which a status or a checkout runs: as
    // this user, who may be root, if the tree is another user's.
    private async Task RequireTrustedAsync(CancellationToken cancellationToken)
    {
        try
        {
            await RunAsync(["rev-parse", "--git-dir"], SilentObserver.Instance, cancellationToken).ConfigureAwait(false);
        }
        catch (BackupFailure failure) when (failure.Message.Contains("dubious ownership", StringComparison.Ordinal))
        {
            throw new BackupFailure(
                ErrorCodes.PermissionDenied,
                FailureCategory.Refused,
                $"The git work tree of '{folder}' belongs to another user, who could have git run programs as this one. Nothing was changed.",
                $"Run the upgrade as the owner of the tree. If you trust all who may write to it: git config --global --add safe.directory '{folder}'",
                failure)
            { Target = folder };
        }
        catch (BackupFailure failure) when (failure.Code == ErrorCodes.UpgradeStepFailed)
        {
            // It is no work tree, which is told better below.
        }
    }

    /// <summary>Fetches from the remote, if there is one, and checks out a version. A branch is fast-forwarded to its remote.</summary>
    /// <returns>The description of the result.</returns>
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

    /// <summary>Returns to the previous commit and branch.</summary>
    public async Task ReturnAsync(GitInfo before, IOperationObserver observer, CancellationToken cancellationToken)
    {
        string? branch = await BranchAsync(cancellationToken).ConfigureAwait(false);
        if (branch is null || branch == before.Branch)
            await KeepCommitsAsync(branch, before.Commit, observer, cancellationToken).ConfigureAwait(false);
        if (branch != before.Branch || before.Branch is null)
            await RunAsync(["checkout", "--quiet", before.Branch ?? before.Commit, "--"], observer, cancellationToken).ConfigureAwait(false);
        // The branch was fast-forwarded. "reset --keep" fails rather than overwrite files that the user changed since.
        if (await CommitOfAsync("HEAD", cancellationToken).ConfigureAwait(false) != before.Commit)
            await RunAsync(["reset", "--keep", "--quiet", before.Commit], observer, cancellationToken).ConfigureAwait(false);
    }

    // Commits that the user made since, on no branch or on the branch that is reset, would be lost.
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
        observer.Warning($"'{folder}' has commits that were made after the checkout of the new version; branch '{kept}' keeps them.");
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

    // Trees of other users that the user trusts by name. An asterisk, by which some have git trust whatever it finds, is not taken.
    private async Task<IReadOnlyList<string>> TrustedAsync(string git, CancellationToken cancellationToken)
    {
        if (_trusted is not null)
            return _trusted;
        string all;
        try
        {
            // From the root folder, which is no work tree: the tree's own configuration has no say.
            all = await UpgradeCommand.Of(git, ["config", "--get-all", "safe.directory"], Path.GetPathRoot(folder)!, s_environment).RunAsync(timeout, null, SilentObserver.Instance, cancellationToken).ConfigureAwait(false);
        }
        catch (BackupFailure failure) when (failure.Code == ErrorCodes.UpgradeStepFailed)
        {
            // There is no such setting.
            all = string.Empty;
        }

        // An empty one takes back all before it, also for git.
        return _trusted = [.. all.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0 && line != "*").Prepend(string.Empty).SelectMany(path => (string[])["-c", $"safe.directory={path}"])];
    }

    private async Task<string> RunAsync(string[] arguments, IOperationObserver observer, CancellationToken cancellationToken)
    {
        string git = ExternalTool.Find("git") ?? throw new BackupFailure(ErrorCodes.ToolMissing, FailureCategory.MissingTool, "git is not on PATH.", "Install git, or omit -GitRef and install the new version yourself.");
        IReadOnlyList<string> trusted = await TrustedAsync(git, cancellationToken).ConfigureAwait(false);
        return await UpgradeCommand.Of(git, [.. trusted, "-C", folder, .. arguments], folder, s_environment).RunAsync(timeout, null, observer, cancellationToken).ConfigureAwait(false);
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
