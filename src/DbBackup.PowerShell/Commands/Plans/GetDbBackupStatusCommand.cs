using System.Management.Automation;
using DbBackup.Engine.Plans.Status;
using DbBackup.Engine.Repository;
using DbBackup.PowerShell.Arguments;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Shows how each source is backed up, and what is wrong.</summary>
[Cmdlet(VerbsCommon.Get, "DbBackupStatus")]
[OutputType(typeof(SourceStatus))]
public sealed class GetDbBackupStatusCommand : StatusCommandBase
{
    /// <summary>Names of sources or wildcards.</summary>
    [Parameter(Position = 0)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(SourceCompleter))]
    [ValidateNotNullOrEmpty]
    public string[]? Source { get; set; }

    /// <summary>A file in Prometheus' text format.</summary>
    [Parameter]
    public string? MetricsPath { get; set; }

    /// <summary>A JSON file.</summary>
    [Parameter]
    public string? HealthPath { get; set; }

    /// <summary>Fails if the health of any is critical.</summary>
    [Parameter]
    public SwitchParameter FailOnCritical { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        try
        {
            Show();
        }
        catch (BackupException failure)
        {
            // A check that could not look is no check that found nothing.
            ErrorRecord record = ErrorRecords.From(failure, Repository);
            if (FailOnCritical)
                ThrowTerminatingError(record);
            WriteError(record);
        }
    }

    private void Show()
    {
        StatusRequest request = Request();
        IReadOnlyList<SourceStatus> all = Run((_, token) => new StatusService(TimeProvider.System).GetAsync(request, token));
        SourceStatus[] shown = [.. all.Where(status => Source is null || Source.Any(name => NamePattern.Of(name).IsMatch(status.Source)))];
        ReportMissing(all, request);
        if (MetricsPath is not null)
            StatusFiles.Write(FileAt(MetricsPath), StatusMetrics.Text(shown, DateTimeOffset.UtcNow));
        if (HealthPath is not null)
            StatusFiles.Write(FileAt(HealthPath), StatusJson.Text(shown, DateTimeOffset.UtcNow));
        WriteObject(shown, enumerateCollection: true);
        if (FailOnCritical && shown.Where(status => status.Health == BackupHealth.Critical).ToArray() is { Length: > 0 } critical)
            ThrowTerminatingError(ErrorRecords.From(Critical(critical), critical));
    }

    private string FileAt(string path) => path.Length > 0
        ? ResolvePath(path)
        : throw new BackupFailure(ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, "An empty text names no file.", "Name the file, as in -MetricsPath ./dbbackup.prom.");

    // A source that is named without wildcards and that nothing backs up is a mistake in the name, or a job that never ran.
    private void ReportMissing(IReadOnlyList<SourceStatus> all, StatusRequest request)
    {
        foreach (string source in Source ?? [])
        {
            if (WildcardPattern.ContainsWildcardCharacters(source) || all.Any(status => NamePattern.Of(source).IsMatch(status.Source)))
                continue;
            BackupFailure missing = BackupSelection.SourceNotFound(source, [.. all.Select(status => status.Source).Distinct()], request.Repository?.Text ?? "the plans' repositories");
            if (FailOnCritical)
                ThrowTerminatingError(ErrorRecords.From(missing, source));
            WriteError(ErrorRecords.From(missing, source));
        }
    }

    private static BackupFailure Critical(SourceStatus[] critical) => new(
        ErrorCodes.StatusCritical,
        FailureCategory.InvalidData,
        $"The backups of {critical.Length} {(critical.Length == 1 ? "source are" : "sources are")} in a critical state: "
            + string.Join(" ", critical.Select(status => $"{status.Source}: {status.Reasons[0].Text}")),
        critical[0].Reasons[0].NextStep);
}
