using System.Collections;
using System.ComponentModel;
using System.Management.Automation;
using System.Management.Automation.Language;
using DbBackup.Upgrades;

namespace DbBackup.PowerShell.Completion;

/// <summary>Completes tags and branches of the work tree of the compose project that is named before.</summary>
public sealed class GitRefCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        try
        {
            return DockerReader.Matching(
                fakeBoundParameters,
                wordToComplete,
                async (host, project, token) => project is null ? [] : await KnownVersions.GitRefsAsync(host, project, token).ConfigureAwait(false));
        }
        catch (Win32Exception)
        {
            // A folder that nobody may enter.
            return [];
        }
    }
}
