using DbBackup.Engine.Platform;

namespace DbBackup.Upgrades.Deployments;

/// <summary>Lists the names by which a work tree's versions can be checked out.</summary>
internal static class GitReferences
{
    // More names than this are of no use in completion.
    private const int Most = 5000;
    private const string Tags = "refs/tags/";
    private const string Branches = "refs/heads/";
    private const string RemoteBranches = "refs/remotes/";

    private static readonly Dictionary<string, string?> s_environment = new()
    {
        // Completion must not use the network, and no user can answer a prompt.
        ["GIT_NO_LAZY_FETCH"] = "1",
        ["GIT_TERMINAL_PROMPT"] = "0",
    };

    /// <summary>Reads tags, branches, then branches of remotes, each newest first.</summary>
    /// <param name="folder">A folder of the work tree, which exists.</param>
    /// <param name="cancellationToken">Ends git.</param>
    /// <returns>The names with a short description; none if git is missing.</returns>
    /// <exception cref="BackupFailure">The folder is not in a work tree, or git does not trust it.</exception>
    public static async Task<IReadOnlyList<(string Name, string Words)>> ReadAsync(string folder, CancellationToken cancellationToken)
    {
        if (ExternalTool.Find("git") is not { } git)
            return [];
        // Unlike a confirmed checkout, this does not override git's refusal of another user's work tree.
        string[] arguments =
        [
            // The last key sorts first; within one second, v10 comes before v9.
            "-C", folder, "for-each-ref", FormattableString.Invariant($"--count={Most}"), "--sort=-version:refname", "--sort=-creatordate", "--format=%(refname)%09%(creatordate:short)%09%(symref)",
            Tags, Branches, RemoteBranches,
        ];
        string text = await UpgradeCommand.Of(git, arguments, folder, s_environment).RunAsync(Timeout.InfiniteTimeSpan, null, SilentObserver.Instance, cancellationToken).ConfigureAwait(false);
        return Parse(text);
    }

    /// <summary>Parses git's output: lines of full name, date and symbolic target.</summary>
    internal static IReadOnlyList<(string Name, string Words)> Parse(string text)
    {
        string[][] references = [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t')).Where(fields => fields is [_, _, ""])];
        return
        [
            .. Of(Tags, "tag").Concat(Of(Branches, "branch"))
                // Git creates the local branch when this name is checked out.
                .Concat(Of(RemoteBranches, "branch of a remote").Where(each => each.Name.Contains('/', StringComparison.Ordinal))
                    .Select(each => (Name: each.Name[(each.Name.IndexOf('/', StringComparison.Ordinal) + 1)..], each.Words)))
                .DistinctBy(each => each.Name),
        ];

        IEnumerable<(string Name, string Words)> Of(string start, string kind) => references.Where(fields => fields[0].StartsWith(start, StringComparison.Ordinal))
            .Select(fields => (fields[0][start.Length..], fields[1].Length == 0 ? kind : $"{kind}, {fields[1]}"));
    }
}
