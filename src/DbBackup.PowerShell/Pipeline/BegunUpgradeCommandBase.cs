using System.ComponentModel;
using System.Management.Automation;
using DbBackup.Engine.Encryption;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Parameters;
using DbBackup.Upgrades;

namespace DbBackup.PowerShell.Pipeline;

/// <summary>Resumes or rolls back an upgrade: confirms, runs, reports.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
[ParameterGroup<ServerParameters>(Members = [nameof(Credential)])]
[ParameterGroup<KeyParameters>]
public abstract partial class BegunUpgradeCommandBase : RepositoryCommandBase
{
    /// <summary>The upgrade's ID.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(UpgradeCompleter))]
    [ValidateNotNullOrEmpty]
    public string Id { get; set; } = string.Empty;

    /// <summary>Skips the confirmation.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>The caption of the confirmation.</summary>
    private protected abstract string Caption { get; }

    /// <summary>The verb of the confirmation.</summary>
    private protected abstract string Verb { get; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(Id, () =>
    {
        var service = new UpgradeService();
        // A variable that names a key which is not there is no matter of an upgrade whose backup is not encrypted.
        KeyRing keys = service.List().FirstOrDefault(upgrade => upgrade.Id == Id) is { Recipients.Count: > 0 } known ? TakeKeys(GetKeyParameters(), known) : new KeyRing();
        string description = $"{Verb} upgrade '{Id}'";
        if (Confirmed(description, description + "?", Caption, Force))
            UpgradeReport.Write(this, Run((observer, token) => ActAsync(service, Credential?.GetNetworkCredential().Password, keys, observer, token)));
    });

    /// <summary>Runs the operation.</summary>
    private protected abstract Task<UpgradeResult> ActAsync(UpgradeService service, string? password, KeyRing keys, IOperationObserver observer, CancellationToken cancellationToken);
}
