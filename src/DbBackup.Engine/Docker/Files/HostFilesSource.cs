using System.Globalization;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Docker.Files;

/// <summary>Files of a container or volume, read where they lie on this machine.</summary>
/// <param name="root">Their path here, with all links in it resolved.</param>
/// <param name="layout">How they stand in the backup.</param>
/// <param name="mustBePaused">True if their application is paused when they are captured.</param>
/// <param name="isPausedForUs">True if the backup pauses the application.</param>
/// <param name="lockTimeout">How long to wait for a database's lock.</param>
internal sealed class HostFilesSource(string root, FilesLayout layout, bool mustBePaused, bool isPausedForUs, TimeSpan lockTimeout) : IBackupSource
{
    // Each look beforehand leaves less to do in the pause; more than these gain nothing.
    private const int LooksBefore = 4;
    private const int FewFiles = 64;
    private StagedFolder? _staged;

    public string Engine => layout.IsFolder || !SqliteFile.IsDatabase(root) ? FolderSource.EngineName : SqliteSource.EngineName;

    public required string DefaultName { get; init; }

    public IReadOnlyList<SourceAlias> Aliases { get; init; } = [];

    public string Location => layout.Location.ToString();

    public bool IsPath => false;

    public bool IsOfThisMachine => layout.Location.Host is null;

