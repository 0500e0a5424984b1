using System.Management.Automation;
using DbBackup.Upgrades;
using DbBackup.PowerShell.Arguments;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Lists running, interrupted and ended upgrades.</summary>
[Cmdlet(VerbsCommon.Get, "DbUpgrade")]
[OutputType(typeof(UpgradeResult))]
public sealed class GetDbUpgradeCommand : EngineCommandBase
{
    /// <summary>The IDs; wildcards are allowed.</summary>
    [Parameter(Position = 0)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(UpgradeCompleter))]
    public string[] Id { get; set; } = ["*"];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        IReadOnlyList<UpgradeResult> all = new UpgradeService().List();
        foreach (string id in Id)
        {
            WildcardPattern pattern = NamePattern.Of(id);
            List<UpgradeResult> found = [.. all.Where(upgrade => pattern.IsMatch(upgrade.Id))];
            if (found.Count == 0 && !WildcardPattern.ContainsWildcardCharacters(id))
                WriteError(ErrorRecords.From(new BackupFailure(ErrorCodes.UpgradeNotFound, FailureCategory.NotFound, $"Upgrade '{id}' was not found.", "List all upgrades with Get-DbUpgrade."), id));
            WriteObject(found, enumerateCollection: true);
        }
    }
}
