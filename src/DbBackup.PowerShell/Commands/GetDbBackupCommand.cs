using System.Management.Automation;
using DbBackup.Engine.Repository;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Lists the backups in a repository, newest first.</summary>
[Cmdlet(VerbsCommon.Get, "DbBackup")]
[OutputType(typeof(Backup))]
public sealed class GetDbBackupCommand : RepositoryCommandBase
{
    private readonly HashSet<string> _emitted = new(StringComparer.Ordinal);

    /// <summary>Names or wildcards.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(BackupNameCompleter))]
    public string[]? Name { get; set; }

    /// <summary>Names of sources or wildcards.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(SourceCompleter))]
    public string[]? Source { get; set; }

    /// <summary>Only those made for one of these reasons.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(BackupReasonCompleter))]
    public string[]? Reason { get; set; }

    /// <summary>Only with all of these labels.</summary>
    [Parameter]
    public string[] Tag { get; set; } = [];

    /// <summary>Only those taken after this moment.</summary>
    [Parameter]
    [PointInTimeTransformation]
    public DateTimeOffset? After { get; set; }

    /// <summary>Only those taken before this moment.</summary>
    [Parameter]
    [PointInTimeTransformation]
    public DateTimeOffset? Before { get; set; }

    /// <summary>Only the newest good one of each source.</summary>
    [Parameter]
    public SwitchParameter Latest { get; set; }

    /// <summary>The repository.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(RepositoryCompleter))]
    public string? Repository { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(Repository, List);

    private void List()
    {
        BackupRepository repository = OpenRepository(Repository);
        // One exact source is read alone, without a look at the others.
        string? only = Source is [var one] && !WildcardPattern.ContainsWildcardCharacters(one) ? one : null;
        IReadOnlyList<Backup> all = Run((_, token) => repository.ListAsync(only, token));
        IEnumerable<Backup> filtered = all.Where(backup =>
            Fits(backup.Source, Source)
            && (Reason is null || Reason.Contains(backup.Reason, StringComparer.OrdinalIgnoreCase))
            && Tag.All(tag => backup.Tags.Contains(tag, StringComparer.OrdinalIgnoreCase))
            && (After is null || backup.Created > After)
            && (Before is null || backup.Created < Before));
        if (Latest)
            filtered = BackupSelection.LatestGood(filtered, Reason);

        List<Backup> found = [.. filtered];
        foreach (string name in Name ?? [])
        {
            var given = new GivenName(name, ResolvePath);
            if (!given.IsPattern && !all.Any(given.Fits))
                WriteError(ErrorRecords.From(BackupSelection.NotFound(name, repository.Location), name));
        }

        foreach (Backup backup in found.Where(backup => Name is null || Name.Any(name => new GivenName(name, ResolvePath).Fits(backup))))
        {
            // The same backup may be named twice through the pipeline.
            if (_emitted.Add(backup.Location))
                WriteObject(backup);
        }
    }

    private static bool Fits(string text, string[]? patterns) =>
        patterns is null || patterns.Any(pattern => WildcardPattern.Get(pattern, WildcardOptions.IgnoreCase).IsMatch(text));
}
