using System.IO.Enumeration;
using DbBackup.Engine.Engines;

namespace DbBackup.Engine.Comparisons;

/// <summary>The live databases of servers. Each is looked at once, however many backups are compared with it.</summary>
/// <param name="request">What is compared.</param>
internal sealed class LiveServers(ComparisonRequest request)
{
    private readonly Dictionary<string, ILiveServer> _servers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ILiveDatabase> _databases = new(StringComparer.Ordinal);

    /// <summary>The databases that belong to those of a backup.</summary>
    /// <param name="backup">The backup.</param>
    /// <param name="manifest">Its manifest.</param>
    /// <param name="payloads">Its payloads of servers.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    public async Task<ComparedSide> FindAsync(Backup backup, Manifest manifest, IReadOnlyList<Payload> payloads, CancellationToken cancellationToken)
    {
        var engine = (IServerEngine)DatabaseEngines.Of(payloads[0]);
        string origin = payloads[0].OriginalPath ?? manifest.Source.Location ?? string.Empty;
        if (!_servers.TryGetValue(origin, out ILiveServer? server))
            _servers[origin] = server = await engine.FindLiveAsync(manifest, backup.ToString(), request.Connection, cancellationToken).ConfigureAwait(false);
        Payload[] databases = [.. payloads.Where(payload => payload.Kind == PayloadKind.Database)];
        // A whole server may have got databases, or lost some; of a single one it is an error if it is not there.
        bool isWhole = databases.Length > 1 || payloads.Any(payload => payload.Kind == PayloadKind.Globals);
        string[] names = isWhole
            ? [.. (await server.ListAsync(cancellationToken).ConfigureAwait(false)).Where(name => IsChosen(name, request.Databases))]
            : [.. databases.Select(payload => request.Databases.Count > 0 ? request.Databases[0] : server.Database ?? payload.Database?.Name ?? throw Nameless(backup))];
        return new ComparedSide(
            server.Location,
            [.. names.Select(name => Database(engine, server, name, isWhole ? name : BackupSide.NameOf(databases[0])))],
            [],
            payloads.Any(payload => payload.Kind == PayloadKind.Globals) ? new ComparedGlobals(server.ReadGlobalsAsync) : null);
    }

    /// <summary>True if a database is among those that were named, or none was.</summary>
    public static bool IsChosen(string name, IReadOnlyList<string> patterns) =>
        patterns.Count == 0 || patterns.Any(pattern => FileSystemName.MatchesSimpleExpression(pattern.Replace("\\", "\\\\", StringComparison.Ordinal), name, ignoreCase: false));

    private ComparedDatabase Database(IServerEngine engine, ILiveServer server, string name, string pairedWith)
    {
        string key = $"{server.Location}\0{name}";
        if (!_databases.TryGetValue(key, out ILiveDatabase? live))
            _databases[key] = live = server.Open(name, request.LockTimeout);
        return new ComparedDatabase(engine, pairedWith, live.Location)
        {
            Summary = live.Location,
            TakeFacts = async (like, tables, token) => await live.TakeFactsAsync(like!, tables, token).ConfigureAwait(false),
            ReadDefinitions = live.ReadDefinitionsAsync,
        };
    }

    private static BackupFailure Nameless(Backup backup) => new(
        ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"Backup '{backup}' does not say what its database is called.", "Name the live one with -Database.")
    { Target = backup.ToString() };
}
