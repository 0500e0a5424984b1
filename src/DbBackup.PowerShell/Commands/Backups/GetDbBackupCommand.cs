using System.Management.Automation;
using DbBackup.Engine.Repository;
using DbBackup.PowerShell.Arguments;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Parameters;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Lists the backups in a repository, newest first.</summary>
[Cmdlet(VerbsCommon.Get, "DbBackup")]
[OutputType(typeof(Backup))]
[ParameterGroup<RepositoryParameters>(Members = [nameof(Repository)], ValueFromPipelineByPropertyName = true)]
[ParameterGroup<KeyParameters>]
public sealed partial class GetDbBackupCommand : RepositoryCommandBase
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
    [ValidateNotNullOrEmpty]
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

    /// <summary>The path of a backup's folder, as Get-ChildItem has it.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, DontShow = true)]
    public string? PSPath { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(Repository, () => List());

    private void List()
    {
        GivenName[]? given = Name is null ? null : [.. Name.Select(name => new GivenName(name, ResolvePath))];
        if (given is null)
        {
            List(OpenRepository(Repository), null);
            return;
        }

        foreach (IGrouping<string?, GivenName> group in given.GroupBy(name => name.Repository))
            List(OpenRepository(Repository ?? group.Key ?? GivenName.RepositoryOf(PSPath, ResolvePath)), [.. group]);
    }

    private void List(BackupRepository repository, GivenName[]? names)
    {
        // One exact source is read alone, without a look at the others, unless it is written in other cases.
        string? only = Source is [var one] && !WildcardPattern.ContainsWildcardCharacters(one) ? one : null;
        IReadOnlyList<Backup> all = Run((_, token) => repository.ListAsync(only, token));
        if (all.Count == 0 && only is not null)
        {
            only = null;
            all = Run((_, token) => repository.ListAsync(null, token));
        }

        ReportMissingSources(repository, only is null ? all : null, all);
        IEnumerable<Backup> filtered = all.Where(backup =>
            Fits(backup.Source, Source)
            && (Reason is null || Reason.Contains(backup.Reason, StringComparer.OrdinalIgnoreCase))
            && Tag.All(tag => backup.Tags.Contains(tag, StringComparer.OrdinalIgnoreCase))
            && (After is null || backup.Created > After)
            && (Before is null || backup.Created < Before));
        if (Latest)
        {
            ReportSourcesWithoutGood(all, repository);
            filtered = BackupSelection.LatestGood(filtered, Reason);
        }

        List<Backup> found = [.. filtered];
        foreach (GivenName name in names ?? [])
        {
            if (!name.IsPattern && !all.Any(name.Fits))
                WriteError(ErrorRecords.From(BackupSelection.NotFound(name.Text, repository.Location), name.Text));
        }

        // A listing needs no key; the variable alone does not have it open ten thousand.
        bool wantsDetails = Identity is not null || Passphrase is not null;
        foreach (Backup backup in found.Where(backup => names is null || names.Any(name => name.Fits(backup))))
        {
            // The same backup may be named twice through the pipeline.
            if (_emitted.Add(backup.Location))
                TryEach(backup, () => WriteObject(wantsDetails ? Opened(backup, GetKeyParameters()) : backup));
        }
    }

    // A source that is named without wildcards and has no backup is a mistake in the name, or a job that never ran.
    private void ReportMissingSources(BackupRepository repository, IReadOnlyList<Backup>? all, IReadOnlyList<Backup> listed)
    {
        foreach (string source in Source ?? [])
        {
            if (WildcardPattern.ContainsWildcardCharacters(source) || listed.Any(backup => Fits(backup.Source, [source])))
                continue;
            all ??= Run((_, token) => repository.ListAsync(null, token));
            WriteError(ErrorRecords.From(BackupSelection.SourceNotFound(source, [.. all.Select(backup => backup.Source).Distinct()], repository.Location), source));
        }
    }

    // A script that tests or restores the newest one must not go on with nothing.
    private void ReportSourcesWithoutGood(IReadOnlyList<Backup> all, BackupRepository repository)
    {
        foreach (string source in all.Select(backup => backup.Source).Distinct(StringComparer.Ordinal))
        {
            Backup[] own = [.. all.Where(backup => backup.Source == source)];
            if (Source?.Any(name => Fits(source, [name]) && !WildcardPattern.ContainsWildcardCharacters(name)) == true && BackupSelection.LatestGood(own, Reason).Count == 0)
                WriteError(ErrorRecords.From(BackupSelection.NoneGood(source, own, repository.Location), source));
        }
    }

    private static bool Fits(string text, string[]? patterns) =>
        patterns is null || patterns.Any(pattern => NamePattern.Of(pattern).IsMatch(text));
}
