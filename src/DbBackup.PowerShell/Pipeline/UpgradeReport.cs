using System.Management.Automation;

namespace DbBackup.PowerShell.Pipeline;

/// <summary>Emits how an upgrade went; one that failed is an error as well.</summary>
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
                $"The upgrade of '{result.Target}' failed{(isBack ? ", and its old state is back" : string.Empty)}: {result.Failure}",
                isBack ? result.Recommendation ?? "Correct what failed, then try again: Invoke-DbUpgrade." : $"Take it back with Undo-DbUpgrade {result.Id}, or go on with Resume-DbUpgrade {result.Id}.")
            { Target = result.Target },
            result));
    }
}
