using System.Globalization;
using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.Files;

/// <summary>
/// Snapshots of the SQLite databases in a folder that is in use: archived as a file, a database would lack what its log holds, or mix two
/// states. One that SQLite cannot read at all stays among the files as it is.
/// </summary>
/// <param name="context">The backup.</param>
/// <param name="lockTimeout">How long to wait for a database's lock.</param>
/// <param name="describe">Describes a copy of a database.</param>
internal sealed class FolderSnapshots(CaptureContext context, TimeSpan lockTimeout, Func<FolderItem, string, SqliteCopy> describe)
{
    private readonly FolderExcludes _captured = new();
    private readonly HashSet<string> _asFiles = new(StringComparer.Ordinal);

    /// <summary>The files of the full backup from which this one differs: what is unchanged was no database then, and is not looked into. Null for none.</summary>
    public EarlierFiles? Earlier { get; init; }

    /// <summary>The databases, in the order of their names.</summary>
    public List<CapturedPayload> Databases { get; } = [];

    /// <summary>The databases that stay among the files.</summary>
    public List<string> Notes { get; } = [];

    /// <summary>The moment of the first snapshot; null without any.</summary>
    public DateTimeOffset? Taken { get; private set; }

    /// <summary>True if a path is left out of the archive, because it is in a snapshot.</summary>
    public bool IsCaptured(string path) => _captured.IsExcluded(path);

    /// <summary>True if a path is a database that is archived as the file that it is.</summary>
    public bool IsKeptAsFile(string path) => _asFiles.Contains(path);

    /// <summary>The databases in a folder; a path may be one itself.</summary>
    public static List<FolderItem> Find(string root, string rootName, Func<string, bool> excluded, CancellationToken cancellationToken) =>
    [
        .. new FolderWalk(root, rootName, excluded, new WarningLog()).Items(cancellationToken)
            .Where(item => item.Kind == FileKind.File && SqliteFile.HoldsDatabase(item.Path, item.SizeBytes)),
    ];

    /// <summary>Takes them all. All files are looked into before the first database is opened: see <see cref="SqliteSnapshot"/>.</summary>
    public void Take(string root, string rootName, Func<string, bool> excluded, CancellationToken cancellationToken)
    {
        var done = new HashSet<FileIdentity>();
        var found = new List<FolderItem>();
        foreach (FolderItem item in new FolderWalk(root, rootName, excluded, new WarningLog()).Items(cancellationToken))
        {
            if (item.Kind != FileKind.File)
                continue;
            NoteRawName(item);
            // An empty file is a database if its log is not empty.
            if ((item.SizeBytes == 0 || Earlier?.TryFind(item, out _) != true) && SqliteFile.HoldsDatabase(item.Path, item.SizeBytes))
                found.Add(item);
        }

        // The name that has a log beside it is the one under which its application uses it.
        foreach (FolderItem item in found.OrderByDescending(item => item.SharedIdentity is not null && Presence.IsFile(item.Path + "-wal")))
        {
            if (item.SharedIdentity is { } shared && !done.Add(shared))
            {
                Notes.Add($"{WarningLog.Shown(item.Name)}: a second name of a database's file, left out");
                _captured.Add(item.Path);
                continue;
            }

            TakeOne(item, cancellationToken);
        }
    }

    // SQLite is given names as text.
    private void NoteRawName(FolderItem item)
    {
        if (!RawName.IsRaw(item.Path) || item.SizeBytes < SqliteFile.SmallestSize)
            return;
        using Microsoft.Win32.SafeHandles.SafeFileHandle? file = UnixFile.OpenForReading(item.Path, out _);
        if (file is null || !SqliteFile.HasHeader(file))
            return;
        _asFiles.Add(item.Path);
        string note = RawDatabase(item.Name);
        Notes.Add(note);
        context.Observer.Warning(note);
    }

    /// <summary>Says that a database is kept as a file.</summary>
    public static string RawDatabase(string name) =>
        $"{WarningLog.Shown(name)}: a SQLite database whose path is not valid UTF-8, which SQLite cannot open; it is in the backup as a file, and may be torn if it was written to meanwhile";

    private void TakeOne(FolderItem item, CancellationToken cancellationToken)
    {
        string copy = Path.Join(context.StagingFolder, string.Create(CultureInfo.InvariantCulture, $"database-{Databases.Count}.db"));
        try
        {
            SqliteSnapshot.Result snapshot = SqliteSnapshot.Take(
                item.Path, copy, lockTimeout, context.Clock,
                (bytes, total) => context.Observer.Progress(new OperationProgress(context.Activity, $"copying {Path.GetFileName(item.Path)}", bytes, total)), cancellationToken);
            Taken ??= snapshot.Taken;
        }
        catch (BackupException failure) when (IsOfContent(failure))
        {
            File.Delete(copy);
            _asFiles.Add(item.Path);
            string note = $"{failure.Message} Its files are in the backup as they are.";
            Notes.Add(note);
            context.Observer.Warning(note);
            _captured.Add(item.Path + "-shm");
            return;
        }

        Databases.Add(describe(item, copy).ToPayload(context));
        _captured.AddDatabase(item.Path, SqliteFile.SidecarSuffixes);
    }

    /// <summary>True if a database could not be copied because of what is in its file, rather than because of a lock or a permission.</summary>
    public static bool IsOfContent(BackupException failure) =>
        failure.Code is ErrorCodes.SourceCorrupt or ErrorCodes.SourceNotSqlite || failure is { Code: ErrorCodes.SourceUnreadable, Category: FailureCategory.ReadError };
}
