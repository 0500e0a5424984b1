using System.ComponentModel;
using System.Management.Automation;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;
using DbBackup.PowerShell.Parameters;

namespace DbBackup.PowerShell.Pipeline;

/// <summary>
/// A command that works on existing backups: given as objects, or by name, source and repository. Objects that came back from a
/// file or another session have lost their type; they bind by their properties.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
[ParameterGroup<RepositoryParameters>(NameSet, ValueFromPipelineByPropertyName = true)]
public abstract partial class BackupCommandBase : RepositoryCommandBase
{
    internal const string NameSet = "Name";
    internal const string InputObjectSet = "InputObject";

    /// <summary>The backup, as Get-DbBackup emits it.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = InputObjectSet)]
    public Backup? InputObject { get; set; }

    /// <summary>The path of a backup's folder, as Get-ChildItem has it.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = NameSet, DontShow = true)]
    public string? PSPath { get; set; }

    /// <summary>Returns the repository of the object at hand, the one that was named, or that in which the named path lies.</summary>
    private protected BackupRepository CurrentRepository(GivenName? name = null) =>
        OpenRepository(ParameterSetName == InputObjectSet ? InputObject!.Repository : Repository ?? name?.Repository ?? GivenName.RepositoryOf(PSPath, ResolvePath));

    /// <summary>The object's backup as it is in the repository now; objects may be older than the last test.</summary>
    private protected Backup Refresh(Backup backup, BackupRepository repository) =>
        Run((_, token) => repository.FindAsync(new BackupKey(backup.Source, backup.Name), token))
        ?? throw BackupSelection.NotFound(backup.ToString(), repository.Location);

    /// <summary>The backups that the parameters name, newest first.</summary>
    /// <param name="names">Names or wildcards; null for all.</param>
    /// <param name="latest">Only the newest good one of each source.</param>
    private protected IReadOnlyList<Backup> SelectBackups(IReadOnlyList<string>? names, bool latest)
    {
        if (ParameterSetName == InputObjectSet)
            return [Refresh(InputObject!, CurrentRepository())];
        if (names is null)
        {
            BackupRepository repository = CurrentRepository();
            IReadOnlyList<Backup> all = Candidates(repository, latest);
            return all.Count > 0 ? all : throw NotFound(null, repository);
        }

        var selected = new List<Backup>();
        foreach (IGrouping<string?, GivenName> group in names.Select(name => new GivenName(name, ResolvePath)).GroupBy(given => given.Repository))
        {
            BackupRepository repository = CurrentRepository(group.First());
            IReadOnlyList<Backup> candidates = Candidates(repository, latest);
            foreach (GivenName given in group)
            {
                List<Backup> matches = [.. candidates.Where(given.Fits)];
                if (matches.Count == 0 && !given.IsPattern)
                    WriteError(ErrorRecords.From(NotFound(given, repository)));
                selected.AddRange(matches.ExceptBy(selected.Select(backup => backup.Location), backup => backup.Location));
            }
        }

        return selected;
    }

    /// <summary>The one backup that a name and a source name.</summary>
    /// <exception cref="BackupException">There is none, or several sources have one of that name.</exception>
    private protected Backup SelectOne(string? name, bool latest)
    {
        GivenName? given = name is null ? null : new GivenName(name, ResolvePath);
        BackupRepository repository = CurrentRepository(given);
        if (ParameterSetName == InputObjectSet)
            return Refresh(InputObject!, repository);
        IReadOnlyList<Backup> all = ListSource(repository);
        if (name is not null && name.AsSpan().IndexOfAny('/', '\\') >= 0 && all.FirstOrDefault(backup => !given!.IsPattern && given.Fits(backup)) is { } meant)
            return BackupSelection.One([meant], Source, null, latest, repository.Location);
        if (all.Count == 0 && Source is not null)
            throw NotFound(given, repository);
        return BackupSelection.One(all, Source, name, latest, repository.Location);
    }

    /// <summary>Returns the backups of the source, or of all sources, newest first. A source written in other cases is found if only one is meant.</summary>
    private protected IReadOnlyList<Backup> ListSource(BackupRepository repository)
    {
        IReadOnlyList<Backup> exact = Run((_, token) => repository.ListAsync(Source, token));
        if (exact.Count > 0 || Source is null)
            return exact;
        Backup[] alike = [.. Run((_, token) => repository.ListAsync(null, token)).Where(backup => string.Equals(backup.Source, Source, StringComparison.OrdinalIgnoreCase))];
        if (alike.Select(backup => backup.Source).Distinct(StringComparer.Ordinal).Count() != 1)
            return exact;
        Source = alike[0].Source;
        return alike;
    }

    /// <summary>Returns the failure for a name that fits no backup; it names the source if that is what is unknown.</summary>
    private protected BackupFailure NotFound(GivenName? given, BackupRepository repository)
    {
        if (Source is null)
            return BackupSelection.NotFound(given?.Text ?? "*", repository.Location);
        IReadOnlyList<Backup> all = Run((_, token) => repository.ListAsync(null, token));
        return all.Any(backup => backup.Source == Source)
            ? BackupSelection.NotFound($"{Source}/{given?.Text ?? "*"}", repository.Location)
            : BackupSelection.SourceNotFound(Source, [.. all.Select(backup => backup.Source).Distinct()], repository.Location);
    }

    private IReadOnlyList<Backup> Candidates(BackupRepository repository, bool latest)
    {
        IReadOnlyList<Backup> all = ListSource(repository);
        return latest ? BackupSelection.LatestGood(all, null) : all;
    }
}
