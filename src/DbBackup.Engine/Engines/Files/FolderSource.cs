using System.Globalization;
using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.Files;

/// <summary>A folder or a single file, stored as one tar.</summary>
/// <param name="path">The absolute path of the folder or file.</param>
public sealed class FolderSource(string path) : IBackupSource
{
    private const int WarningsNoted = 50;

    /// <summary>The engine's name in manifests.</summary>
    public const string EngineName = "Files";

    /// <inheritdoc/>
    public string Engine => EngineName;

    /// <inheritdoc/>
    public string DefaultName => Path.GetFileName(path);

    /// <inheritdoc/>
    public string Location => path;

    /// <summary>Patterns of what is left out.</summary>
    public IReadOnlyList<string> Exclude { get; init; } = [];

    /// <summary>The paths in the folder, with slashes, that alone are archived with everything in them; null for all of it.</summary>
    internal IReadOnlyCollection<string>? Only { get; init; }

    /// <summary>How long to wait for the lock of a database in the folder.</summary>
    public TimeSpan LockTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <inheritdoc/>
    public Task<SourcePreview> InspectAsync(CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            if (!Presence.IsFolder(path) && !Presence.IsFile(path))
            {
                throw new BackupFailure(
                    ErrorCodes.SourceNotFound,
                    FailureCategory.NotFound,
                    $"There is no file or folder '{path}'.",
                    "Check the path given with -AdditionalPath; nothing was created.")
                { Target = path };
            }

            string root = UnixFile.RealPath(path);
            Func<string, bool> excluded = ExcludedIn(root);
            long databases = 0;
            FolderSize size = new FolderArchiver { Exclude = excluded }.Measure(
                path,
                item =>
                {
                    if (LooksLikeDatabase(item))
                        databases += Math.Min(item.SizeBytes, item.AllocatedBytes);
                    return !IsLog(item.Path);
                },
                cancellationToken);
            return new SourcePreview(size.ArchiveBytes, databases);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Capture> CaptureAsync(CaptureContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        // After a pause: nothing in the folder belongs to what is paused, and a paused writer would keep its locks.
        return context.IsPaused
            ? Task.FromResult(new Capture { Taken = context.Clock.GetUtcNow(), Payloads = [], Finish = token => Task.Run(() => CaptureNowAsync(context, token), token) })
            : Task.Run(() => CaptureNowAsync(context, cancellationToken), cancellationToken);
    }

    private string Name => Path.GetFileName(path);

    private async Task<Capture> CaptureNowAsync(CaptureContext context, CancellationToken cancellationToken)
    {
        string root = UnixFile.RealPath(path);
        Func<string, bool> patterns = ExcludedIn(root);
        bool Excluded(string each) => context.Excluded(each) || patterns(each);
        DateTimeOffset taken = context.Clock.GetUtcNow();
        var files = new CapturedPayload
        {
            FileName = Name + ".tar",
            Kind = PayloadKind.Files,
            Format = PayloadFormat.Tar,
            Scope = Only is null ? BackupScope.Whole : BackupScope.Partial,
            RestoreName = Name,
            OriginalPath = path,
            IsCataloged = true,
        };
        EarlierFiles? earlier = context.Earlier is null ? null : await context.Earlier.OpenAsync(files, EarlierFiles.Read, cancellationToken).ConfigureAwait(false);
        var snapshots = new FolderSnapshots(context, LockTimeout, (item, copy) => Database(root, item, copy)) { Earlier = earlier };
        snapshots.Take(root, Name, Excluded, cancellationToken);
        files = files with
        {
            WriteTo = async (target, progress, token) =>
            {
                var catalog = new FileCatalog(taken.UtcDateTime - FileCatalog.SettledAfter, root, snapshots.IsKeptAsFile);
                var archiver = new FolderArchiver { Exclude = each => Excluded(each) || snapshots.IsCaptured(each), Earlier = earlier, Catalog = earlier is null ? catalog : null };
                ArchiveSummary summary = await archiver.WriteAsync(path, target, progress, token).ConfigureAwait(false);
                summary.RequireAllRead(Name, path, "Run as a user who may read them all, or leave them out with -Exclude.");
                if (earlier is not null)
                    context.Observer.Verbose(summary.DescribeUnchanged(Name));
                return new StreamSummary(summary.Entries, Notes(Name, summary)) { HoleBytes = summary.HoleBytes, Catalog = catalog.ToBytes() };
            },
        };
        bool isDatabase = Presence.IsFile(root) && snapshots.Databases.Count > 0;
        return new Capture
        {
            Taken = snapshots.Taken ?? taken,
            Payloads = isDatabase ? snapshots.Databases : [.. snapshots.Databases, files],
            Tools = snapshots.Databases.Count > 0 ? new Dictionary<string, string> { ["SQLite"] = SqliteLibrary.Version } : [],
            Notes = [.. snapshots.Notes, .. ExclusionNotes.Of(Exclude, Name)],
        };
    }

    private Func<string, bool> ExcludedIn(string root)
    {
        Func<string, bool> patterns = new FolderPatterns(Exclude).Within(root);
        if (Only is null)
            return patterns;
        var chosen = new ChosenPaths(Only);
        int start = Path.TrimEndingDirectorySeparator(root).Length + 1;
        return each => patterns(each) || (each.Length > start && !chosen.Touches(each[start..].Replace(Path.DirectorySeparatorChar, '/')));
    }

    private SqliteCopy Database(string root, in FolderItem item, string copy)
    {
        bool isOnly = item.Path == root;
        string relative = isOnly ? string.Empty : Path.GetRelativePath(root, item.Path);
        return new SqliteCopy(copy, isOnly ? path : Path.Join(path, relative), Path.GetFileName(item.Path))
        {
            OriginalPath = isOnly ? path : Path.Join(path, relative),
            Within = isOnly ? null : $"{Name}/{relative.Replace(Path.DirectorySeparatorChar, '/')}",
            UnixMode = OperatingSystem.IsWindows() ? null : Convert.ToString((int)item.Mode, 8),
            UnixOwner = OperatingSystem.IsWindows() ? null : string.Create(CultureInfo.InvariantCulture, $"{item.UserId}:{item.GroupId}"),
            AllowEmpty = true,
            KeepDamaged = true,
        };
    }

    // A database's copy has what its log holds; the log itself, which may be many times as large, is not copied.
    private static bool IsLog(string each) =>
        SqliteFile.SidecarSuffixes.FirstOrDefault(suffix => each.EndsWith(suffix, StringComparison.Ordinal)) is { } ending && Presence.IsFile(each[..^ending.Length]);

    // Only for the space that is needed. To look into a database that this process has locked (a restore's) would end the lock.
    private static bool LooksLikeDatabase(FolderItem item) =>
        item.Kind == FileKind.File && item.SizeBytes >= SqliteFile.SmallestSize
        && (Path.GetExtension(item.Name) is ".db" or ".db3" or ".sqlite" or ".sqlite3" or ".anki2" || Presence.IsFile(item.Path + "-wal"));

    private static List<string> Notes(string name, ArchiveSummary summary)
    {
        List<string> notes = [.. summary.Warnings.Take(WarningsNoted)];
        if (summary.WarningCount > notes.Count)
        {
            notes.Add(string.Create(
                CultureInfo.InvariantCulture, $"{summary.WarningCount - notes.Count} more files of {name} changed or could not be read while they were archived."));
        }

        return notes;
    }
}