    public Task<SourcePreview> InspectAsync(CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            FolderSize size = new FolderArchiver { RootName = layout.RootName }.Measure(root, cancellationToken);
            layout.RequireContent(!layout.IsFolder || size.Entries > 1);
            if (mustBePaused)
                return new SourcePreview(size.ArchiveBytes, size.ContentBytes) { StagingHint = StagingHint };
            return new SourcePreview(size.ArchiveBytes, FindDatabases(path => false, cancellationToken).Sum(item => SqliteFile.TotalSize(item.Path)));
        },
        cancellationToken);

    public Task PrepareAsync(CaptureContext context, CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            StagedFolder staged = Stage(context);
            for (int look = 1, copied = int.MaxValue; look <= LooksBefore; look++)
            {
                context.Observer.Progress(new OperationProgress(context.Activity, $"copying {layout.RootName} before the pause"));
                int before = copied;
                copied = staged.Refresh(isLast: false, cancellationToken);
                // What cannot be read now cannot be read in the pause either.
                RequireAllRead(staged.Warnings.Summarize(0, 0));
                if (copied <= FewFiles || copied > before / 2)
                    break;
            }
        },
        cancellationToken);

    public Task<Capture> CaptureAsync(CaptureContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (isPausedForUs && !context.IsPaused)
            throw new InvalidOperationException($"'{Location}' was to be captured in a pause of its containers.");
        return Task.Run(() => mustBePaused ? CaptureStanding(context, cancellationToken) : CaptureLive(context, cancellationToken), cancellationToken);
    }

    internal const string StagingHint =
        "Stage the copy elsewhere with -StagingPath, or back up while the application runs, which needs less space: -Consistency Live.";

    private StagedFolder Stage(CaptureContext context) =>
        _staged = new StagedFolder(root, layout.RootName, Directory.CreateDirectory(Path.Join(context.StagingFolder, "files")).FullName, Excluded(context));

    private Capture CaptureStanding(CaptureContext context, CancellationToken cancellationToken)
    {
        StagedFolder staged = _staged ?? Stage(context);
        DateTimeOffset taken = context.Clock.GetUtcNow();
        staged.Refresh(isLast: true, cancellationToken);
        var held = new List<(FolderItem Item, string Copy, SqliteHold Hold)>();
        try
        {
            foreach (FolderItem item in staged.Databases)
            {
                string copy = Path.Join(context.StagingFolder, string.Create(CultureInfo.InvariantCulture, $"database-{held.Count}.db"));
                held.Add((item, copy, SqliteHold.Take(item.Path, layout.LocationOf(Relative(item)), copy, context.Clock, cancellationToken)));
            }
        }
        catch
        {
            held.ForEach(each => each.Hold.Dispose());
            throw;
        }

        return new Capture
        {
            Taken = taken,
            Payloads = [],
            Finish = token => Task.Run(() => Finish(context, staged, held, taken, token), token),
            Abandon = () => held.ForEach(each => each.Hold.Dispose()),
        };
    }

    private Capture Finish(
        CaptureContext context, StagedFolder staged, List<(FolderItem Item, string Copy, SqliteHold Hold)> held, DateTimeOffset taken, CancellationToken cancellationToken)
    {
        ArchiveSummary looked = staged.Warnings.Summarize(0, 0);
        RequireAllRead(looked);
        var databases = new List<CapturedPayload>();
        foreach ((FolderItem item, string copy, SqliteHold hold) in held)
        {
            hold.Finish(
                context.Clock, (done, total) => context.Observer.Progress(new OperationProgress(context.Activity, $"copying {Path.GetFileName(item.Path)}", done, total)), cancellationToken);
            databases.Add(Database(item, copy).ToPayload(context));
        }

        layout.RequireContent(databases.Count > 0 || staged.Items.Count > 1 || !layout.IsFolder);
        CapturedPayload? files = staged.Items.Count == 0 ? null : layout.Files(
            async (target, progress, token) =>
            {
                var warnings = new WarningLog();
                ArchiveSummary summary = await FolderArchiver.WriteAsync(staged.Items, asListed: true, target, warnings, progress, token).ConfigureAwait(false);
                return new StreamSummary(summary.Entries, [.. looked.Warnings, .. summary.Warnings]);
            },
            staged.Items.Sum(item => item.SizeBytes));
        return FilesLayout.Describe(taken, databases, files, []);
    }

    private Capture CaptureLive(CaptureContext context, CancellationToken cancellationToken)
    {
        var excludes = new FolderExcludes();
        var databases = new List<CapturedPayload>();
        DateTimeOffset taken = context.Clock.GetUtcNow();
        foreach (FolderItem item in FindDatabases(Excluded(context), cancellationToken))
        {
            string copy = Path.Join(context.StagingFolder, string.Create(CultureInfo.InvariantCulture, $"database-{databases.Count}.db"));
            SqliteSnapshot.Result snapshot = SqliteSnapshot.Take(
                item.Path, copy, lockTimeout, context.Clock,
                (done, total) => context.Observer.Progress(new OperationProgress(context.Activity, $"copying {Path.GetFileName(item.Path)}", done, total)), cancellationToken);
            if (databases.Count == 0)
                taken = snapshot.Taken;
            databases.Add(Database(item, copy).ToPayload(context));
            excludes.AddDatabase(item.Path, SqliteFile.SidecarSuffixes);
        }

        CapturedPayload? files = !layout.IsFolder && databases.Count > 0 ? null : layout.Files(
            async (target, progress, token) =>
            {
                var archiver = new FolderArchiver { Exclude = path => Excluded(context)(path) || excludes.IsExcluded(path), RootName = layout.RootName };
                ArchiveSummary summary = await archiver.WriteAsync(root, target, progress, token).ConfigureAwait(false);
                RequireAllRead(summary);
                return new StreamSummary(summary.Entries, summary.Warnings);
            },
            null);
        return FilesLayout.Describe(taken, databases, files, []);
    }

    private static Func<string, bool> Excluded(CaptureContext context) => path => context.Excluded(path) || WorkFolders.IsOne(Path.GetFileName(path.AsSpan()));

    // All files are looked into before the first database is opened: see SqliteSnapshot.
    private List<FolderItem> FindDatabases(Func<string, bool> excluded, CancellationToken cancellationToken) =>
        [.. new FolderWalk(root, layout.RootName, excluded, new WarningLog()).Items(cancellationToken).Where(item => item.Kind == FileKind.File && SqliteFile.HoldsDatabase(item.Path, item.SizeBytes))];

    private SqliteCopy Database(in FolderItem item, string copy) =>
        layout.Database(copy, Relative(item), Convert.ToString((int)item.Mode, 8), string.Create(CultureInfo.InvariantCulture, $"{item.UserId}:{item.GroupId}"));

    private string Relative(in FolderItem item) => layout.IsFolder ? item.Name[(layout.RootName.Length + 1)..] : string.Empty;

    private void RequireAllRead(ArchiveSummary summary) => summary.RequireAllRead(Location, Location, "Run as a user who may read them all (root), then try again.");
}
