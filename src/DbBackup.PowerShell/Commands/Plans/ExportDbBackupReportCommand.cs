using System.Management.Automation;
using DbBackup.Engine.Plans.Reports;
using DbBackup.Engine.Plans.Status;
using DbBackup.PowerShell.Pipeline;
using DbBackup.PowerShell.Plans;

namespace DbBackup.PowerShell.Commands;

/// <summary>Writes how sources are backed up as one page of HTML.</summary>
[Cmdlet(VerbsData.Export, "DbBackupReport", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Low)]
[OutputType(typeof(FileInfo))]
public sealed class ExportDbBackupReportCommand : StatusCommandBase
{
    /// <summary>The page's file.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = string.Empty;

    /// <summary>The policy whose next removals are shown for sources of no plan.</summary>
    [Parameter]
    public object? Retention { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(Path, () =>
    {
        RetentionPolicy? retention = RetentionArgument.ToText(Retention) is { } text ? RetentionPolicy.Parse(text) : null;
        StatusRequest request = Request();
        string path = ResolvePath(Path);
        if (Directory.Exists(path))
            throw new BackupFailure(ErrorCodes.DestinationExists, FailureCategory.InvalidArgument, $"'{path}' is a folder.", "Name a file, as in -Path report.html.") { Target = path };
        if (!ShouldProcess($"'{path}'", "Write the report"))
            return;
        string page = Run((_, token) => new BackupReport(TimeProvider.System).WriteAsync(request, retention, token));
        StatusFiles.Write(path, page);
        WriteObject(new FileInfo(path));
    });
}
