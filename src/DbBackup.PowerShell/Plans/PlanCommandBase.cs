using System.ComponentModel;
using System.Management.Automation;
using DbBackup.Engine.Plans.Definitions;
using DbBackup.Engine.Plans.Runs;
using DbBackup.Engine.Plans.Schedules;
using DbBackup.PowerShell.Arguments;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Plans;

/// <summary>A command that works on plans.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class PlanCommandBase : RepositoryCommandBase
{
    private protected PlanCommandBase()
    {
    }

    /// <summary>This module, for another runspace or process: its manifest, or what was imported in its place.</summary>
    private protected string ModulePath => MyInvocation.MyCommand.Module?.Path is { Length: > 0 } path ? Manifest(path) : typeof(PlanCommandBase).Assembly.Location;

    /// <summary>The plans of one scope, or of both.</summary>
    private protected static IReadOnlyList<PlanStore> Stores(PlanScope? scope) => scope is { } one
        ? [new PlanStore(PlanFolders.Of(one))]
        : [new PlanStore(PlanFolders.Of(PlanScope.User)), new PlanStore(PlanFolders.Of(PlanScope.Machine))];

    /// <summary>The plans that names or wildcards name; an error for each that names none, and for each file that is no plan.</summary>
    private protected IReadOnlyList<BackupPlan> Select(IReadOnlyList<string>? names, PlanScope? scope)
    {
        PlanFile[] all = [.. Stores(scope).SelectMany(store => store.List())];
        var found = new List<PlanFile>();
        foreach (string name in names ?? ["*"])
        {
            PlanFile[] fitting = [.. all.Where(file => NamePattern.Of(name).IsMatch(file.Name))];
            if (fitting.Length == 0 && names is not null && !WildcardPattern.ContainsWildcardCharacters(name))
                WriteError(ErrorRecords.From(PlanStore.NotFound(name, [.. all.Select(file => file.Name)]), name));
            found.AddRange(fitting);
        }

        var plans = new List<BackupPlan>();
        foreach (PlanFile file in found.DistinctBy(file => file.Path))
        {
            if (file.Plan is { } plan)
                plans.Add(plan);
            else
                WriteError(ErrorRecords.From(file.Problem!, file.Path));
        }

        return plans;
    }

    /// <summary>The plan with what is known of its schedule and its runs.</summary>
    private protected static BackupPlan Filled(BackupPlan plan)
    {
        BackupPlan filled = plan with { LastRun = new RunStore(PlanFolders.Of(plan.Scope)).Last(plan.Name) };
        try
        {
            return SystemSchedulers.Complete(filled, PlanFolders.Of(plan.Scope), DateTimeOffset.Now);
        }
        catch (BackupException)
        {
            // A schedule that somebody wrote into the file and that cannot be read: the plan is listed, and says so when it is enabled or run.
            return filled;
        }
    }

    /// <summary>Carries out what was shown and confirmed.</summary>
    private protected void Carry(IReadOnlyList<SchedulerChange> changes)
    {
        foreach (SchedulerChange change in changes)
        {
            change.Run();
            foreach (string warning in change.Warnings)
                WriteWarning(warning);
        }
    }

    // The module's path is that of its manifest, or of the assembly where only that was imported.
    private static string Manifest(string path) =>
        Path.ChangeExtension(path, ".psd1") is var manifest && File.Exists(manifest) ? manifest
        : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", "..", "DbBackup.psd1")) is var above && File.Exists(above) ? above
        : path;
}
