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
    private readonly Func<string, bool> _patterns = new FolderPatterns(layout.Exclude).Within(root);
    private StagedFolder? _staged;

    public string Engine => layout.IsFolder || !SqliteFile.IsDatabase(root) ? FolderSource.EngineName : SqliteSource.EngineName;

    public required string DefaultName { get; init; }

    public IReadOnlyList<SourceAlias> Aliases { get; init; } = [];

    public string Location => layout.Location.ToString();

    public bool IsPath => false;

    public string? PathHere => root;

    public bool IsOfThisMachine => layout.Location.Host is null;

    public Task<SourcePreview> InspectAsync(CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            FolderSize size = new FolderArchiver { RootName = layout.RootName, Exclude = IsLeftOut }.Measure(root, cancellationToken);
            layout.RequireContent(!layout.IsFolder || size.Entries > 1);
            if (mustBePaused)
                return new SourcePreview(size.ArchiveBytes, size.DataBytes) { StagingHint = StagingHint };
            return new SourcePreview(size.ArchiveBytes, FolderSnapshots.Find(root, layout.RootName, IsLeftOut, cancellationToken).Sum(item => SqliteSnapshot.Measure(item.Path, lockTimeout, cancellationToken)));
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
        return Task.Run(() => mustBePaused ? Task.FromResult(CaptureStanding(context, cancellationToken)) : CaptureLiveAsync(context, cancellationToken), cancellationToken);
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
        var unreadable = new List<FolderItem>();
        var notes = new List<string>();
        try
        {
            for (int number = 0; number < staged.Databases.Count; number++)
            {
                FolderItem item = staged.Databases[number];
                string copy = Path.Join(context.StagingFolder, string.Create(CultureInfo.InvariantCulture, $"database-{number}.db"));
                try
                {
                    held.Add((item, copy, SqliteHold.Take(item.Path, layout.LocationOf(Relative(item)), copy, context.Clock, cancellationToken)));
                }
                catch (BackupException failure) when (FolderSnapshots.IsOfContent(failure))
                {
                    unreadable.AddRange(CopyAsItIs(item, copy));
                    notes.Add(AsItIs(context, failure));
                }
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
            Finish = token => Task.Run(() => Finish(context, staged, held, unreadable, notes, taken, token), token),
            Abandon = () => held.ForEach(each => each.Hold.Dispose()),
        };
    }

    private Capture Finish(
        CaptureContext context,
        StagedFolder staged,
        List<(FolderItem Item, string Copy, SqliteHold Hold)> held,
        List<FolderItem> unreadable,
        List<string> notes,
        DateTimeOffset taken,
        CancellationToken cancellationToken)
    {
        ArchiveSummary looked = staged.Warnings.Summarize(0, 0);
        RequireAllRead(looked);
        var databases = new List<CapturedPayload>();
        foreach ((FolderItem item, string copy, SqliteHold hold) in held)
        {
            try
            {
                hold.Finish(
                    context.Clock, (done, total) => context.Observer.Progress(new OperationProgress(context.Activity, $"copying {Path.GetFileName(item.Path)}", done, total)), cancellationToken);
                databases.Add(Database(item, copy).ToPayload(context));
            }
            catch (BackupException failure) when (FolderSnapshots.IsOfContent(failure))
            {
                hold.Dispose();
                unreadable.AddRange(CopyAsItIs(item, copy));
                notes.Add(AsItIs(context, failure));
            }
        }

        FolderItem[] items = [.. staged.Items, .. unreadable];

        layout.RequireContent(databases.Count > 0 || items.Length > 1 || !layout.IsFolder);
        CapturedPayload? files = items.Length == 0 ? null : layout.Files(
            async (target, progress, token) =>
            {
                var warnings = new WarningLog();
                ArchiveSummary summary = await FolderArchiver.WriteAsync(items, asListed: true, target, warnings, progress, token).ConfigureAwait(false);
                return new StreamSummary(summary.Entries, [.. looked.Warnings, .. summary.Warnings]) { HoleBytes = summary.HoleBytes };
            },
            items.Sum(item => item.SizeBytes));
        return layout.Describe(taken, databases, files, notes);
    }

    // A database that SQLite cannot read is kept for what it is, with the log that may still save it.
    private static List<FolderItem> CopyAsItIs(FolderItem item, string copy)
    {
        SqliteHold.CopyRaw(item.Path, copy);
        var copies = new List<FolderItem> { WithAttributes(item) with { Path = copy } };
        foreach (string suffix in SqliteHold.Beside.Where(suffix => Presence.IsFile(copy + suffix)))
            copies.Add(WithAttributes(FolderItem.Read(SqliteFile.RealPath(item.Path) + suffix, item.Name + suffix)) with { Path = copy + suffix });
        return copies;
    }

    private static FolderItem WithAttributes(FolderItem item) => item with { Attributes = ExtendedAttributes.Read(item.Path, null, (_, _) => { }) };

    private static string AsItIs(CaptureContext context, BackupException failure)
    {
        string note = $"{failure.Message} Its files are in the backup as they are.";
        context.Observer.Warning(note);
        return note;
    }

    private async Task<Capture> CaptureLiveAsync(CaptureContext context, CancellationToken cancellationToken)
    {
        DateTimeOffset taken = context.Clock.GetUtcNow();
        EarlierFiles? earlier = context.Earlier is null ? null : await context.Earlier.OpenAsync(layout.Files(null, null), EarlierFiles.Read, cancellationToken).ConfigureAwait(false);
        var snapshots = new FolderSnapshots(context, lockTimeout, (item, copy) => Database(item, copy)) { Earlier = earlier };
        snapshots.Take(root, layout.RootName, Excluded(context), cancellationToken);
        CapturedPayload? files = !layout.IsFolder && snapshots.Databases.Count > 0 ? null : layout.Files(
            async (target, progress, token) =>
            {
                var catalog = new FileCatalog(taken.UtcDateTime - FileCatalog.SettledAfter, root, snapshots.IsKeptAsFile);
                var archiver = new FolderArchiver
                {
                    Exclude = path => Excluded(context)(path) || snapshots.IsCaptured(path),
                    RootName = layout.RootName,
                    Earlier = earlier,
                    Catalog = earlier is null ? catalog : null,
                };
                ArchiveSummary summary = await archiver.WriteAsync(root, target, progress, token).ConfigureAwait(false);
                RequireAllRead(summary);
                if (earlier is not null)
                    context.Observer.Verbose(summary.DescribeUnchanged(layout.RootName));
                return new StreamSummary(summary.Entries, summary.Warnings) { HoleBytes = summary.HoleBytes, Catalog = catalog.ToBytes() };
            },
            null) with
        { IsCataloged = true };
        return layout.Describe(snapshots.Taken ?? taken, snapshots.Databases, files, snapshots.Notes);
    }

    private Func<string, bool> Excluded(CaptureContext context) => path => context.Excluded(path) || IsLeftOut(path);

    private bool IsLeftOut(string path) => WorkFolders.IsOne(Path.GetFileName(path.AsSpan())) || _patterns(path);

    private SqliteCopy Database(in FolderItem item, string copy) =>
        layout.Database(copy, Relative(item), Convert.ToString((int)item.Mode, 8), string.Create(CultureInfo.InvariantCulture, $"{item.UserId}:{item.GroupId}"));

    private string Relative(in FolderItem item) => layout.IsFolder ? item.Name[(layout.RootName.Length + 1)..] : string.Empty;

    private void RequireAllRead(ArchiveSummary summary) => summary.RequireAllRead(Location, Location, "Run as a user who may read them all (root), then try again.");
}
