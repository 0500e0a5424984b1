using System.Management.Automation;
using DbBackup.Engine.Repositories;
using DbBackup.Engine.Restores;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Restores a backup: beside, checked, and then swapped in place of what is there.</summary>
[Cmdlet(VerbsData.Restore, "DbBackup", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High, DefaultParameterSetName = NameSet)]
[OutputType(typeof(RestoreResult), typeof(RestorePlan))]
public sealed class RestoreDbBackupCommand : BackupCommandBase
{
    private bool _chosenAtPrompt;

    /// <summary>The backup's name.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = NameSet)]
    [ArgumentCompleter(typeof(BackupNameCompleter))]
    public string? Name { get; set; }

    /// <summary>The newest good backup of the source.</summary>
    [Parameter(ParameterSetName = NameSet)]
    public SwitchParameter Latest { get; set; }

    /// <summary>Where to.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Destination { get; set; }

    /// <summary>Only the database, or only the files.</summary>
    [Parameter]
    public PayloadKind? Only { get; set; }

    /// <summary>Leaves the safety backup out.</summary>
    [Parameter]
    public SwitchParameter NoSafetyBackup { get; set; }

    /// <summary>How long to wait for a locked database, in seconds.</summary>
    [Parameter]
    [ValidateRange(1, 86400)]
    public int LockTimeout { get; set; } = 30;

    /// <summary>Skips the question, and writes into a database that is open elsewhere.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Emits the result, or the plan under -WhatIf.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(InputObject ?? (object?)Name, Restore);

    private void Restore()
    {
        if (Choose() is not { } backup)
            return;
        BackupRepository repository = OpenRepository(backup.Repository);
        var request = new RestoreRequest
        {
            Backup = backup,
            Destination = Destination is null ? null : ResolveFolderOrFile(Destination),
            Only = Only,
            NoSafetyBackup = NoSafetyBackup,
            Force = Force,
            LockTimeout = TimeSpan.FromSeconds(LockTimeout),
        };
        bool whatIf = IsWhatIf();
        RestorePlan plan = Run((observer, token) => Task.Run(
            () => whatIf ? RestorePlanner.Plan(request, token) : RestoreService.Prepare(request, observer, token), token));
        string question = $"{plan}\nGo on?";
        if (!Confirmed(plan.ToString(), question, "Restore", Force, "-Force"))
        {
            if (PassThru && whatIf)
                WriteObject(plan);
            return;
        }

        RestoreResult result = Run((observer, token) => new RestoreService(repository).RunAsync(plan, request.LockTimeout, observer, token));
        Report(result);
        if (PassThru)
            WriteObject(result);
    }

    private Backup? Choose()
    {
        if (ParameterSetName == InputObjectSet || Name is not null || Latest)
            return SelectOne(Name, Latest);
        BackupRepository repository = CurrentRepository();
        IReadOnlyList<Backup> candidates = Run((_, token) => repository.ListAsync(Source, token));
        if (candidates.Count == 0)
            throw BackupSelection.NotFound(Source is null ? "*" : $"{Source}/*", repository.Storage.Location);
        if (!SessionInput.CanAsk(Host))
        {
            throw new BackupFailure(
                ErrorCodes.ConfirmationRequired,
                FailureCategory.Refused,
                "No backup was named, and the session cannot ask which one is meant.",
                "Name it with -Name, or take the newest good one with -Source NAME -Latest; -Force answers the question that follows.");
        }

        _chosenAtPrompt = true;
        return CandidatePrompt.Choose(Host, candidates, Destination is null);
    }

    private void Report(RestoreResult result)
    {
        // Who was asked is also told how it went.
        if (_chosenAtPrompt)
            Host.UI.WriteLine($"Restored {string.Join(", ", result.Restored.Select(path => $"'{path}'"))}: {result.Status}, in {result.Duration.TotalSeconds:0.0} s.");
        if (result.NextCommands.Count > 0)
        {
            WriteWarning(
                $"The restored database is at schema revision {result.SchemaRevision}; the one before was at {result.PreviousSchemaRevision}. To bring it up to date: {string.Join("; ", result.NextCommands)}");
        }

        if (result.SafetyBackup is not { } safety)
            return;
        string back = $"To go back: Restore-DbBackup {CommandText.Quote(safety.Name)} -Source {CommandText.Quote(safety.Source)} -Repository {CommandText.Quote(safety.Repository)}";
        if (_chosenAtPrompt)
            Host.UI.WriteLine(back);
        else
            WriteVerbose(back);
    }
}
