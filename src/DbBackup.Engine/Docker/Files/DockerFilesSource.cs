using System.Globalization;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Engines.Sqlite;
using PathStat = Docker.DotNet.Models.ContainerPathStatResponse;

namespace DbBackup.Engine.Docker.Files;

/// <summary>Where the engine gives files from.</summary>
/// <param name="Client">The engine.</param>
/// <param name="Container">A container in which they are; it need not run.</param>
/// <param name="Path">Their path in it, with all links resolved.</param>
internal sealed record ArchiveOrigin(DockerClient Client, string Container, string Path);

/// <summary>Files of a container or volume that come through the engine as a tar.</summary>
/// <param name="origin">Where from.</param>
/// <param name="layout">How they stand in the backup.</param>
/// <param name="runsOn">True if the application keeps running during the snapshot.</param>
/// <param name="isPausedForUs">True if the backup pauses the application.</param>
/// <param name="running">The container in which programs can be run; null where none runs.</param>
/// <param name="lockTimeout">How long to wait for a database's lock.</param>
internal sealed class DockerFilesSource(ArchiveOrigin origin, FilesLayout layout, bool runsOn, bool isPausedForUs, ContainerHost? running, TimeSpan lockTimeout) : IBackupSource
{
    // An archive of files that change meanwhile may break off.
    private const int Attempts = 3;

    private readonly FolderPatterns _patterns = new(layout.Exclude);

    public string Engine => FolderSource.EngineName;

    public required string DefaultName { get; init; }

    public IReadOnlyList<SourceAlias> Aliases { get; init; } = [];

    public string Location => layout.Location.ToString();

    public bool IsPath => false;

    public bool IsOfThisMachine => layout.Location.Host is null;

    public async Task<SourcePreview> InspectAsync(CancellationToken cancellationToken)
    {
        PathStat stat = await origin.Client.ContainerArchiveInfoAsync(origin.Container, origin.Path, cancellationToken).ConfigureAwait(false)
            ?? throw MountedPath.NoPath(layout.Location, origin.Path);
        long size = stat.IsDirectory ? 0 : stat.Size;
        if (stat.IsDirectory && running is not null)
        {
            // What it may not look into it leaves out; the size is a guess anyway.
            (_, string output, _) = await running.CaptureAsync("du", ["-sk", origin.Path], cancellationToken).ConfigureAwait(false);
            if (long.TryParse(output.Split('\t', ' ', '\n')[0], NumberStyles.None, CultureInfo.InvariantCulture, out long kilobytes))
                size = kilobytes << 10;
        }

        return new SourcePreview(size, size) { StagingHint = "Stage the copy elsewhere with -StagingPath." };
    }

    public async Task<Capture> CaptureAsync(CaptureContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (isPausedForUs && !context.IsPaused)
            throw new InvalidOperationException($"'{Location}' was to be captured in a pause of its containers.");
        DateTimeOffset taken = context.Clock.GetUtcNow();
        if (runsOn)
            return await CaptureLiveAsync(context, taken, cancellationToken).ConfigureAwait(false);
        SplitArchive parts = await FetchAsync(context, "archive", keepDatabases: true, [], cancellationToken).ConfigureAwait(false);
        return new Capture
        {
            Taken = taken,
            Payloads = [],
            Finish = token => Task.Run(() => FinishAsync(context, taken, parts, token), token),
            Abandon = parts.Dispose,
        };
    }

    private async Task<Capture> FinishAsync(CaptureContext context, DateTimeOffset taken, SplitArchive parts, CancellationToken cancellationToken)
    {
        using SplitArchive owned = parts;
        parts.PlaceLogs();
        var databases = new List<SqliteCopy>();
        foreach (SplitDatabase database in parts.Databases)
        {
            try
            {
                SqliteHold.Recover(database.File, layout.LocationOf(RelativeOf(database)), cancellationToken);
                databases.Add(Copy(database, database.File));
            }
            catch (BackupException failure) when (layout.IsFolder && FolderSnapshots.IsOfContent(failure))
            {
                await parts.AddAsItIsAsync(database, cancellationToken).ConfigureAwait(false);
                AsItIs(context, parts, failure);
            }
        }

        await parts.CompleteAsync(cancellationToken).ConfigureAwait(false);
        return Describe(context, taken, databases, parts);
    }

    private static void AsItIs(CaptureContext context, SplitArchive parts, BackupException failure)
    {
        string note = $"{failure.Message} Its files are in the backup as they are.";
        parts.Notes.Add(note);
        context.Observer.Warning(note);
    }

    private async Task<Capture> CaptureLiveAsync(CaptureContext context, DateTimeOffset taken, CancellationToken cancellationToken)
    {
        ContainerSqlite? tool = running is null ? null : await ContainerSqlite.FindToolAsync(running, cancellationToken).ConfigureAwait(false);
        var copies = new Dictionary<string, string>(StringComparer.Ordinal);
        var unreadable = new Dictionary<string, BackupException>(StringComparer.Ordinal);
        // The databases first: what their rows name was there before them.
        if (tool is not null)
        {
            foreach (string path in await tool.FindAsync(origin.Path, cancellationToken).ConfigureAwait(false))
            {
                if (_patterns.ExcludeBelow(RelativeOf(path)))
                    continue;
                try
                {
                    await CopyAsync(tool, path, context, copies, cancellationToken).ConfigureAwait(false);
                }
                catch (BackupException failure) when (layout.IsFolder && FolderSnapshots.IsOfContent(failure))
                {
                    unreadable[RelativeOf(path)] = failure;
                }
            }
        }

        for (int attempt = 1; ; attempt++)
        {
            try
            {
                using SplitArchive parts = await FetchAsync(context, $"archive-{attempt}", keepDatabases: false, unreadable.Keys, cancellationToken).ConfigureAwait(false);
                parts.PlaceLogs();
                await parts.CompleteAsync(cancellationToken).ConfigureAwait(false);
                foreach (BackupException failure in unreadable.Values)
                    AsItIs(context, parts, failure);
                var databases = new List<SqliteCopy>();
                foreach (SplitDatabase database in parts.Passed)
                {
                    string path = layout.IsFolder ? $"{origin.Path.TrimEnd('/')}/{database.Relative}" : origin.Path;
                    if (tool is null)
                        throw NoTool(path);
                    // One may have come since.
                    if (!copies.ContainsKey(path))
                        await CopyAsync(tool, path, context, copies, cancellationToken).ConfigureAwait(false);
                    databases.Add(Copy(database, copies[path]));
                }

                return Describe(context, taken, databases, parts);
            }
            catch (BackupFailure failure) when (failure.Code == ErrorCodes.ReadFailed && attempt < Attempts)
            {
                context.Observer.Verbose($"{failure.Message} Once more.");
            }
        }
    }

