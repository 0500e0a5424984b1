using System.Management.Automation;

namespace DbBackup.PowerShell.Pipeline;

/// <summary>Emits the result of an upgrade, and an error if it failed.</summary>
internal static class UpgradeReport
{
    internal static void Write(Cmdlet command, UpgradeResult result)
    {
        command.WriteObject(result);
        if (result.Failure is null || result.State == UpgradeState.Succeeded)
            return;
        bool isBack = result.State == UpgradeState.RolledBack;
        command.WriteError(ErrorRecords.From(
            new BackupFailure(
                isBack ? ErrorCodes.UpgradeRolledBack : ErrorCodes.UpgradeFailed,
                FailureCategory.InvalidData,
                $"Upgrading '{result.Target}' failed{(isBack ? " and was rolled back" : string.Empty)}: {result.Failure}",
                isBack ? result.Recommendation ?? "Correct the cause, then run Invoke-DbUpgrade again." : $"Roll it back with Undo-DbUpgrade {result.Id}, or resume it with Resume-DbUpgrade {result.Id}.")
            { Target = result.Target },
            result));
    }
}
