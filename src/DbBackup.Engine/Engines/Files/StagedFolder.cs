using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Engine.Platform;
using Microsoft.Win32.SafeHandles;

namespace DbBackup.Engine.Engines.Files;

/// <summary>
/// A copy of a folder's content, made while others go on changing it and made equal when they stand still, which then takes only as
/// long as looking at every file. Owners, modes, times and extended attributes are kept in the list, not on the copies. SQLite databases are only found.
/// </summary>
/// <param name="root">The folder, or a single file, with all links in its path resolved.</param>
/// <param name="rootName">Its name in the archive.</param>
/// <param name="staging">Where the copies go; it must be empty.</param>
/// <param name="excluded">Says which paths are left out.</param>
internal sealed class StagedFolder(string root, string rootName, string staging, Func<string, bool> excluded)
{
    private const int FilesPerFolder = 1000;

    // The kernel dates changes by a clock that ticks every few milliseconds, so a change right after a look may bear the look's own time.
    private static readonly TimeSpan s_clockTick = TimeSpan.FromMilliseconds(100);

    private Dictionary<string, Copied> _copies = new(StringComparer.Ordinal);
    private int _number;

    /// <summary>What was there at the last look, the root first; the paths of files and links are those of their copies.</summary>
    public IReadOnlyList<FolderItem> Items { get; private set; } = [];

    /// <summary>The SQLite databases that were there, with their own paths.</summary>
    public IReadOnlyList<FolderItem> Databases { get; private set; } = [];

    /// <summary>What could not be copied at the last look.</summary>
    public WarningLog Warnings { get; private set; } = new();

    /// <summary>Looks at everything, and copies what is new or has changed.</summary>
    /// <param name="isLast">True if all stands still: nothing is done for another look.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>How many files were copied.</returns>
    public int Refresh(bool isLast, CancellationToken cancellationToken)
    {
        // Pages of a mapped file that are dirty already can be written without a new date; written back, they cannot.
        if (!isLast)
            UnixFile.TryWriteBack(root);
        DateTime began = DateTime.UtcNow - s_clockTick;
        Warnings = new WarningLog();
        var pass = new Pass(new Dictionary<string, Copied>(StringComparer.Ordinal), [], [], []);
        foreach (FolderItem item in new FolderWalk(root, rootName, excluded, Warnings).Items(cancellationToken))
            Visit(item, pass, began);
        foreach ((string name, Copied old) in _copies)
        {
            if (old.Path is { } path && !(pass.Copies.TryGetValue(name, out Copied kept) && kept.Path == path))
                File.Delete(path);
        }

        _copies = pass.Copies;
        Items = pass.Items;
        Databases = pass.Databases;
        return pass.Fresh;
    }

    private void Visit(FolderItem item, Pass pass, DateTime began)
    {
        bool isKnown = _copies.TryGetValue(item.Name, out Copied old);
        bool isUnchanged = isKnown && old.IsSettled && old.Seen == item;
        switch (item.Kind)
        {
            case FileKind.File when pass.IsBesideDatabase(item):
                return;
            case FileKind.File when item.SharedIdentity is { } shared && pass.FirstNames.TryGetValue(shared, out string? first):
                pass.Items.Add(item with { Path = first });
                return;
            case FileKind.File or FileKind.SymbolicLink when isUnchanged:
                Keep(item, old, pass);
                return;
            case FileKind.File:
                // Never into a link's place: its copy leads to wherever the container wants.
                CopyFile(item, isKnown && old.Seen.Kind == FileKind.File ? old.Path : null, pass, began);
                return;
            case FileKind.SymbolicLink:
                CopyLink(item, pass, began);
                return;
            default:
                pass.Items.Add(item with { Attributes = FolderArchiveRun.ReadAttributes(item, null, Warnings) });
                return;
        }
    }

    private static void Keep(FolderItem item, Copied copied, Pass pass)
    {
        pass.Copies[item.Name] = copied;
        if (copied.Path is not { } path)
        {
            pass.AddDatabase(item);
            return;
        }

        pass.Items.Add(item with { Path = path, Attributes = copied.Attributes });
        if (item.SharedIdentity is { } shared)
            pass.FirstNames[shared] = path;
    }

