using DbBackup.Engine.Platform;

namespace DbBackup.Upgrades.Deployments;

/// <summary>The names by which a work tree's versions can be checked out.</summary>
internal static class GitReferences
{
    // A command keeps so many lines of what is written; nobody chooses from more.
    private const int Most = 5000;
    private const string Tags = "refs/tags/";
    private const string Branches = "refs/heads/";
    private const string RemoteBranches = "refs/remotes/";

    private static readonly Dictionary<string, string?> s_environment = new()
    {
        // Nobody has asked for the network yet, and nobody answers.
        ["GIT_NO_LAZY_FETCH"] = "1",
        ["GIT_TERMINAL_PROMPT"] = "0",
    };

    /// <summary>Reads them: tags, branches, then branches that only a remote has, each the newest first.</summary>
    /// <param name="folder">A folder of the work tree, which exists.</param>
    /// <param name="cancellationToken">Ends git.</param>
    /// <returns>The names, each with a few words; none where git is missing.</returns>
    /// <exception cref="BackupFailure">It is no work tree, or one that git does not trust.</exception>
    public static async Task<IReadOnlyList<(string Name, string Words)>> ReadAsync(string folder, CancellationToken cancellationToken)
    {
        if (ExternalTool.Find("git") is not { } git)
            return [];
        // Unlike a checkout, which was asked for and confirmed, this leaves a work tree of another user alone where git does.
        string[] arguments =
        [
            // The last key counts first: of one second, v10 comes before v9.
            "-C", folder, "for-each-ref", FormattableString.Invariant($"--count={Most}"), "--sort=-version:refname", "--sort=-creatordate", "--format=%(refname)%09%(creatordate:short)%09%(symref)",
            Tags, Branches, RemoteBranches,
        ];
        string text = await UpgradeCommand.Of(git, arguments, folder, s_environment).RunAsync(Timeout.InfiniteTimeSpan, null, SilentObserver.Instance, cancellationToken).ConfigureAwait(false);
        return Parse(text);
    }

    /// <summary>The names in what git wrote: lines of a full name, a date, and the full name that it stands for.</summary>
    internal static IReadOnlyList<(string Name, string Words)> Parse(string text)
    {
        string[][] references = [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t')).Where(fields => fields is [_, _, ""])];
        return
        [
            .. Of(Tags, "tag").Concat(Of(Branches, "branch"))
                // By this name git makes the branch itself when it is checked out.
                .Concat(Of(RemoteBranches, "branch of a remote").Where(each => each.Name.Contains('/', StringComparison.Ordinal))
                    .Select(each => (Name: each.Name[(each.Name.IndexOf('/', StringComparison.Ordinal) + 1)..], each.Words)))
                .DistinctBy(each => each.Name),
        ];

        IEnumerable<(string Name, string Words)> Of(string start, string kind) => references.Where(fields => fields[0].StartsWith(start, StringComparison.Ordinal))
            .Select(fields => (fields[0][start.Length..], fields[1].Length == 0 ? kind : $"{kind}, {fields[1]}"));
    }
}
