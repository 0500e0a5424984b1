using System.Collections;
using System.Management.Automation;
using DbBackup.PowerShell.Completion;

namespace DbBackup.PowerShell.Plans;

/// <summary>What a plan says.</summary>
internal sealed class PlanParameters
{
    /// <summary>What is noted about the plan.</summary>
    public string? Description { get; set; }

    /// <summary>What is backed up: parameters of New-DbBackup.</summary>
    [ValidateNotNullOrEmpty]
    public Hashtable[]? Backup { get; set; }

    /// <summary>The repository.</summary>
    [ArgumentCompleter(typeof(RepositoryCompleter))]
    public string? Repository { get; set; }

    /// <summary>Repositories to which new backups are copied: locations, or tables with a retention.</summary>
    [ArgumentCompleter(typeof(RepositoryCompleter))]
    public object[]? CopyTo { get; set; }

    /// <summary>What is kept.</summary>
    [ArgumentCompleter(typeof(RetentionCompleter))]
    public object? Retention { get; set; }

    /// <summary>How often the newest backup is read back.</summary>
    public BackupAge? TestEvery { get; set; }

    /// <summary>How often the newest backup is restored and compared.</summary>
    public BackupAge? RestoreTestEvery { get; set; }

    /// <summary>When the plan runs, as cron expressions.</summary>
    public string[]? Schedule { get; set; }

    /// <summary>The time zone of the schedule and of the retention's days.</summary>
    [ArgumentCompleter(typeof(TimeZoneCompleter))]
    public string? TimeZone { get; set; }

    /// <summary>How old the newest good backup may become.</summary>
    public BackupAge? Rpo { get; set; }

    /// <summary>A command line before the backups.</summary>
    public string? BeforeCommand { get; set; }

    /// <summary>A command line after the backups.</summary>
    public string? AfterCommand { get; set; }

    /// <summary>A command line when a step failed.</summary>
    public string? FailureCommand { get; set; }

    /// <summary>Who is told of a run.</summary>
    public Hashtable[]? Notify { get; set; }

    /// <summary>A file of metrics for the node exporter.</summary>
    public string? MetricsPath { get; set; }

    /// <summary>A file of health as JSON.</summary>
    public string? HealthPath { get; set; }

    /// <summary>Returns a plan with what was given.</summary>
    public BackupPlan ApplyTo(BackupPlan plan, PlanDraft draft) => draft.Apply(plan, this);
}
