using System.Management.Automation;

namespace DbBackup.PowerShell.Parameters;

/// <summary>The wait for a locked database.</summary>
internal sealed class LockParameters
{
    /// <summary>How long to wait for a locked database, in seconds.</summary>
    [ValidateRange(1, 86400)]
    public int LockTimeout { get; set; } = 30;

    /// <summary>Returns the time to wait.</summary>
    public TimeSpan ToTime() => TimeSpan.FromSeconds(LockTimeout);
}
