using System.Management.Automation;
using DbBackup.Engine.Plans.Definitions;
using DbBackup.Engine.Plans.Schedules;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Plans;

namespace DbBackup.PowerShell.Commands;

/// <summary>Takes the schedules of plans out of the machine's scheduler.</summary>
[Cmdlet(VerbsLifecycle.Disable, "DbBackupPlan", SupportsShouldProcess = true)]
[OutputType(typeof(BackupPlan))]
public sealed class DisableDbBackupPlanCommand : PlanCommandBase
{
    /// <summary>Names or wildcards.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(PlanCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>The user's plan, or the machine's.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public PlanScope? Scope { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(Name, () =>
    {
        // A plan whose file was deleted may still be in the scheduler.
        (string Name, PlanScope Scope)[] left = [.. Name.Where(name => !WildcardPattern.ContainsWildcardCharacters(name)).SelectMany(Orphans)];
        foreach ((string name, PlanScope scope) in left)
            TryEach(name, () => Disable(name, scope));
        string[] names = [.. Name.Where(name => !left.Any(orphan => orphan.Name == name))];
        if (names.Length == 0)
            return;
        foreach (BackupPlan plan in Select(names, Scope))
        {
            TryEach(plan.Name, () =>
            {
                if (Disable(plan.Name, plan.Scope))
                    WriteObject(Filled(plan));
            });
        }
    });

    private IEnumerable<(string, PlanScope)> Orphans(string name) => Stores(Scope)
        .Where(store => !store.List().Any(file => file.Name.Equals(name, StringComparison.OrdinalIgnoreCase)))
        .Where(store => SystemSchedulers.FindEnabled(PlanIdentity.Of(name, store.Folders)).Count > 0)
        .Select(store => (name, store.Folders.Scope));

    private bool Disable(string name, PlanScope scope)
    {
        IReadOnlyList<SchedulerChange> changes = SystemSchedulers.Disable(name, PlanFolders.Of(scope));
        if (changes.Count == 0)
        {
            WriteVerbose($"The plan '{name}' is in no scheduler.");
            return true;
        }

        string what = $"Disable the plan '{name}' in {string.Join(" and ", changes.Select(change => change.Scheduler))}";
        if (!ShouldProcess($"{what}:\n{string.Join('\n', changes.Select(change => change.Text))}", what + "?", "Disable"))
            return false;
        Carry(changes);
        return true;
    }
}
