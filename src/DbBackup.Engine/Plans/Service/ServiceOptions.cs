using System.Net;
using DbBackup.Engine.Plans.Definitions;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Plans.Service;

/// <summary>What a service runs, and where it answers.</summary>
public sealed record ServiceOptions
{
    /// <summary>The folders of its plans.</summary>
    public required IReadOnlyList<PlanFolders> Folders { get; init; }

    /// <summary>The PowerShell program that runs a plan.</summary>
    public required ShellProgram Shell { get; init; }

    /// <summary>The module's name or the path of its manifest.</summary>
    public required string Module { get; init; }

    /// <summary>The address at which it answers; null for none.</summary>
    public IPEndPoint? Listen { get; init; }

    /// <summary>Writes the metrics of all plans as Prometheus text.</summary>
    public Func<IReadOnlyList<ServicePlan>, string>? Metrics { get; init; }

    internal TimeProvider Clock { get; init; } = TimeProvider.System;
}

/// <summary>A plan as the service sees it.</summary>
/// <param name="Name">The name.</param>
/// <param name="Plan">The plan; null if its file cannot be read.</param>
/// <param name="LastRun">Its last run.</param>
/// <param name="NextRun">When it runs next.</param>
/// <param name="IsRunning">True if it runs now.</param>
/// <param name="Problem">What is wrong, for people; null if nothing is.</param>
public sealed record ServicePlan(string Name, BackupPlan? Plan, BackupRun? LastRun, DateTimeOffset? NextRun, bool IsRunning, string? Problem);
