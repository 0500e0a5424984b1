using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using DbBackup.Engine.Repository;

namespace DbBackup.PowerShell.Completion;

/// <summary>Completes names of backups.</summary>
public sealed class BackupNameCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        RepositoryReader.Matching(
            RepositoryReader.Read(fakeBoundParameters)
                .DistinctBy(backup => backup.Name)
                .Select(backup => (backup.Name, $"{backup.Source}, {backup.GetAge()} old, {ByteSize.Format(backup.Size)}, {backup.Status}")),
            wordToComplete);
}

/// <summary>Completes the reasons for which backups are made.</summary>
public sealed class BackupReasonCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        RepositoryReader.Matching(
            [
                (BackupReason.Manual, "made at a prompt or in a script"),
                (BackupReason.Scheduled, "made by a scheduled task"),
                (BackupReason.PreMigration, "made before a schema migration"),
                (BackupReason.Safety, "what a restore or an upgrade replaced"),
                (BackupReason.Rehearsal, "the temporary copy of an upgrade's rehearsal"),
            ],
            wordToComplete);
}

/// <summary>Completes names of sources.</summary>
public sealed class SourceCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        // The word itself is bound already; it must not narrow the listing.
        fakeBoundParameters.Remove("Source");
        return RepositoryReader.Matching(
            RepositoryReader.Read(fakeBoundParameters)
                .GroupBy(backup => backup.Source)
                .OrderBy(source => source.Key, StringComparer.OrdinalIgnoreCase)
                .Select(source => (source.Key, $"{source.Count()} backups, the newest {source.First().GetAge()} old")),
            wordToComplete);
    }
}

/// <summary>Completes repositories: the named default, and folders that look like one.</summary>
public sealed class RepositoryCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        var known = new List<(string, string)>();
        if (Environment.GetEnvironmentVariable(BackupRepository.EnvironmentVariable) is { Length: > 0 } named)
            known.Add((named, "$env:" + BackupRepository.EnvironmentVariable));
        IEnumerable<CompletionResult> folders = CompletionCompleters.CompleteFilename(wordToComplete)
            .Where(result => result.ResultType == CompletionResultType.ProviderContainer);
        return RepositoryReader.Matching(known, wordToComplete).Concat(folders);
    }
}
