using System.ComponentModel;
using System.Management.Automation;
using DbBackup.Upgrades;
using DbBackup.PowerShell.Completion;

namespace DbBackup.PowerShell.Pipeline;

/// <summary>A command that decides what becomes of an upgrade that was begun: it asks, does it, and tells how it went.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class BegunUpgradeCommandBase : RepositoryCommandBase
{
    /// <summary>Its name, as Get-DbUpgrade shows it.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(UpgradeCompleter))]
    [ValidateNotNullOrEmpty]
    public string Id { get; set; } = string.Empty;

    /// <summary>The role and its password, of a server that is not in a container.</summary>
    [Parameter]
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <summary>Skips the question.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>The heading of the question.</summary>
    private protected abstract string Caption { get; }

    /// <summary>What is done, in words that "the upgrade" follows.</summary>
    private protected abstract string Deed { get; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(Id, () =>
    {
        string description = $"{Deed} the upgrade '{Id}'";
        if (Confirmed(description, description + "?", Caption, Force, "-Force"))
            UpgradeReport.Write(this, Run((observer, token) => ActAsync(new UpgradeService(), Credential?.GetNetworkCredential().Password, observer, token)));
    });

    /// <summary>Does it.</summary>
    private protected abstract Task<UpgradeResult> ActAsync(UpgradeService service, string? password, IOperationObserver observer, CancellationToken cancellationToken);
}
