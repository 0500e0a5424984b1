using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.PowerShell.Arguments;

namespace DbBackup.PowerShell.Completion;

/// <summary>Completes names of a server's databases, where the connection, container or service is named before and answers at once.</summary>
public sealed class DatabaseCompleter : IArgumentCompleter
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        Matching(fakeBoundParameters, wordToComplete, DockerReader.SubjectOf(fakeBoundParameters));

    /// <summary>Completions of the databases of a server.</summary>
    /// <param name="bound">The command's parameters.</param>
    /// <param name="typed">What was typed of the name.</param>
    /// <param name="subject">The server's container or service; null where there is a connection instead.</param>
    internal static IEnumerable<CompletionResult> Matching(IDictionary bound, string typed, ContainerAddress? subject)
    {
        try
        {
            PostgreSqlConnectionRequest request = ConnectionArguments.ToRequest(
                bound["ConnectionString"] as string,
                bound["HostName"] as string,
                bound["Port"] is { } port ? LanguagePrimitives.ConvertTo<int>(port) : null,
                bound["Username"] as string,
                bound["Credential"] as PSCredential,
                place: subject);
            using var timeout = new CancellationTokenSource(s_timeout);
            (PostgreSqlConnectionSettings server, IReadOnlyList<string> databases) = Task.Run(
                async () =>
                {
                    PostgreSqlConnectionSettings found = await PostgreSqlServer.ResolveAsync(request, timeout.Token).ConfigureAwait(false);
                    return (found, await PostgreSqlServer.DatabasesAsync(found, timeout.Token).ConfigureAwait(false));
                },
                timeout.Token).GetAwaiter().GetResult();
            return RepositoryReader.Matching(databases.Select(name => (name, server.LocationOf(name))), typed);
        }
        catch (Exception exception) when (exception is BackupException or OperationCanceledException or PSInvalidCastException)
        {
            // A completion has nobody to tell; the command itself will.
            return [];
        }
    }
}

/// <summary>Completes names of the databases of an upgrade's server, where <c>-Service</c> names the application.</summary>
public sealed class UpgradeDatabaseCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        ContainerAddress? subject = DockerReader.SubjectOf(fakeBoundParameters, "DatabaseService");
        // Which of the services has the server is not known yet; the application itself is not asked.
        return subject is null or ContainerAddress.OfService { Service: not null } ? DatabaseCompleter.Matching(fakeBoundParameters, wordToComplete, subject) : [];
    }
}
