using System.Management.Automation;
using DbBackup.Upgrades;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Lists upgrades: those at work, those that were cut off, and those that have ended.</summary>
[Cmdlet(VerbsCommon.Get, "DbUpgrade")]
[OutputType(typeof(UpgradeResult))]
public sealed class GetDbUpgradeCommand : EngineCommandBase
{
    /// <summary>Their names; wildcards are allowed.</summary>
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
            var pattern = new WildcardPattern(id, WildcardOptions.IgnoreCase);
            List<UpgradeResult> found = [.. all.Where(upgrade => pattern.IsMatch(upgrade.Id))];
            if (found.Count == 0 && !WildcardPattern.ContainsWildcardCharacters(id))
                WriteError(ErrorRecords.From(new BackupFailure(ErrorCodes.UpgradeNotFound, FailureCategory.NotFound, $"There is no upgrade '{id}'.", "Get-DbUpgrade without a name lists what there is."), id));
            WriteObject(found, enumerateCollection: true);
        }
    }
}
