using System.Management.Automation;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Portability;
using DbBackup.Engine.Repository;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Parameters;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Gives a backup's content out as plain files and folders.</summary>
[Cmdlet(VerbsData.Export, "DbBackup", SupportsShouldProcess = true, DefaultParameterSetName = NameSet)]
[OutputType(typeof(FileInfo), typeof(DirectoryInfo))]
[ParameterGroup<ContentParameters>]
[ParameterGroup<KeyParameters>]
public sealed partial class ExportDbBackupCommand : BackupCommandBase
{
    /// <summary>The backup's name.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = NameSet)]
    [ArgumentCompleter(typeof(BackupNameCompleter))]
    public string? Name { get; set; }

    /// <summary>The newest good backup of the source.</summary>
    [Parameter(ParameterSetName = NameSet)]
    public SwitchParameter Latest { get; set; }

    /// <summary>A file for a single database, else a folder.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    [ValidateNotNullOrEmpty]
    public string Destination { get; set; } = string.Empty;

    /// <summary>The databases of a server's backup; wildcards are allowed.</summary>
    [Parameter]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[]? Database { get; set; }

    /// <summary>The form of the database.</summary>
    [Parameter]
    [ValidateSet("Native", "Sql", "Tar")]
    public string Format { get; set; } = "Native";

    /// <summary>Overwrites an existing file.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(InputObject ?? (object?)Name, () =>
    {
        // The tar has the files as they are stored.
        Backup backup = SelectOne(Name, Latest);
        if (!Format.Equals("Tar", StringComparison.OrdinalIgnoreCase))
            backup = Opened(backup, GetKeyParameters());
        var request = new ExportRequest
        {
            Backup = backup,
            Destination = Destination == "-" ? Destination : ResolveFolderOrFile(Destination),
            Content = Content,
            Format = Enum.Parse<ExportFormat>(Format, ignoreCase: true),
            Databases = ChooseDatabases(backup),
            Force = Force,
        };
        if (Destination == "-")
        {
            // Questions and verbose text of PowerShell's own would stand among the bytes.
            if (!IsWhatIf() || ShouldProcess($"'{backup}' to the standard output", "Export"))
                WriteToStandardOutput(request);
            return;
        }

        if (request.Format == ExportFormat.Tar)
        {
            if (!ShouldProcess($"'{backup}' to '{BackupExporter.PlanArchive(request)}'", "Export"))
                return;
            BackupRepository whole = OpenRepository(backup.Repository);
            WriteObject(new FileInfo(Run((observer, token) => new BackupExporter(whole).ExportArchiveAsync(request, observer, token))));
            return;
        }

        string targets = string.Join(", ", BackupExporter.Plan(request).Select(item => $"'{item.Path}'"));
        if (!ShouldProcess($"'{backup}' to {targets}", "Export"))
            return;
        BackupRepository repository = OpenRepository(backup.Repository);
        foreach (string path in Run((observer, token) => new BackupExporter(repository).ExportAsync(request, observer, token)))
            WriteObject(Directory.Exists(path) ? new DirectoryInfo(path) : new FileInfo(path));
    });

    // The process's own stream: bytes that pass PowerShell's pipeline are read as text.
    private void WriteToStandardOutput(ExportRequest request)
    {
        StandardOutput.RequireRedirected(Host);
        BackupRepository repository = OpenRepository(request.Backup.Repository);
        Run(async (_, token) =>
        {
            using Stream output = Console.OpenStandardOutput();
            await new BackupExporter(repository).ExportToAsync(request, output, StandardOutput.Observer, token).ConfigureAwait(false);
            return true;
        });
    }

    // What a backup holds is known from its manifest; a name that is none of them is refused by the engine, which lists them.
    private List<string> ChooseDatabases(Backup backup)
    {
        List<string> all = [.. backup.Manifest?.Payloads.Select(payload => payload.Database?.Name).OfType<string>() ?? []];
        var chosen = new List<string>();
        foreach (string given in Database ?? [])
        {
            List<string> matches = all.Contains(given) ? [given] : [.. all.Where(new WildcardPattern(given, WildcardOptions.None).IsMatch)];
            chosen.AddRange((matches.Count > 0 ? matches : [given]).Except(chosen));
        }

        return chosen;
    }
}
