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

/// <summary>Completes the formats that what is backed up can have: those of SQLite for a path, those of pg_dump for a server.</summary>
public sealed class DumpFormatCompleter : IArgumentCompleter
{
    private static readonly string[] s_server = ["ConnectionString", "HostName", "Port", "Username", "Database", "AllDatabases"];
    private static readonly string[] s_container = ["Container", "ComposeProject", "Service"];
    private static readonly string[] s_files = ["ContainerPath", "Volume"];

    private static readonly (string, string) Native = ("Native", "the file itself");
    private static readonly (string, string) Sql = ("Sql", "SQL text, by the sqlite3 program");
    private static readonly (string, string) Custom = ("Custom", "an archive for pg_restore, in one file");
    private static readonly (string, string) Directory = ("Directory", "an archive in a folder, dumped by several jobs");
    private static readonly (string, string) Plain = ("Plain", "SQL text for psql");

    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        bool Has(string[] parameters) => parameters.Any(fakeBoundParameters.Contains);
        string? path = (fakeBoundParameters["Path"] ?? fakeBoundParameters["LiteralPath"])?.ToString();
        bool isUrl = path?.StartsWith("postgres", StringComparison.OrdinalIgnoreCase) == true && path.Contains("://", StringComparison.Ordinal);
        (string, string)[] formats = Has(s_files) && !fakeBoundParameters.Contains("Database") ? [Native]
            : Has(s_container) ? [Custom, Plain]
            : isUrl || Has(s_server) ? [Custom, Directory, Plain]
            : path is not null ? [Native, Sql]
            : [Native, Sql, Custom, Directory, Plain];
        return RepositoryReader.Matching(formats, wordToComplete);
    }
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

/// <summary>Completes repositories: the named default, those off site that this user has seen, and folders.</summary>
public sealed class RepositoryCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        var known = new List<(string, string)>();
        if (Environment.GetEnvironmentVariable(BackupRepository.EnvironmentVariable) is { Length: > 0 } named)
            known.Add((named, "$env:" + BackupRepository.EnvironmentVariable));
        foreach (string location in KnownRepositories.OfUser.Locations().Where(RepositoryReader.IsRemote).Except(known.Select(each => each.Item1)))
            known.Add((location, "seen before"));
        IEnumerable<CompletionResult> folders = CompletionCompleters.CompleteFilename(wordToComplete)
            .Where(result => result.ResultType == CompletionResultType.ProviderContainer);
        return RepositoryReader.Matching(known, wordToComplete).Concat(folders);
    }
}
