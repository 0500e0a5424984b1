using System.Management.Automation;

namespace DbBackup.PowerShell.Parameters;

/// <summary>What a restore and its undoing may do.</summary>
internal sealed class RestoreParameters
{
    /// <summary>Leaves the safety backup out.</summary>
    public SwitchParameter NoSafetyBackup { get; set; }

    /// <summary>Skips the question, and writes into a database that is open elsewhere.</summary>
    public SwitchParameter Force { get; set; }

    /// <summary>Emits the result, or the plan under -WhatIf.</summary>
    public SwitchParameter PassThru { get; set; }
}
