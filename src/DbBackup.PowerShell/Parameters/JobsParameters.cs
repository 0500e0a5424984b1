using System.Management.Automation;

namespace DbBackup.PowerShell.Parameters;

/// <summary>The number of parallel jobs.</summary>
internal sealed class JobsParameters
{
    /// <summary>How many jobs dump or restore at once.</summary>
    [ValidateRange(1, 64)]
    public int? Jobs { get; set; }
}
