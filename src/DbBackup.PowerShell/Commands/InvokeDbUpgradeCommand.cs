using System.Management.Automation;
using DbBackup.Engine.Repositories;
using DbBackup.Engine.Upgrades;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Migrates a database to a new version of its application, or gives it back as it was.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "DbUpgrade", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(UpgradeResult), typeof(UpgradePlan))]
public sealed class InvokeDbUpgradeCommand : RepositoryCommandBase
{
    /// <summary>The SQLite database.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "FullName")]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = string.Empty;

    /// <summary>Folders or files that belong to the same state.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] Include { get; set; } = [];

    /// <summary>The command that migrates.</summary>
    [Parameter(Mandatory = true)]
    [ValidateNotNullOrEmpty]
    public string Migrate { get; set; } = string.Empty;

    /// <summary>The folder of the new version's code, in which the command runs.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string CodePath { get; set; } = ".";

    /// <summary>How Alembic is started there.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? MigrationTool { get; set; }

    /// <summary>The environment variable that leads the migration to its database.</summary>
    [Parameter]
    [ValidatePattern("^[A-Za-z_][A-Za-z0-9_]*$")]
    public string? DatabaseVariable { get; set; }

    /// <summary>What must hold afterwards.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] HealthCheck { get; set; } = [];

    /// <summary>How long the migration, and each check, may take, in seconds.</summary>
    [Parameter]
    [ValidateRange(1, 7 * 86400)]
    public int Timeout { get; set; } = 1800;

    /// <summary>How long to wait for a locked database, in seconds.</summary>
    [Parameter]
    [ValidateRange(1, 86400)]
    public int LockTimeout { get; set; } = 30;

    /// <summary>Leaves the rehearsal out.</summary>
    [Parameter]
    public SwitchParameter NoRehearsal { get; set; }

    /// <summary>Leaves everything as it is where something fails.</summary>
    [Parameter]
    public SwitchParameter NoRollback { get; set; }

    /// <summary>The source's name.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(SourceCompleter))]
    [ValidateNotNullOrEmpty]
    public string? Source { get; set; }

    /// <summary>The repository.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(RepositoryCompleter))]
    public string? Repository { get; set; }

    /// <summary>Skips the question, and upgrades a schema that the code does not know.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Emits the plan under -WhatIf.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(Path, Upgrade);

    private void Upgrade()
    {
        BackupRepository repository = OpenRepository(Repository);
        var request = new UpgradeRequest
        {
            DatabasePath = ResolvePath(Path),
            Include = [.. Include.Select(ResolvePath)],
            SourceName = Source,
            Migrate = Migrate,
            CodePath = ResolvePath(CodePath),
            // A command that starts with it says how it is started, unless a person does.
            MigrationTool = MigrationTool ?? UpgradeRequest.ToolOf(Migrate),
            DatabaseVariable = DatabaseVariable,
            Checks = HealthCheck,
            Timeout = TimeSpan.FromSeconds(Timeout),
            LockTimeout = TimeSpan.FromSeconds(LockTimeout),
            NoRehearsal = NoRehearsal,
            NoRollback = NoRollback,
            Force = Force,
        };
        UpgradePlan plan = Run((_, token) => UpgradeService.PlanAsync(request, repository, token));
        if (!Confirmed(plan.ToString(), $"{plan}\nGo on?", "Upgrade", Force, "-Force"))
        {
            if (PassThru && IsWhatIf())
                WriteObject(plan);
            return;
        }

        UpgradeReport.Write(this, Run((observer, token) => new UpgradeService().RunAsync(request, repository, observer, token)));
    }
}
