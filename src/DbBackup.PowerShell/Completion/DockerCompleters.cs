using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using DbBackup.Upgrades;

namespace DbBackup.PowerShell.Completion;

/// <summary>Completes names of containers; of one compose project, where it is named.</summary>
public sealed class ContainerCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        DockerReader.Matching(fakeBoundParameters, wordToComplete, contents => contents.Containers);
}

/// <summary>Completes names of compose projects; a folder can be named as well.</summary>
public sealed class ComposeProjectCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        // The word itself is bound already; it must not narrow the listing.
        fakeBoundParameters.Remove("ComposeProject");
        IEnumerable<CompletionResult> folders = wordToComplete.Length == 0 ? [] : CompletionCompleters.CompleteFilename(wordToComplete)
            .Where(result => result.ResultType == CompletionResultType.ProviderContainer);
        return DockerReader.Matching(fakeBoundParameters, wordToComplete, contents => contents.Projects).Concat(folders);
    }
}

/// <summary>Completes names of compose services; of one project, where it is named.</summary>
public sealed class ServiceCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        DockerReader.Matching(fakeBoundParameters, wordToComplete, contents => contents.Services);
}

/// <summary>Completes names of volumes; of one compose project, where it is named.</summary>
public sealed class VolumeCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        DockerReader.Matching(fakeBoundParameters, wordToComplete, contents => contents.Volumes);
}

/// <summary>Completes names of images.</summary>
public sealed class ImageCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        DockerReader.Matching(fakeBoundParameters, wordToComplete, async (host, _, token) => await KnownVersions.ImagesAsync(host, token).ConfigureAwait(false));
}