    private void CopyFile(FolderItem item, string? present, Pass pass, DateTime began)
    {
        using SafeFileHandle? source = UnixFile.OpenForReading(item.Path, out int error);
        if (source is null)
        {
            if (error is LibC.Enoent or LibC.Enotdir)
                Warnings.Add(item.Name, "it vanished before it could be read");
            else
                Warnings.AddUnreadable(item.Name, $"it could not be read ({UnixFile.Words(error)})");
            return;
        }

        // Looked at again through the open file, and before its content: what comes later makes a change.
        if (!UnixFile.TryStat(source, out UnixFileFacts facts) || facts.Kind != FileKind.File)
            return;
        FolderItem seen = FolderItem.From(facts, item.Path, item.Name);
        bool isSettled = seen.ChangedUtc < began;
        bool isRaw = RawName.IsRaw(item.Path);
        if (!isRaw && IsDatabase(source, seen))
        {
            Keep(seen, new Copied(seen, null, isSettled, null), pass);
            return;
        }

        if (isRaw && item.SizeBytes >= SqliteFile.SmallestSize && SqliteFile.HasHeader(source))
            Warnings.Add(item.Name, "a SQLite database whose path is not valid UTF-8, which SQLite cannot open; it is in the backup as a file");

        string path = present ?? NextPath();
        UnixFile.CopyContent(source, path);
        pass.Fresh++;
        Keep(seen, new Copied(seen, path, isSettled, FolderArchiveRun.ReadAttributes(seen, source, Warnings)), pass);
    }

    private void CopyLink(FolderItem item, Pass pass, DateTime began)
    {
        if (UnixFile.LinkTarget(item.Path) is not { Length: > 0 } destination)
        {
            Warnings.Add(item.Name, "it vanished before it could be read");
            return;
        }

        string path = NextPath();
        UnixFile.CreateLink(path, destination);
        pass.Fresh++;
        Keep(item, new Copied(item, path, item.ChangedUtc < began, FolderArchiveRun.ReadAttributes(item, null, Warnings)), pass);
    }

    // A new database in WAL mode may still be in its log alone.
    private static bool IsDatabase(SafeFileHandle file, in FolderItem item)
    {
        if (item.SizeBytes == 0)
            return new FileInfo(item.Path + "-wal") is { Exists: true, Length: > 0 };
        Span<byte> start = stackalloc byte[SqliteFile.HeaderSize];
        return item.SizeBytes >= SqliteFile.SmallestSize && RandomAccess.Read(file, start, 0) == start.Length && SqliteFile.HasHeader(start);
    }

    private string NextPath()
    {
        string folder = Path.Join(staging, (_number / FilesPerFolder).ToString("x", System.Globalization.CultureInfo.InvariantCulture));
        if (_number % FilesPerFolder == 0)
            Directory.CreateDirectory(folder);
        return Path.Join(folder, (_number++).ToString("x", System.Globalization.CultureInfo.InvariantCulture));
    }

    /// <summary>What was copied, as it was seen before.</summary>
    /// <param name="Seen">The original.</param>
    /// <param name="Path">The copy; null for a database.</param>
    /// <param name="IsSettled">True if any later change must show in its date.</param>
    /// <param name="Attributes">The original's extended attributes; a change of them shows in the date too.</param>
    private readonly record struct Copied(FolderItem Seen, string? Path, bool IsSettled, IReadOnlyList<ExtendedAttribute>? Attributes);

    private sealed record Pass(Dictionary<string, Copied> Copies, List<FolderItem> Items, List<FolderItem> Databases, Dictionary<FileIdentity, string> FirstNames)
    {
        private readonly HashSet<string> _beside = new(StringComparer.Ordinal);

        public int Fresh { get; set; }

        public void AddDatabase(FolderItem item)
        {
            Databases.Add(item);
            _beside.UnionWith(SqliteFile.Sidecars(item.Name));
        }

        // Names come in ordinal order, so a database comes before what lies beside it.
        public bool IsBesideDatabase(in FolderItem item) => _beside.Contains(item.Name);
    }
}
