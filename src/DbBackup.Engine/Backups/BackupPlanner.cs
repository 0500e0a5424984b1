using DbBackup.Engine.Docker.Files;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Engines.Sqlite;

namespace DbBackup.Engine.Backups;

/// <summary>Decides which databases and files make one restore point, and what is paused for it. Commands and upgrades ask it alike.</summary>
public static class BackupPlanner
{
    /// <summary>Finds what an intent means, and plans its backups. Nothing is written.</summary>
    /// <param name="intent">What the user wants.</param>
    /// <param name="observer">The observer of warnings.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <exception cref="BackupException">Something that is named does not exist, or does not belong into one restore point.</exception>
    public static async Task<PlannedBackups> PlanAsync(BackupIntent intent, IOperationObserver observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(intent);
        ArgumentNullException.ThrowIfNull(observer);
        var files = new List<ContainerFilesPlan>();
        try
        {
            foreach (ContainerFilesRequest each in intent.ContainerFiles)
                files.Add(await ContainerFiles.ResolveAsync(each with { Exclude = intent.Exclude }, cancellationToken).ConfigureAwait(false));
            IReadOnlyList<IBackupSource> inContainers = [.. files.SelectMany(plan => plan.Sources)];
            IReadOnlyList<PlannedBackup> backups = intent is BackupIntent.OfServer ofServer
                ? await PlanServerAsync(ofServer, inContainers, observer, cancellationToken).ConfigureAwait(false)
                : [Arrange(intent, inContainers)];
            IApplicationPause? pause = ContainerFiles.PauseFor(files);
            string[] paused = [.. files.SelectMany(plan => plan.Pausing).Select(container => container.Name).Distinct(StringComparer.Ordinal)];
            return new PlannedBackups([.. backups.Select(backup => backup with { Pause = pause, Paused = paused })], files);
        }
        catch
        {
            foreach (ContainerFilesPlan plan in files)
                await plan.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>The one restore point of files: a database comes before the folders that its rows name.</summary>
    internal static PlannedBackup Arrange(BackupIntent intent, IReadOnlyList<IBackupSource> inContainers)
    {
        IBackupSource[] sources = [.. DatabaseOf(intent), .. inContainers, .. Additional(intent)];
        return sources.Length > 0
            ? new PlannedBackup(sources[0].Location, sources[0].Location, sources)
            : throw new BackupFailure(ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, "Nothing to back up was named.", "Name a database, a container path or a volume.");
    }

    /// <summary>The restore points of a server's databases.</summary>
    /// <param name="intent">What the user wants.</param>
    /// <param name="server">The server.</param>
    /// <param name="databases">The databases that were chosen.</param>
    /// <param name="inContainers">Files of containers.</param>
    internal static IReadOnlyList<PlannedBackup> Arrange(
        BackupIntent.OfServer intent, PostgreSqlConnectionSettings server, IReadOnlyList<string> databases, IReadOnlyList<IBackupSource> inContainers)
    {
        IBackupSource[] files = [.. inContainers, .. Additional(intent)];
        if (intent.Databases is DatabaseChoice.WholeServer)
        {
            string location = server.LocationOf(null);
            // An empty database of a server is part of it.
            IEnumerable<IBackupSource> each = databases.Select(name => new PostgreSqlSource(server, name, intent.Options with { AllowEmpty = true }));
            return [new PlannedBackup(location, location, [new PostgreSqlGlobalsSource(server), .. each, .. files]) { TestServer = intent.Connection }];
        }

        if (databases.Count > 1 && inContainers.Count > 0)
        {
            throw Several(
                $"Files belong to one restore point, but {databases.Count} databases are named: {string.Join(", ", databases.Take(5))}.",
                "Name one database, or put all into one backup with -AllDatabases.");
        }

        if (databases.Count > 1 && intent.SourceName is { } source)
        {
            throw Several(
                $"-Source '{source}' names one source, but {databases.Count} databases are named: {string.Join(", ", databases.Take(5))}.",
                "Omit -Source (each database gets its own name), or put all into one backup with -AllDatabases.");
        }

        return [.. databases.Select(name => new PlannedBackup(name, server.LocationOf(name), [new PostgreSqlSource(server, name, intent.Options), .. files]) { TestServer = intent.Connection })];
    }

    private static async Task<IReadOnlyList<PlannedBackup>> PlanServerAsync(
        BackupIntent.OfServer intent, IReadOnlyList<IBackupSource> inContainers, IOperationObserver observer, CancellationToken cancellationToken)
    {
        PostgreSqlConnectionSettings server = await PostgreSqlServer.ResolveAsync(intent.Connection, cancellationToken).ConfigureAwait(false);
        foreach (string warning in server.Warnings)
            observer.Warning(warning);
        IReadOnlyList<string> all = intent.Databases is DatabaseChoice.WholeServer { Names.Count: 0 } ? await PostgreSqlServer.WholeServerAsync(server, observer, cancellationToken).ConfigureAwait(false)
            : intent.Databases.NeedsList ? await PostgreSqlServer.DatabasesAsync(server, cancellationToken).ConfigureAwait(false) : [];
        return Arrange(intent, server, intent.Databases.Choose(all, server.Database, server.LocationOf(null)), inContainers);
    }

    private static IEnumerable<IBackupSource> DatabaseOf(BackupIntent intent) => intent is BackupIntent.OfSqlite sqlite
        ? [new SqliteSource(sqlite.Path, sqlite.Format, sqlite.LockTimeout, sqlite.AllowEmpty)]
        : [];

    private static IEnumerable<IBackupSource> Additional(BackupIntent intent) => intent.AdditionalPaths.Select(path => new FolderSource(path) { Exclude = intent.Exclude });

    private static BackupFailure Several(string message, string hint) => new(ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, message, hint);
}
