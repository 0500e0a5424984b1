using System.Management.Automation;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Retention;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Parameters;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Removes backups, but not the last good one of a source.</summary>
[Cmdlet(VerbsCommon.Remove, "DbBackup", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High, DefaultParameterSetName = NameSet)]
[OutputType(typeof(Backup))]
[ParameterGroup<ServerParameters>(Members = [nameof(Credential)])]
public sealed partial class RemoveDbBackupCommand : BackupCommandBase
{
    private readonly List<Backup> _chosen = [];

    /// <summary>Names or wildcards.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = NameSet)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(BackupNameCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>The age that an object out of a file has; Where compares a text by its letters, so that such a selection is none.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = NameSet, DontShow = true)]
    public object? Age { get; set; }

    /// <summary>Also removes the last good backup of a source.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Emits what was removed.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        // What is bound before the first object comes was typed.
        if (MyInvocation.BoundParameters.ContainsKey(nameof(Age)))
        {
            ThrowTerminatingError(ErrorRecords.From(new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, "-Age is no filter. Nothing was removed.", "Select by age with Get-DbBackup | Where Age -gt 7d | Remove-DbBackup.")));
        }
    }

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(InputObject ?? (object)Name, () =>
    {
        if (Age is string or PSObject { BaseObject: string })
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument,
                FailureCategory.Refused,
                $"The object '{string.Join(", ", Name)}' comes from a file and has its age as text, which Where-Object compares letter by letter. Nothing was removed.",
                "Select from Get-DbBackup, or pipe the names alone: … | Select-Object Name, Source, Repository | Remove-DbBackup.");
        }

        _chosen.AddRange(SelectBackups(Name, latest: false));
    });

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        // Only when all are known can it be said which good backup is the newest of those that are to go.
        foreach (IGrouping<string, Backup> group in _chosen.DistinctBy(backup => backup.Location).GroupBy(backup => backup.Repository))
        {
            BackupRepository repository = OpenRepository(group.Key);
            TryEach(group.Key, () => RemoveFrom(repository, [.. group]));
        }
    }

    private void RemoveFrom(BackupRepository repository, IReadOnlyList<Backup> chosen)
    {
        var removal = new BackupRemoval(repository);
        IReadOnlyList<RemovalDecision> decisions = Run((_, token) => removal.DecideAsync(chosen, Force, token));
        foreach (RemovalDecision decision in decisions)
        {
            Backup backup = decision.Backup;
            if (decision.Refusal is { } refusal)
            {
                WriteError(ErrorRecords.From(refusal, backup));
                continue;
            }

            TryEach(backup, () =>
            {
                string what = $"{(backup.KeptOnServer is { } kept ? $"Drop the kept database '{kept}' and remove" : "Remove")} backup '{backup}' ({backup.GetAge()} old, {ByteSize.Format(backup.Size)})";
                if (!Confirmed(what, what + "?", "Remove", force: false))
                    return;

                if (!chosen.Any(each => each.Location == backup.Location))
                    WriteWarning($"'{backup}' is removed as well: it is the difference to '{backup.Parent}', and nothing without it.");
                Run((observer, token) => removal.RemoveAsync(backup, Force, GetServerParameters().ToRequest(), observer, token));
                if (PassThru)
                    WriteObject(backup);
            });
        }
    }
}
