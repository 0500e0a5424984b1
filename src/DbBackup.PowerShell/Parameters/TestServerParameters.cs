using System.Management.Automation;

namespace DbBackup.PowerShell.Parameters;

/// <summary>The server of restore tests.</summary>
internal sealed class TestServerParameters
{
    /// <summary>The server on which a backup is restored for a test.</summary>
    [ValidateNotNullOrEmpty]
    public string? TestServer { get; set; }
}
