using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Plans.Status;

/// <summary>A repository, listed once.</summary>
internal sealed class StatusRepository
{
    private readonly ILookup<string, Backup> _backups;
    private readonly SpaceFacts _space;

    private StatusRepository(string location, IReadOnlyList<Backup> backups, BackupException? problem, SpaceFacts space)
    {
        Location = location;
        Problem = problem;
        All = backups;
        _backups = backups.ToLookup(backup => backup.Source, StringComparer.Ordinal);
        _space = space;
    }

    /// <summary>The place.</summary>
    public string Location { get; }

    /// <summary>Why it cannot be read; null where it can.</summary>
    public BackupException? Problem { get; }

    /// <summary>All its backups, newest first.</summary>
    public IReadOnlyList<Backup> All { get; }

    /// <summary>The sources that it has backups of.</summary>
    public IEnumerable<string> Sources => _backups.Select(source => source.Key);

    /// <summary>Lists it; a failure is kept, and is none for a place where nothing was ever put.</summary>
    public static async Task<StatusRepository> ReadAsync(RepositoryLocation location, DateTimeOffset now, CancellationToken cancellationToken)
    {
        BackupRepository repository = BackupRepository.At(location);
        try
        {
            IReadOnlyList<Backup> all = await repository.ListAsync(null, cancellationToken).ConfigureAwait(false);
            long? free = repository.LocalFolder is { } folder ? VolumeSpace.Available(folder) : null;
            return new StatusRepository(location.Text, all, null, SpaceFacts.Of(all, free, now));
        }
        catch (BackupException problem)
        {
            return new StatusRepository(location.Text, [], problem, SpaceFacts.Unknown);
        }
    }

    /// <summary>What is known of one of its sources.</summary>
    public StatusFacts FactsOf(string source, PlanFacts? plan, TimeSpan? rpo) => new()
    {
        Source = source,
        Repository = Location,
        Backups = [.. _backups[source]],
        // The first run of a plan creates its repository.
        RepositoryProblem = Problem?.Code == ErrorCodes.RepositoryNotFound && plan?.Runs.Any(run => run.Backups.Count > 0) == false ? null : Problem,
        Plan = plan,
        Rpo = rpo,
        Space = _space,
    };
}
