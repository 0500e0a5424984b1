using System.Collections;
using System.Management.Automation;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Signatures;
using DbBackup.Engine.Restores;
using DbBackup.PowerShell.Arguments;

namespace DbBackup.PowerShell.Completion;

/// <summary>What the completers read: the backups of the repository that stands on the command line. Never fails, only finds nothing.</summary>
internal static class RepositoryReader
{
    // A completion that takes longer than this is of no use.
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(2);

    public static IReadOnlyList<Backup> Read(IDictionary bound) => Read<Backup>(bound, (repository, source, token) => repository.ListAsync(source, token));

    /// <summary>The restores that can be undone.</summary>
    public static IReadOnlyList<RestoreRecord> ReadRestores(IDictionary bound) => Read(bound, RestoreUndo.ListAsync);

    /// <summary>The signers of the backups.</summary>
    public static IReadOnlyList<BackupSigner> ReadSigners(IDictionary bound) => Read(
        bound, (repository, _, token) => new BackupSigners(BackupRepository.At(repository.Location)).ListAsync(token));

    private static IReadOnlyList<T> Read<T>(IDictionary bound, Func<BackupRepository, string?, CancellationToken, Task<IReadOnlyList<T>>> list)
    {
        try
        {
            using var timeout = new CancellationTokenSource(s_timeout);
            return list(new BackupRepository(RepositoryArgument.Resolve(bound["Repository"] as string, Resolve).OpenStore()), bound["Source"] as string, timeout.Token).GetAwaiter().GetResult();
        }
        catch (Exception exception) when (exception is BackupException or OperationCanceledException or IOException or UnauthorizedAccessException or InvalidOperationException or RuntimeException)
        {
            return [];
        }
    }

    /// <summary>True for a place that no completion of folders finds.</summary>
    public static bool IsRemote(string location)
    {
        try
        {
            return RepositoryLocation.Parse(location, path => path).Kind != "folder";
        }
        catch (BackupException)
        {
            return false;
        }
    }

    /// <summary>Completions that begin with what was typed, quoted where the shell needs it.</summary>
    public static IEnumerable<CompletionResult> Matching(IEnumerable<(string Text, string ToolTip)> candidates, string typed)
    {
        WildcardPattern pattern = PatternOf(typed.Trim('\'', '"'));
        foreach ((string text, string toolTip) in candidates)
        {
            if (pattern.IsMatch(text))
                yield return new CompletionResult(CommandText.Quote(text), text, CompletionResultType.ParameterValue, toolTip);
        }
    }

    // What is half typed may be no pattern yet, such as "[": then it is a name.
    private static WildcardPattern PatternOf(string typed)
    {
        WildcardPattern pattern = NamePattern.Of(typed + "*");
        try
        {
            pattern.IsMatch(string.Empty);
            return pattern;
        }
        catch (WildcardPatternException)
        {
            return NamePattern.Of(WildcardPattern.Escape(typed) + "*");
        }
    }

    /// <summary>A path as it is typed, made absolute from the shell's own location.</summary>
    public static string Resolve(string path)
    {
        // A completer has no cmdlet whose location it could ask for; the runspace of the prompt has one.
        using var shell = System.Management.Automation.PowerShell.Create(RunspaceMode.CurrentRunspace);
        var state = (PathIntrinsics)shell.AddScript("$ExecutionContext.SessionState.Path").Invoke()[0].BaseObject;
        return state.GetUnresolvedProviderPathFromPSPath(path);
    }
}
