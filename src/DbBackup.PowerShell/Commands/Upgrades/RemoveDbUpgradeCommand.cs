using System.Management.Automation;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Pipeline;
using DbBackup.Upgrades;

namespace DbBackup.PowerShell.Commands;

/// <summary>Removes what an ended upgrade has kept for its rollback, and its journal.</summary>
[Cmdlet(VerbsCommon.Remove, "DbUpgrade", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
public sealed class RemoveDbUpgradeCommand : RepositoryCommandBase
{
    private readonly List<string> _ids = [];

    /// <summary>The upgrades' IDs.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(UpgradeCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Id { get; set; } = [];

    /// <summary>Skips the confirmation.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => _ids.AddRange(Id);

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        var service = new UpgradeService();
        IReadOnlyList<UpgradeResult> all = service.List();
        // Oldest first: a newer one is not removed while an older one of the same application could be rolled back.
        string[] ids = [.. _ids.Distinct().OrderBy(id => all.FirstOrDefault(upgrade => upgrade.Id == id)?.Started)];
        foreach (string id in ids)
            TryEach(id, () => Remove(service, id, ids));
    }

    private void Remove(UpgradeService service, string id, string[] ids)
    {
        UpgradeRemains remains = Run((_, token) => service.FindRemainsAsync(id, ids, token));
        string[] parts = [.. remains.Volumes.Select(volume => $"volume '{volume}'"), .. remains.Images.Select(image => $"image tag '{image}'"), "the journal"];
        string what = $"Remove {(parts.Length == 1 ? parts[0] : $"{string.Join(", ", parts[..^1])} and {parts[^1]}")} of upgrade '{id}' ({remains.Upgrade.Target}, {remains.Upgrade.State})";
        string after = remains.Upgrade.State == UpgradeState.Succeeded ? "Undo-DbUpgrade cannot roll it back afterwards" : string.Empty;
        if (!Confirmed(after.Length == 0 ? what : $"{what}; {after}", $"{what}?{(after.Length == 0 ? after : $" {after}.")}", "Remove", Force))
            return;
        Run(async (observer, token) =>
        {
            await service.RemoveAsync(id, observer, token).ConfigureAwait(false);
            return true;
        });
    }
}
