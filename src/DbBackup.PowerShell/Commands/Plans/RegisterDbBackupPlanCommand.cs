using System.Management.Automation;
using DbBackup.Engine.Plans.Definitions;
using DbBackup.PowerShell.Parameters;
using DbBackup.PowerShell.Plans;

namespace DbBackup.PowerShell.Commands;

/// <summary>Saves a backup plan, after a check that it can run.</summary>
[Cmdlet(VerbsLifecycle.Register, "DbBackupPlan", SupportsShouldProcess = true, DefaultParameterSetName = NameSet)]
[OutputType(typeof(BackupPlan))]
[ParameterGroup<PlanParameters>(NameSet)]
[ParameterGroup<ScheduleParameters>(NameSet)]
public sealed partial class RegisterDbBackupPlanCommand : PlanEditingCommandBase
{
    private const string NameSet = "Name";
    private const string PathSet = "Path";

    /// <summary>The plan's name.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = NameSet)]
    [ValidateNotNullOrEmpty]
    public string Name { get; set; } = string.Empty;

    /// <summary>A plan that a person wrote as JSON or YAML.</summary>
    [Parameter(Mandatory = true, ParameterSetName = PathSet)]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = string.Empty;

    /// <summary>The user's plan, or the machine's.</summary>
    [Parameter]
    public PlanScope? Scope { get; set; }

    /// <summary>Replaces a plan of that name.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(ParameterSetName == PathSet ? Path : Name, () =>
    {
        var store = new PlanStore(PlanFolders.Of(Scope ?? PlanScope.User));
        BackupPlan plan = ParameterSetName == PathSet ? store.Read(ResolvePath(Path), explicitly: true) : Typed();
        Save(store, plan, replace: Force, "Register");
    });

    private BackupPlan Typed()
    {
        PlanParameters said = GetPlanParameters();
        if (said.Backup is null)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument,
                FailureCategory.InvalidArgument,
                $"The plan '{Name}' names nothing to back up.",
                "Add -Backup with parameters of New-DbBackup, as in -Backup @{ Path = '/srv/app/app.db' }, @{ ComposeProject = 'shop'; AllDatabases = $true }.");
        }

        return Scheduled(said.ApplyTo(new BackupPlan { Name = Name, Backup = [], Scope = Scope ?? PlanScope.User }, Draft()), GetScheduleParameters());
    }
}
