using DbBackup.Engine.Plans.Definitions;
using DbBackup.Engine.Plans.Runs;
using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Plans.Status;

/// <summary>Gathers what is known of plans, runs and repositories, each read once, and has it judged.</summary>
public sealed class StatusService(TimeProvider clock)
{
    /// <summary>Returns one status for each source of each plan, and for each source of no plan.</summary>
    /// <exception cref="BackupException">The repository that was asked for cannot be read.</exception>
    public async Task<IReadOnlyList<SourceStatus>> GetAsync(StatusRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        return [.. (await JudgeAsync(request, cancellationToken).ConfigureAwait(false)).Select(judged => judged.Status)];
    }

    /// <summary>The statuses with what they follow from, the worst first.</summary>
    internal async Task<IReadOnlyList<JudgedSource>> JudgeAsync(StatusRequest request, CancellationToken cancellationToken)
    {
        DateTimeOffset now = clock.GetUtcNow();
        var repositories = new Dictionary<string, StatusRepository>(StringComparer.Ordinal);
        async Task<StatusRepository> ReadAsync(RepositoryLocation location)
        {
            if (!repositories.TryGetValue(location.Text, out StatusRepository? read))
                repositories[location.Text] = read = await StatusRepository.ReadAsync(location, now, cancellationToken).ConfigureAwait(false);
            return read;
        }

        if (request.Repository is { } wanted && await ReadAsync(wanted).ConfigureAwait(false) is { Problem: { } unreadable } && request.Plans.Count == 0)
            throw unreadable;
        var judged = new List<JudgedSource>();
        void Judge(StatusFacts facts) => judged.Add(new JudgedSource(StatusRules.Judge(facts, now), facts));
        var planned = new HashSet<(string Repository, string Source)>();
        foreach ((PlanFile file, PlanFolders folders) in request.Plans)
        {
            if (file.Plan is not { } plan)
            {
                judged.Add(new JudgedSource(Unreadable(file, now), new StatusFacts { Source = file.Name, Repository = string.Empty }));
                continue;
            }

            IReadOnlyList<BackupRun> runs = new RunStore(folders).List(plan.Name);
            var facts = new PlanFacts(plan, runs, IsActive(plan, runs, request), ChangedOf(file), now);
            StatusRepository repository = await ReadAsync(request.Locate(plan.Repository ?? runs.FirstOrDefault(run => run.Backups.Count > 0)?.Repository)).ConfigureAwait(false);
            foreach (string source in PlanSources.Of(plan, runs))
            {
                planned.Add((repository.Location, source));
                Judge(repository.FactsOf(source, facts, request.Rpo));
            }
        }

        foreach (StatusRepository repository in repositories.Values.Where(each => request.IncludeOthers || each.Location == request.Repository?.Text))
        {
            foreach (string source in repository.Sources.Where(source => !planned.Contains((repository.Location, source))))
                Judge(repository.FactsOf(source, null, request.Rpo));
        }

        return [.. judged.OrderByDescending(each => each.Status.Health).ThenBy(each => each.Status.Source, StringComparer.OrdinalIgnoreCase)];
    }

    // The service runs plans that the machine's scheduler does not know.
    private static bool IsActive(BackupPlan plan, IReadOnlyList<BackupRun> runs, StatusRequest request) =>
        request.IsScheduled(plan) || runs.FirstOrDefault(run => run.Trigger != "Manual")?.Trigger == "Service";

    private static DateTimeOffset? ChangedOf(PlanFile file) => File.Exists(file.Path) ? new DateTimeOffset(File.GetLastWriteTimeUtc(file.Path)) : null;

    private static SourceStatus Unreadable(PlanFile file, DateTimeOffset now) => new()
    {
        Source = file.Name,
        Plan = file.Name,
        Repository = string.Empty,
        Checked = now.ToLocalTime(),
        Reasons =
        [
            new StatusReason
            {
                Severity = BackupHealth.Critical,
                Code = StatusCodes.PlanUnreadable,
                Text = file.Problem!.Message,
                NextStep = file.Problem.Hint,
            },
        ],
    };
}

/// <summary>A status, and what it follows from.</summary>
internal sealed record JudgedSource(SourceStatus Status, StatusFacts Facts);
