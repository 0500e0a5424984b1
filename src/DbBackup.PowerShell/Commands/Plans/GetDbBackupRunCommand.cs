using System.Management.Automation;
using DbBackup.Engine.Plans.Definitions;
using DbBackup.Engine.Plans.Runs;
using DbBackup.PowerShell.Arguments;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Pipeline;
using DbBackup.PowerShell.Plans;

namespace DbBackup.PowerShell.Commands;

/// <summary>Lists the recorded runs of backup plans, newest first.</summary>
[Cmdlet(VerbsCommon.Get, "DbBackupRun")]
[OutputType(typeof(BackupRun))]
public sealed class GetDbBackupRunCommand : PlanCommandBase
{
    /// <summary>Names of plans, or wildcards.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("Name")]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(PlanCompleter))]
    public string[]? Plan { get; set; }

    /// <summary>Only runs of the user's plans, or of the machine's.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public PlanScope? Scope { get; set; }

    /// <summary>Only runs in these states.</summary>
    [Parameter]
    public BackupRunState[]? State { get; set; }

    /// <summary>Only runs that began after this moment.</summary>
    [Parameter]
    [PointInTimeTransformation]
    public DateTimeOffset? After { get; set; }

    /// <summary>Only runs that began before this moment.</summary>
    [Parameter]
    [PointInTimeTransformation]
    public DateTimeOffset? Before { get; set; }

    /// <summary>Only the last run of each plan.</summary>
    [Parameter]
    public SwitchParameter Latest { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(Plan, () =>
    {
        IReadOnlyList<PlanStore> stores = Stores(Scope);
        BackupRun[] all = [.. stores.SelectMany(store => new RunStore(store.Folders).List()).OrderByDescending(run => run.Started)];
        string[] plans = [.. stores.SelectMany(store => store.List()).Select(file => file.Name)];
        foreach (string name in Plan ?? [])
        {
            // A plan that was removed still has its runs; one that never ran has none, and is no mistake.
            if (!WildcardPattern.ContainsWildcardCharacters(name) && !all.Select(run => run.Plan).Concat(plans).Contains(name, StringComparer.OrdinalIgnoreCase))
                WriteError(ErrorRecords.From(PlanStore.NotFound(name, plans), name));
        }

        IEnumerable<BackupRun> found = all.Where(run =>
            (Plan is null || Plan.Any(name => NamePattern.Of(name).IsMatch(run.Plan)))
            && (State is null || State.Contains(run.State))
            && (After is null || run.Started > After)
            && (Before is null || run.Started < Before));
        if (Latest)
            found = found.DistinctBy(run => (run.Scope, run.Plan));
        foreach (BackupRun run in found)
            WriteObject(run);
    });
}
