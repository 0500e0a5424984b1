using System.Management.Automation;
using DbBackup.PowerShell.Completion;

namespace DbBackup.PowerShell.Parameters;

/// <summary>A source, and the repository of its backups.</summary>
internal sealed class RepositoryParameters
{
    /// <summary>The source's exact name.</summary>
    [ArgumentCompleter(typeof(SourceCompleter))]
    [ValidateNotNullOrEmpty]
    public string? Source { get; set; }

    /// <summary>The repository.</summary>
    [ArgumentCompleter(typeof(RepositoryCompleter))]
    public string? Repository { get; set; }
}