    private async Task CopyAsync(ContainerSqlite tool, string path, CaptureContext context, Dictionary<string, string> copies, CancellationToken cancellationToken)
    {
        string copy = Path.Join(context.StagingFolder, string.Create(CultureInfo.InvariantCulture, $"snapshot-{copies.Count}.db"));
        context.Observer.Progress(new OperationProgress(context.Activity, $"copying {path}"));
        await tool.CopyAsync(path, copy, lockTimeout, cancellationToken).ConfigureAwait(false);
        copies[path] = copy;
    }

    private string RelativeOf(string path) => layout.IsFolder && path.Length > origin.Path.Length ? path[origin.Path.TrimEnd('/').Length..].TrimStart('/') : string.Empty;

    private async Task<SplitArchive> FetchAsync(CaptureContext context, string folder, bool keepDatabases, IEnumerable<string> unreadable, CancellationToken cancellationToken)
    {
        var parts = new SplitArchive(Path.Join(context.StagingFolder, folder), layout, unreadable);
        try
        {
            await AddAsync(parts, origin.Path, keepDatabases, context, cancellationToken).ConfigureAwait(false);
            // A single file comes without what lies beside it.
            if (!layout.IsFolder && parts.Databases.Count > 0)
            {
                foreach (string file in SqliteFile.Sidecars(origin.Path).Where(file => !file.EndsWith("-shm", StringComparison.Ordinal)))
                {
                    if (await origin.Client.ContainerArchiveInfoAsync(origin.Container, file, cancellationToken).ConfigureAwait(false) is not null)
                        await AddAsync(parts, file, keepDatabases, context, cancellationToken).ConfigureAwait(false);
                }
            }

            return parts;
        }
        catch
        {
            parts.Dispose();
            throw;
        }
    }

    private async Task AddAsync(SplitArchive parts, string path, bool keepDatabases, CaptureContext context, CancellationToken cancellationToken)
    {
        try
        {
            using Stream archive = await origin.Client.ContainerArchiveAsync(origin.Container, path, cancellationToken).ConfigureAwait(false);
            long told = 0;
            await parts.AddAsync(
                archive,
                keepDatabases,
                done =>
                {
                    if (done - told < 1 << 22)
                        return;
                    told = done;
                    context.Observer.Progress(new OperationProgress(context.Activity, $"reading {layout.RootName}", done));
                },
                cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is HttpRequestException or HttpIOException || exception is BackupFailure { Code: ErrorCodes.BackupDamaged or ErrorCodes.ReadFailed })
        {
            throw new BackupFailure(
                ErrorCodes.ReadFailed,
                FailureCategory.ReadError,
                $"The engine's archive of '{path}' broke off: {exception.Message}",
                runsOn
                    ? "Files changed while they were read: pause the application during the snapshot (-Consistency Pause), or try again when it is less busy."
                    : "Check the engine and its disk (the engine's log, dmesg), then try again.",
                exception)
            { Target = Location, CanRetry = true };
        }
    }

    private Capture Describe(CaptureContext context, DateTimeOffset taken, List<SqliteCopy> databases, SplitArchive parts)
    {
        layout.RequireContent(!layout.IsFolder || databases.Count > 0 || parts.Entries > 1);
        CapturedPayload? files = parts.Entries == 0 ? null : layout.Files(
            async (target, progress, token) =>
            {
                using FileStream saved = File.OpenRead(parts.FilesPath);
                await saved.CopyToAsync(target, 1 << 20, token).ConfigureAwait(false);
                progress.Report(saved.Length);
                return new StreamSummary(parts.Entries, parts.Notes);
            },
            new FileInfo(parts.FilesPath).Length);
        return layout.Describe(taken, [.. databases.Select(database => database.ToPayload(context))], files, []);
    }

    private SqliteCopy Copy(SplitDatabase database, string copy) => layout.Database(
        copy, RelativeOf(database), Convert.ToString((int)database.Item.Mode, 8), string.Create(CultureInfo.InvariantCulture, $"{database.Item.UserId}:{database.Item.GroupId}"));

    private string RelativeOf(SplitDatabase database) => layout.IsFolder ? database.Relative : string.Empty;

    private BackupFailure NoTool(string path) => new(
        ErrorCodes.ToolMissing,
        FailureCategory.MissingTool,
        $"'{path}' of the {layout.Location.Subject} is a SQLite database in use, and the container has neither python3 nor sqlite3 to take a snapshot of it.",
        "Pause the application during the snapshot (-Consistency Pause, needs no tools in the container), or run the backup as root on the engine's own machine.")
    { Target = Location };
}
