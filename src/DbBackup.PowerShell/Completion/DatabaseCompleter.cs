using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using DbBackup.Engine.Sources.PostgreSql;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Completion;

/// <summary>Completes names of a server's databases, where the connection, container or service is named before and answers at once.</summary>
public sealed class DatabaseCompleter : IArgumentCompleter
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        try
        {
            PostgreSqlConnectionRequest request = ConnectionArguments.ToRequest(
                fakeBoundParameters["ConnectionString"] as string,
                fakeBoundParameters["HostName"] as string,
                fakeBoundParameters["Port"] is { } port ? LanguagePrimitives.ConvertTo<int>(port) : null,
                fakeBoundParameters["Username"] as string,
                fakeBoundParameters["Credential"] as PSCredential) with
            { Docker = EngineReader.SubjectOf(fakeBoundParameters) };
            using var patience = new CancellationTokenSource(s_patience);
            (PostgreSqlConnectionSettings server, IReadOnlyList<string> databases) = Task.Run(
                async () =>
                {
                    PostgreSqlConnectionSettings found = await PostgreSqlServer.ResolveAsync(request, patience.Token).ConfigureAwait(false);
                    return (found, await PostgreSqlServer.DatabasesAsync(found, patience.Token).ConfigureAwait(false));
                },
                patience.Token).GetAwaiter().GetResult();
            return RepositoryReader.Matching(databases.Select(name => (name, server.LocationOf(name))), wordToComplete);
        }
        catch (Exception exception) when (exception is BackupException or OperationCanceledException or PSInvalidCastException)
        {
            // A completion has nobody to tell; the command itself will.
            return [];
        }
    }
}
