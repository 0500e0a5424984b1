using System.ComponentModel;
using System.Management.Automation;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;
using DbBackup.PowerShell.Completion;

namespace DbBackup.PowerShell.Pipeline;

/// <summary>
/// A command that works on existing backups: given as objects, or by name, source and repository. Objects that came back from a
/// file or another session have lost their type; they bind by their properties.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class BackupCommandBase : RepositoryCommandBase
{
    internal const string NameSet = "Name";
    internal const string InputObjectSet = "InputObject";

    /// <summary>The backup, as Get-DbBackup emits it.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = InputObjectSet)]
    public Backup? InputObject { get; set; }

    /// <summary>The source's exact name.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = NameSet)]
    [ArgumentCompleter(typeof(SourceCompleter))]
    public string? Source { get; set; }

    /// <summary>The repository.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = NameSet)]
    [ArgumentCompleter(typeof(RepositoryCompleter))]
    public string? Repository { get; set; }

    /// <summary>The repository of the backups at hand.</summary>
    private protected BackupRepository CurrentRepository() =>
        OpenRepository(ParameterSetName == InputObjectSet ? InputObject!.Repository : Repository);

    /// <summary>The object's backup as it is in the repository now; objects may be older than the last test.</summary>
    private protected Backup Refresh(Backup backup, BackupRepository repository) =>
        Run((_, token) => repository.FindAsync(new BackupKey(backup.Source, backup.Name), token))
        ?? throw BackupSelection.NotFound(backup.ToString(), repository.Location);

    /// <summary>The backups that the parameters name, newest first.</summary>
    /// <param name="names">Names or wildcards; null for all.</param>
    /// <param name="latest">Only the newest good one of each source.</param>
    private protected IReadOnlyList<Backup> SelectBackups(IReadOnlyList<string>? names, bool latest)
    {
        BackupRepository repository = CurrentRepository();
        if (ParameterSetName == InputObjectSet)
            return [Refresh(InputObject!, repository)];
        IReadOnlyList<Backup> all = Run((_, token) => repository.ListAsync(Source, token));
        IReadOnlyList<Backup> candidates = latest ? BackupSelection.LatestGood(all, null) : all;
        if (names is null)
            return candidates.Count > 0 ? candidates : throw BackupSelection.NotFound(Source is null ? "*" : $"{Source}/*", repository.Location);
        var selected = new List<Backup>();
        foreach (string name in names)
        {
            var given = new GivenName(name, ResolvePath);
            List<Backup> matches = [.. candidates.Where(given.Fits)];
            if (matches.Count == 0 && !given.IsPattern)
                WriteError(ErrorRecords.From(BackupSelection.NotFound(Source is null ? name : $"{Source}/{name}", repository.Location)));
            selected.AddRange(matches.Except(selected));
        }

        return selected;
    }

    /// <summary>The one backup that a name and a source name.</summary>
    /// <exception cref="BackupException">There is none, or several sources have one of that name.</exception>
    private protected Backup SelectOne(string? name, bool latest)
    {
        BackupRepository repository = CurrentRepository();
        if (ParameterSetName == InputObjectSet)
            return Refresh(InputObject!, repository);
        IReadOnlyList<Backup> all = Run((_, token) => repository.ListAsync(Source, token));
        if (name is not null && name.AsSpan().IndexOfAny('/', '\\') >= 0)
        {
            var given = new GivenName(name, ResolvePath);
            if (all.FirstOrDefault(backup => !given.IsPattern && given.Fits(backup)) is { } meant)
                return BackupSelection.One([meant], Source, null, latest, repository.Location);
        }

        return BackupSelection.One(all, Source, name, latest, repository.Location);
    }
}
