using System.Management.Automation;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Retention;
using DbBackup.PowerShell.Arguments;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Parameters;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Removes the backups that a retention policy does not keep.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "DbBackupRetention", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[OutputType(typeof(RetentionDecision))]
[ParameterGroup<RetentionParameters>(Members = [nameof(Retention)], Position = 0)]
[ParameterGroup<RetentionParameters>(Members =
[
    nameof(KeepLast), nameof(KeepHourly), nameof(KeepDaily), nameof(KeepWeekly), nameof(KeepMonthly), nameof(KeepYearly), nameof(KeepWithin), nameof(KeepReason),
    nameof(WeeklyOn), nameof(TimeZone), nameof(RequiredStatus), nameof(CollapseBelow),
])]
[ParameterGroup<RepositoryParameters>(Members = [nameof(Repository)])]
public sealed partial class InvokeDbBackupRetentionCommand : RepositoryCommandBase
{
    /// <summary>Names of sources or wildcards.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(SourceCompleter))]
    [ValidateNotNullOrEmpty]
    public string[]? Source { get; set; }

    private readonly HashSet<string> _named = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    protected override void ProcessRecord() => _named.UnionWith(Source ?? []);

    /// <inheritdoc/>
    protected override void EndProcessing() => TryEach(Repository, () =>
    {
        RetentionPolicy policy = GetRetentionParameters().ToPolicy() ?? throw new BackupFailure(
            ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, "No retention policy was given.", "Say what is kept, as in -Retention 7d,4w,12m or -KeepWithin 30d.");
        BackupRepository repository = OpenRepository(Repository);
        var removal = new BackupRemoval(repository);
        DateTimeOffset now = DateTimeOffset.UtcNow;
        // One exact source is read alone.
        string? only = _named.Count == 1 && !WildcardPattern.ContainsWildcardCharacters(_named.First()) ? _named.First() : null;
        RetentionPlan plan = Run((_, token) => removal.PlanAsync(only, policy, now, token));
        RetentionDecision[] decisions = [.. plan.Decisions.Where(decision => IsNamed(decision.Source))];
        ReportMissingSources(repository, decisions);
        foreach (RetentionStop stop in plan.Stops.Where(stop => IsNamed(stop.Source)))
            WriteWarning(stop.ToString());
        Dictionary<string, RetentionDecision> changed = Remove(removal, Confirm(decisions), policy, now);
        foreach (RetentionDecision decision in decisions)
            WriteObject(changed.GetValueOrDefault(decision.Backup.Location) ?? decision);
    });

    private List<RetentionDecision> Confirm(RetentionDecision[] decisions)
    {
        var confirmed = new List<RetentionDecision>();
        foreach (RetentionDecision decision in decisions.Where(decision => decision.Action == RetentionAction.Remove))
        {
            Backup backup = decision.Backup;
            string what = $"Remove backup '{backup}' ({backup.GetAge()} old, {ByteSize.Format(backup.Size)}): {string.Join(", ", decision.Reasons)}";
            if (Confirmed(what, what + "?", "Remove", force: false, ConfirmImpact.Medium))
                confirmed.Add(decision);
        }

        return confirmed;
    }

    private Dictionary<string, RetentionDecision> Remove(BackupRemoval removal, List<RetentionDecision> confirmed, RetentionPolicy policy, DateTimeOffset now)
    {
        var changed = new Dictionary<string, RetentionDecision>(StringComparer.Ordinal);
        if (confirmed.Count == 0)
            return changed;
        RunEach((observer, token) => removal.RetainAsync(confirmed, policy, now, observer, token), outcome =>
        {
            RetentionDecision decision = outcome.Decision;
            changed[decision.Backup.Location] = decision;
            if (outcome.Failure is { } failure)
                WriteError(ErrorRecords.From(failure, decision.Backup));
            else if (decision.Action == RetentionAction.Keep)
                WriteWarning($"'{decision.Backup}' is kept after all: {string.Join(", ", decision.Reasons)}.");
        });
        return changed;
    }

    private bool IsNamed(string source) => _named.Count == 0 || _named.Any(pattern => NamePattern.Of(pattern).IsMatch(source));

    // A source that is named without wildcards and has no backup is a mistake in the name, or a job that never ran.
    private void ReportMissingSources(BackupRepository repository, RetentionDecision[] decisions)
    {
        string[] missing = [.. _named.Where(name => !WildcardPattern.ContainsWildcardCharacters(name) && !decisions.Any(decision => NamePattern.Of(name).IsMatch(decision.Source)))];
        if (missing.Length == 0)
            return;
        IReadOnlyList<Backup> all = Run((_, token) => repository.ListAsync(null, token));
        foreach (string name in missing)
            WriteError(ErrorRecords.From(BackupSelection.SourceNotFound(name, [.. all.Select(backup => backup.Source).Distinct()], repository.Location), name));
    }
}
