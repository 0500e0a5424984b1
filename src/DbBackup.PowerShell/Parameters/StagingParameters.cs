using System.Management.Automation;

namespace DbBackup.PowerShell.Parameters;

/// <summary>The room that a command needs while it runs.</summary>
internal sealed class StagingParameters
{
    /// <summary>The folder for uncompressed copies and unpacked archives.</summary>
    [ValidateNotNullOrEmpty]
    public string? StagingPath { get; set; }

    /// <summary>Returns the folder's absolute path; null for the default.</summary>
    /// <param name="resolvePath">Makes a path absolute, from the shell's location.</param>
    public string? ToPath(Func<string, string> resolvePath) => StagingPath is null ? null : resolvePath(StagingPath);
}
