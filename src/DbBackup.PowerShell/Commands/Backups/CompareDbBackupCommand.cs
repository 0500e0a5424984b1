using System.Management.Automation;
using DbBackup.Engine.Comparisons;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Repository;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Parameters;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Compares backups with another one, or with the live data.</summary>
[Cmdlet(VerbsData.Compare, "DbBackup", DefaultParameterSetName = NameSet)]
[OutputType(typeof(BackupDifference))]
[ParameterGroup<ServerParameters>]
[ParameterGroup<DockerParameters>]
[ParameterGroup<ContentParameters>]
[ParameterGroup<StagingParameters>]
[ParameterGroup<LockParameters>]
[ParameterGroup<KeyParameters>]
public sealed partial class CompareDbBackupCommand : BackupCommandBase
{
    private static readonly string[] s_live =
        [nameof(ConnectionString), nameof(HostName), nameof(Port), nameof(Username), nameof(Credential), nameof(DockerHost), nameof(Container), nameof(ComposeProject), nameof(ComposeFile), nameof(Service), nameof(Volume), nameof(ContainerPath), nameof(Path)];

    private readonly List<string> _byCountAlone = [];
    private BackupComparison? _comparison;

    /// <summary>Names or wildcards.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = NameSet)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(BackupNameCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>The other backup: its name, or the object.</summary>
    [Parameter(Position = 1, ParameterSetName = NameSet)]
    [Parameter(Position = 0, ParameterSetName = InputObjectSet)]
    [Alias("DifferenceObject")]
    [ArgumentCompleter(typeof(BackupNameCompleter))]
    [ValidateNotNullOrEmpty]
    public object? Difference { get; set; }

    /// <summary>The live SQLite database or folder.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Path { get; set; }

    /// <summary>The live volume.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(VolumeCompleter))]
    [ValidateNotNullOrEmpty]
    public string? Volume { get; set; }

    /// <summary>The path in the container or volume.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? ContainerPath { get; set; }

    /// <summary>The live database; of a backup of a whole server, which databases are compared.</summary>
    [Parameter]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(DatabaseCompleter))]
    [ValidateNotNullOrEmpty]
    public string[]? Database { get; set; }

    /// <summary>Only the rows of these tables.</summary>
    [Parameter]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(TableCompleter))]
    public string[] Table { get; set; } = [];

    /// <summary>Also lists what is equal.</summary>
    [Parameter]
    public SwitchParameter IncludeEqual { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(InputObject ?? (object)Name, () =>
    {
        IReadOnlyList<Backup> backups = SelectBackups(Name, latest: false);
        foreach (Backup backup in backups)
            TryEach(backup, () => Compare(backup));
    });

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        if (_byCountAlone.Count == 0)
            return;
        string which = _byCountAlone.Count == 1 ? $"'{_byCountAlone[0]}'" : $"{_byCountAlone.Count} backups";
        WriteWarning(
            $"No difference was found in {which}, but rows were only counted: tables with as many rows might hold other ones. Contents are compared if the backup has their hashes (New-DbBackup -Fingerprint Content, or -Verify)"
            + (Difference is null ? "." : ", and both backups in the same form."));
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // Also when a command behind has enough and stops the pipeline.
        if (disposing && _comparison is { } comparison)
        {
            _comparison = null;
            Task.Run(() => comparison.DisposeAsync().AsTask()).GetAwaiter().GetResult();
        }

        base.Dispose(disposing);
    }

    private void Compare(Backup backup)
    {
        BackupRepository repository = OpenRepository(backup.Repository);
        backup = Opened(backup, GetKeyParameters());
        _comparison ??= new BackupComparison(Request(backup));
        ComparisonResult result = Run((observer, token) => _comparison.CompareAsync(repository, backup, observer, token));
        foreach (string skipped in result.NotCompared)
            WriteWarning($"{backup}: {skipped}");
        foreach (BackupDifference difference in result.Differences)
            WriteObject(difference);
        if (result.IsByCountAlone && result.Differences.All(difference => difference.Change is DifferenceChange.Equal or DifferenceChange.SameCount))
            _byCountAlone.Add(backup.ToString());
    }

    private ComparisonRequest Request(Backup first)
    {
        Backup? other = Difference is null ? null : Opened(Other(first), GetKeyParameters());
        if (other is not null && s_live.FirstOrDefault(MyInvocation.BoundParameters.ContainsKey) is { } live)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument,
                FailureCategory.InvalidArgument,
                $"-Difference names another backup, and -{live} says where live data are: a backup is compared with one of the two.",
                $"Omit -Difference, or -{live}.");
        }

        ServerParameters server = GetServerParameters();
        ContainerAddress place = GetDockerParameters().ToAddress(ResolveProject, Volume);
        return new ComparisonRequest
        {
            Other = other,
            OtherRepository = other is null ? null : OpenRepository(other.Repository),
            Connection = server.ToRequest(place: server.NamesServer ? null : place),
            Place = place,
            ContainerPath = ContainerPath,
            Path = Path is null ? null : ResolvePath(Path),
            Databases = Database ?? [],
            Tables = Table,
            Content = Content,
            IncludeEqual = IncludeEqual,
            StagingPath = GetStagingParameters().ToPath(ResolvePath),
            LockTimeout = GetLockParameters().ToTime(),
        };
    }

    private Backup Other(Backup first)
    {
        object value = Difference is PSObject wrapped ? wrapped.BaseObject : Difference!;
        if (value is Backup backup)
            return Refresh(backup, OpenRepository(backup.Repository));
        // An object out of a file has lost its type.
        if (Difference is PSObject { Properties: var properties } && properties["Source"]?.Value is string source && properties["Name"]?.Value is string own)
            return Named($"{source}/{own}", properties["Repository"]?.Value as string ?? first.Repository, first);
        // A name of digits alone is a number where it is typed without quotes.
        return value is string || value.GetType().IsPrimitive ? Named(LanguagePrimitives.ConvertTo<string>(value), null, first) : throw new BackupFailure(
            ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"-Difference takes one backup or its name, not a {value.GetType().Name}.", "Name one: -Difference source/name.");
    }

    private Backup Named(string text, string? where, Backup first)
    {
        var given = new GivenName(text, ResolvePath);
        BackupRepository repository = OpenRepository(where ?? given.Repository ?? Repository ?? first.Repository);
        Backup[] found = [.. Run((_, token) => repository.ListAsync(null, token)).Where(given.Fits)];
        // A name alone is one of the same source, if that has it.
        if (found.Length > 1 && found.Where(backup => backup.Source == first.Source).ToArray() is { Length: > 0 } own)
            found = own;
        return found.Length switch
        {
            1 => found[0],
            0 => throw BackupSelection.NotFound(text, repository.Location),
            _ => throw new BackupFailure(
                ErrorCodes.BackupAmbiguous, FailureCategory.InvalidArgument, $"More than one backup matches -Difference '{text}': {string.Join(", ", found.Take(5))}{(found.Length > 5 ? ", …" : string.Empty)}.", "Name one as source/name.")
            { Target = text },
        };
    }
}
