using System.Management.Automation.Host;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Portability;
using DbBackup.Engine.Repository;

namespace DbBackup.PowerShell.Pipeline;

/// <summary>Asks the user what neither a foreign file nor its name tells, and remembers what holds for the other files of its folder.</summary>
internal sealed class ImportAnswers
{
    private const int Attempts = 3;

    // A folder of backup_20260131.sql.gz is asked about once.
    private readonly Dictionary<string, string> _sources = new(StringComparer.Ordinal);

    /// <summary>Asks for what a failure says is missing.</summary>
    /// <param name="host">The prompt.</param>
    /// <param name="candidate">The file or folder.</param>
    /// <param name="failure">What is missing.</param>
    /// <param name="request">The import.</param>
    /// <returns>The import with the answer; null if the failure is another one, or there is no answer.</returns>
    public BackupRequest? Ask(PSHost host, ImportCandidate candidate, BackupException failure, BackupRequest request) => failure.Code switch
    {
        ErrorCodes.ImportDateUnknown when request.Created is null && MomentPrompt.Ask(host, candidate.Path) is { } created => request with { Created = created },
        ErrorCodes.ImportSourceUnknown when request.SourceName is null && SourceOf(host, candidate) is { } source => request with { SourceName = source },
        _ => null,
    };

    private string? SourceOf(PSHost host, ImportCandidate candidate)
    {
        string folder = candidate.Root ?? Path.GetDirectoryName(candidate.Path)!;
        if (_sources.TryGetValue(folder, out string? known))
            return known;
        host.UI.WriteLine();
        host.UI.WriteLine(ForeignText.Shown($"Of what is '{candidate.Path}' a backup? Neither its content nor its name says so. The answer holds for all such files in '{folder}'."));
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            host.UI.Write("Source, by the name that New-DbBackup uses for the same database: ");
            if (host.UI.ReadLine()?.Trim() is not { } answer)
                return null;
            if (BackupName.IsValid(answer))
                return _sources[folder] = answer;
            host.UI.WriteLine("Use letters, digits, spaces and . _ - ( ) ' + , beginning with a letter or digit.");
        }

        return null;
    }
}
