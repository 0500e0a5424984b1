using DbBackup.Engine.Plans.Definitions;
using DbBackup.Engine.Plans.Schedules;
using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Plans.Status;

/// <summary>A plan's file, and where its runs are recorded.</summary>
/// <param name="File">The file.</param>
/// <param name="Folders">The folders.</param>
public sealed record StatusPlan(PlanFile File, PlanFolders Folders)
{
    /// <summary>All plans of the user and of the machine.</summary>
    public static IReadOnlyList<StatusPlan> All() =>
        [.. new[] { PlanScope.User, PlanScope.Machine }.Select(PlanFolders.Of).SelectMany(folders => new PlanStore(folders).List().Select(file => new StatusPlan(file, folders)))];
}

/// <summary>What is to be looked at.</summary>
public sealed record StatusRequest
{
    /// <summary>The plans.</summary>
    public IReadOnlyList<StatusPlan> Plans { get; init; } = [];

    /// <summary>Finds the repository of a plan; null for the default one.</summary>
    public required Func<string?, RepositoryLocation> Locate { get; init; }

    /// <summary>A repository of which all sources are shown, also those that no plan backs up; null for none.</summary>
    public RepositoryLocation? Repository { get; init; }

    /// <summary>True if sources that no plan backs up are shown, too, in the plans' repositories.</summary>
    public bool IncludeOthers { get; init; }

    /// <summary>How old the newest good backup may be where no plan says it.</summary>
    public TimeSpan? Rpo { get; init; }

    /// <summary>True if the machine's scheduler, or the service that asks, runs a plan by its schedule.</summary>
    public Func<BackupPlan, bool> IsScheduled { get; init; } =
        plan => SystemSchedulers.FindEnabled(PlanIdentity.Of(plan.Name, PlanFolders.Of(plan.Scope))).Count > 0;
}
