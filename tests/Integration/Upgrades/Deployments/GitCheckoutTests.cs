using DbBackup.Upgrades.Deployments;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Upgrades.Deployments;

/// <summary>Real work trees that are taken to another version and back.</summary>
[Trait("Category", "Tool")]
public sealed class GitCheckoutTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly RecordingObserver _observer = new();
    private readonly string _tree;

    // Two versions: v1 with one file, v2 with another content and a second file. The work tree is on main, at v1.
    public GitCheckoutTests()
    {
        Require.Tool("git");
        _tree = Directory.CreateDirectory(_folder["tree"]).FullName;
        Shell.Run("git", "init", "--quiet", "--initial-branch=main", _tree);
        Commit(_tree, "one", ("app.txt", "one"), ("same.txt", "same"));
        Git(_tree, "tag", "v1");
        Git(_tree, "checkout", "--quiet", "-b", "next");
        Commit(_tree, "two", ("app.txt", "two"), ("new.txt", "new"));
        Git(_tree, "tag", "v2");
        Git(_tree, "checkout", "--quiet", "main");
    }

    private GitCheckout Checkout => new(_tree, TimeSpan.FromMinutes(1));

    private string App => File.ReadAllText(Path.Join(_tree, "app.txt"));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Clean_tree_says_where_it_is() =>
        Assert.Equal(new GitInfo(Git(_tree, "rev-parse", "v1"), "main"), await RequireCleanAsync("v2"));

    [Theory]
    [InlineData(null, false)]
    [InlineData("*", false)]
    [InlineData("tree", true)]
    public async Task Another_users_tree_runs_nothing_as_this_one_unless_it_is_trusted_by_name(string? trusted, bool isTrusted)
    {
        Assert.SkipUnless(Environment.UserName == "root", "Only root can give a tree to another user.");
        string trace = _folder["trace"], program = _folder["evil.sh"], settings = _folder["gitconfig"];
        File.WriteAllText(program, $"#!/bin/sh\ntouch '{trace}'\n");
        Shell.Run("chmod", "755", program);
        foreach (string key in (string[])["core.fsmonitor", "core.sshCommand", "core.pager", "diff.external", "filter.evil.smudge", "filter.evil.clean"])
            Git(_tree, "config", key, program);
        File.WriteAllText(Path.Join(_tree, ".git", "info", "attributes"), "* filter=evil\n");
        File.Copy(program, Path.Join(_tree, ".git", "hooks", "post-checkout"));
        Shell.Run("chown", "-R", "nobody", _tree);
        File.WriteAllText(settings, trusted is null ? string.Empty : $"[safe]\n\tdirectory = {(trusted == "*" ? "*" : _tree)}\n");
        string? before = Environment.GetEnvironmentVariable("GIT_CONFIG_GLOBAL");
        Environment.SetEnvironmentVariable("GIT_CONFIG_GLOBAL", settings);
        try
        {
            Assert.Equal("main", DbBackup.Engine.Platform.GitWorkTree.Describe(_tree)?.Branch);
            Assert.False(File.Exists(trace));
            if (isTrusted)
            {
                // Its filter runs, and makes all files look changed.
                Assert.Equal(ErrorCodes.LocalChanges, (await Assert.ThrowsAsync<BackupFailure>(() => RequireCleanAsync("v2"))).Code);
                Assert.True(File.Exists(trace));
                return;
            }

            BackupFailure failure = await Assert.ThrowsAsync<BackupFailure>(() => RequireCleanAsync("v2"));
            Assert.Equal(ErrorCodes.PermissionDenied, failure.Code);
            Assert.Contains("git config --global --add safe.directory", failure.Hint, StringComparison.Ordinal);
            await Assert.ThrowsAsync<BackupFailure>(() => CheckOutAsync("v2"));
            Assert.False(File.Exists(trace));
        }
        finally
        {
            Environment.SetEnvironmentVariable("GIT_CONFIG_GLOBAL", before);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Changed_file_is_refused(bool staged)
    {
        File.WriteAllText(Path.Join(_tree, "app.txt"), "mine");
        if (staged)
            Git(_tree, "add", "app.txt");
        BackupFailure failure = await Assert.ThrowsAsync<BackupFailure>(() => RequireCleanAsync("v2"));
        Assert.Equal(ErrorCodes.LocalChanges, failure.Code);
        Assert.Contains(" in app.txt. Nothing was changed.", failure.Message, StringComparison.Ordinal);
        Assert.Equal("mine", App);
    }

    [Fact]
    public async Task File_that_git_does_not_know_is_no_obstacle_and_stays()
    {
        File.WriteAllText(Path.Join(_tree, ".env"), "SECRET=1");
        GitInfo before = await RequireCleanAsync("v2");
        await CheckOutAsync("v2");
        await ReturnAsync(before);
        Assert.Equal("SECRET=1", File.ReadAllText(Path.Join(_tree, ".env")));
        AssertAt("main", "v1", "one");
    }

    [Fact]
    public async Task File_that_git_does_not_know_is_not_overwritten()
    {
        File.WriteAllText(Path.Join(_tree, "new.txt"), "mine");
        GitInfo before = await RequireCleanAsync("v2");
        BackupFailure failure = await Assert.ThrowsAsync<BackupFailure>(() => CheckOutAsync("v2"));
        Assert.Contains("new.txt", failure.Message, StringComparison.Ordinal);
        await ReturnAsync(before);
        Assert.Equal("mine", File.ReadAllText(Path.Join(_tree, "new.txt")));
        AssertAt("main", "v1", "one");
    }

    [Theory]
    [InlineData("v2")]
    [InlineData("next")]
    [InlineData("next~0")]
    public async Task Version_is_checked_out_and_returned_from(string reference)
    {
        GitInfo before = await RequireCleanAsync(reference);
        Assert.Equal($"checked out {reference} ({Git(_tree, "rev-parse", "v2")[..10]})", await CheckOutAsync(reference));
        Assert.Equal("two", App);
        await ReturnAsync(before);
        AssertAt("main", "v1", "one");
        Assert.False(File.Exists(Path.Join(_tree, "new.txt")));
        // Asked again, as after a way back that was cut off, it is there already.
        await ReturnAsync(before);
        AssertAt("main", "v1", "one");
    }

    [Fact]
    public async Task Tree_without_a_branch_returns_to_its_commit()
    {
        Git(_tree, "checkout", "--quiet", "--detach", "v1");
        GitInfo before = await RequireCleanAsync("next");
        Assert.Null(before.Branch);
        await CheckOutAsync("next");
        AssertAt("next", "v2", "two");
        await ReturnAsync(before);
        AssertAt("", "v1", "one");
    }

    [Fact]
    public async Task Branch_that_the_remote_has_moved_on_is_moved_on_and_back()
    {
        string other = Clone();
        Commit(other, "three", ("app.txt", "three"));
        Git(other, "push", "--quiet", "origin", "main");
        GitInfo before = await RequireCleanAsync("main");
        await CheckOutAsync("main");
        AssertAt("main", "origin/main", "three");
        await ReturnAsync(before);
        AssertAt("main", "v1", "one");
        Assert.Empty(_observer.Warnings);
    }

    [Fact]
    public async Task What_only_the_remote_knows_is_fetched()
    {
        string other = Clone();
        Git(other, "checkout", "--quiet", "-b", "release/3");
        Commit(other, "three", ("app.txt", "three"));
        Git(other, "tag", "v3");
        Git(other, "push", "--quiet", "origin", "release/3", "v3");
        foreach (string reference in new[] { "v3", "release/3" })
        {
            GitInfo before = await RequireCleanAsync(reference);
            await CheckOutAsync(reference);
            Assert.Equal("three", App);
            await ReturnAsync(before);
            AssertAt("main", "v1", "one");
        }
    }

    [Fact]
    public async Task Branch_that_has_gone_another_way_than_the_remote_is_left_where_it_was()
    {
        string other = Clone();
        Commit(other, "theirs", ("app.txt", "theirs"));
        Git(other, "push", "--quiet", "origin", "main");
        Commit(_tree, "ours", ("app.txt", "ours"));
        GitInfo before = await RequireCleanAsync("main");
        await Assert.ThrowsAsync<BackupFailure>(() => CheckOutAsync("main"));
        await ReturnAsync(before);
        AssertAt("main", before.Commit, "ours");
    }

    [Fact]
    public async Task Unknown_version_is_refused_before_anything_is_done()
    {
        BackupFailure failure = await Assert.ThrowsAsync<BackupFailure>(() => RequireCleanAsync("v9"));
        Assert.Equal(ErrorCodes.SourceNotFound, failure.Code);
        Assert.Contains("'v9' was not found in", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Version_that_the_remote_does_not_know_either_changes_nothing()
    {
        Clone();
        GitInfo before = await RequireCleanAsync("v9");
        BackupFailure failure = await Assert.ThrowsAsync<BackupFailure>(() => CheckOutAsync("v9"));
        Assert.Equal(ErrorCodes.UpgradeStepFailed, failure.Code);
        AssertAt("main", before.Commit, "one");
    }

    [Fact]
    public async Task Remote_that_does_not_answer_changes_nothing()
    {
        Git(_tree, "remote", "add", "origin", _folder["nowhere"]);
        await RequireCleanAsync("v2");
        BackupFailure failure = await Assert.ThrowsAsync<BackupFailure>(() => CheckOutAsync("v2"));
        Assert.Contains("nowhere", failure.Message, StringComparison.Ordinal);
        AssertAt("main", "v1", "one");
    }

    [Fact]
    public async Task Folder_below_a_work_tree_is_of_it()
    {
        string below = Directory.CreateDirectory(Path.Join(_tree, "deploy")).FullName;
        var checkout = new GitCheckout(below, TimeSpan.FromMinutes(1));
        GitInfo before = await checkout.RequireCleanAsync("v2", CancellationToken.None);
        await checkout.CheckOutAsync("v2", _observer, CancellationToken.None);
        Assert.Equal("two", App);
        await checkout.ReturnAsync(before, _observer, CancellationToken.None);
        AssertAt("main", "v1", "one");
    }

    [Fact]
    public async Task Folder_of_no_work_tree_is_told_of()
    {
        BackupFailure failure = await Assert.ThrowsAsync<BackupFailure>(() => new GitCheckout(_folder.Path, TimeSpan.FromMinutes(1)).RequireCleanAsync("v2", CancellationToken.None));
        Assert.Contains("is not in a git work tree", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Change_of_a_person_since_is_not_lost_on_the_way_back()
    {
        GitInfo before = await RequireCleanAsync("v2");
        await CheckOutAsync("v2");
        File.WriteAllText(Path.Join(_tree, "app.txt"), "mine");
        await Assert.ThrowsAsync<BackupFailure>(() => ReturnAsync(before));
        Assert.Equal("mine", App);
        // Put aside, it stands in nobody's way.
        Git(_tree, "stash");
        await ReturnAsync(before);
        AssertAt("main", "v1", "one");
    }

    [Fact]
    public async Task Change_of_a_person_since_in_another_file_comes_along()
    {
        string other = Clone();
        Commit(other, "three", ("app.txt", "three"));
        Git(other, "push", "--quiet", "origin", "main");
        GitInfo before = await RequireCleanAsync("main");
        await CheckOutAsync("main");
        File.WriteAllText(Path.Join(_tree, "same.txt"), "mine");
        await ReturnAsync(before);
        AssertAt("main", "v1", "one");
        Assert.Equal("mine", File.ReadAllText(Path.Join(_tree, "same.txt")));
    }

    [Theory]
    [InlineData("main")]
    [InlineData("v2")]
    public async Task Commit_of_a_person_since_is_kept_by_a_branch(string reference)
    {
        GitInfo before = await RequireCleanAsync(reference);
        await CheckOutAsync(reference);
        Commit(_tree, "mine", ("mine.txt", "mine"));
        string mine = Git(_tree, "rev-parse", "HEAD");
        await ReturnAsync(before);
        AssertAt("main", "v1", "one");
        Assert.Contains($"'kept-{mine[..10]}'", Assert.Single(_observer.Warnings), StringComparison.Ordinal);
        Assert.Equal(mine, Git(_tree, "rev-parse", "kept-" + mine[..10]));
    }

    // A bare repository as remote, and another person's clone of it.
    private string Clone()
    {
        string remote = _folder["remote.git"];
        Shell.Run("git", "clone", "--quiet", "--bare", _tree, remote);
        Git(_tree, "remote", "add", "origin", remote);
        Git(_tree, "fetch", "--quiet");
        Git(_tree, "branch", "--quiet", "--set-upstream-to=origin/main", "main");
        Shell.Run("git", "clone", "--quiet", remote, _folder["other"]);
        return _folder["other"];
    }

    private Task<GitInfo> RequireCleanAsync(string reference) => Checkout.RequireCleanAsync(reference, CancellationToken.None);

    private Task<string> CheckOutAsync(string reference) => Checkout.CheckOutAsync(reference, _observer, CancellationToken.None);

    private Task ReturnAsync(GitInfo before) => Checkout.ReturnAsync(before, _observer, CancellationToken.None);

    private void AssertAt(string branch, string reference, string content)
    {
        Assert.Equal(branch, Git(_tree, "branch", "--show-current"));
        Assert.Equal(Git(_tree, "rev-parse", reference), Git(_tree, "rev-parse", "HEAD"));
        Assert.Equal(content, App);
        Assert.DoesNotContain("app.txt", Git(_tree, "status", "--porcelain"), StringComparison.Ordinal);
    }

    private static void Commit(string tree, string message, params (string Name, string Content)[] files)
    {
        foreach ((string name, string content) in files)
            File.WriteAllText(Path.Join(tree, name), content);
        Git(tree, "add", ".");
        Git(tree, "commit", "--quiet", "--no-verify", "-m", message);
    }

    private static string Git(string tree, params string[] arguments) =>
        Shell.Run("git", ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false", "-C", tree, .. arguments]).Trim();
}
