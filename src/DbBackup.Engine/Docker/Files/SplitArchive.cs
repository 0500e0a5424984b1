using System.Formats.Tar;
using System.Globalization;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Docker.Files;

/// <summary>A database out of an archive: raw, with what lay beside it.</summary>
/// <param name="Relative">Its path in the folder; its name where it is the only file.</param>
/// <param name="File">Where it lies now; <c>-wal</c> and <c>-journal</c> lie beside it.</param>
/// <param name="Item">Its entry.</param>
internal sealed record SplitDatabase(string Relative, string File, TarItem Item);

/// <summary>
/// Takes the engine's tar of a folder or file apart while it arrives: SQLite databases become files of their own, everything else goes
/// into a new archive under the name that it has in the backup.
/// </summary>
internal sealed class SplitArchive : IDisposable
{
    private const string PendingMark = "beside-";
    private readonly string _folder;
    private readonly FilesLayout _layout;
    private readonly FileStream _file;
    private readonly BufferedStream _buffered;
    private readonly PaxWriter _writer;
    private readonly Dictionary<string, (string File, TarItem Item)> _pending = new(StringComparer.Ordinal);
    private readonly HashSet<string> _databases = new(StringComparer.Ordinal);
    private readonly HashSet<string> _unreadable;
    private readonly FolderPatterns _patterns;
    private readonly HashSet<string> _leftOut = new(StringComparer.Ordinal);
    // Not the number of those that wait: an archive may hold one name twice.
    private int _saved;

    /// <param name="folder">Where its parts go.</param>
    /// <param name="layout">How they stand in the backup.</param>
    /// <param name="unreadable">The databases, by their paths in the folder, that stay files.</param>
    public SplitArchive(string folder, FilesLayout layout, IEnumerable<string> unreadable)
    {
        _unreadable = new HashSet<string>(unreadable, StringComparer.Ordinal);
        _patterns = new FolderPatterns(layout.Exclude);
        _folder = Directory.CreateDirectory(folder).FullName;
        _layout = layout;
        FilesPath = Path.Join(folder, "files.tar");
        _file = new FileStream(FilesPath, FileMode.CreateNew, FileAccess.Write, FileShare.Read, 1);
        _buffered = new BufferedStream(_file, 1 << 18);
        _writer = new PaxWriter(_buffered);
    }

    /// <summary>The new archive.</summary>
    public string FilesPath { get; }

    /// <summary>How many entries it has.</summary>
    public long Entries { get; private set; }

    /// <summary>The databases whose bytes were kept.</summary>
    public List<SplitDatabase> Databases { get; } = [];

    /// <summary>The databases whose bytes were not wanted, by their paths in the folder.</summary>
    public List<SplitDatabase> Passed { get; } = [];

    /// <summary>What is not in the archive.</summary>
    public List<string> Notes { get; } = [];

    /// <summary>Reads an archive to its end.</summary>
    /// <param name="tar">The archive, whose entries begin with the last name of the path that was asked for.</param>
    /// <param name="keepDatabases">True if the bytes of databases are wanted.</param>
    /// <param name="progress">Receives how many bytes of content have come.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task AddAsync(Stream tar, bool keepDatabases, Action<long> progress, CancellationToken cancellationToken)
    {
        var scan = new TarScan(tar, requireEndMark: true);
        byte[] start = new byte[SqliteFile.HeaderSize];
        long total = 0;
        while (await scan.NextAsync(cancellationToken).ConfigureAwait(false) is { } item)
        {
            string relative = Relative(item.Name);
            if (WorkFolders.Hold(relative) || (_layout.IsFolder && _patterns.ExcludeBelow(relative)))
                continue;
            if (item.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile))
            {
                await AddOtherAsync(item, relative, cancellationToken).ConfigureAwait(false);
                continue;
            }

            int have = 0;
            while (have < start.Length && await scan.ReadAsync(start.AsMemory(have), cancellationToken).ConfigureAwait(false) is > 0 and var read)
                have += read;
            using var content = new TarEntryContent(scan, start.AsMemory(0, have), item.Length);
            bool isDatabase = !RawName.IsRaw(relative) && !_unreadable.Contains(relative) && item.Length >= SqliteFile.SmallestSize && SqliteFile.HasHeader(start);
            if (isDatabase && !keepDatabases)
            {
                Passed.Add(new SplitDatabase(relative, string.Empty, item));
                _databases.Add(relative);
            }
            else if (isDatabase)
            {
                string file = Path.Join(_folder, string.Create(CultureInfo.InvariantCulture, $"database-{Databases.Count}.db"));
                await SaveAsync(content, file, cancellationToken).ConfigureAwait(false);
                Databases.Add(new SplitDatabase(relative, file, item));
                _databases.Add(relative);
            }
            else if (SqliteFile.SidecarSuffixes.Any(suffix => relative.EndsWith(suffix, StringComparison.Ordinal)))
            {
                string file = Path.Join(_folder, string.Create(CultureInfo.InvariantCulture, $"{PendingMark}{_saved++}"));
                await SaveAsync(content, file, cancellationToken).ConfigureAwait(false);
                _pending[relative] = (file, item);
            }
            else
            {
                await AddFileAsync(item, relative, content, cancellationToken).ConfigureAwait(false);
            }

            total += item.Length;
            progress(total);
        }
    }

    /// <summary>Puts what lay beside databases to them.</summary>
    public void PlaceLogs()
    {
        foreach ((string relative, (string file, TarItem item)) in _pending.ToArray())
        {
            string suffix = SqliteFile.SidecarSuffixes.First(each => relative.EndsWith(each, StringComparison.Ordinal));
            string owner = relative[..^suffix.Length];
            bool isShared = suffix == "-shm";
            // A shared-memory file is of the processes that have it open, and worthless without them.
            if (Databases.Find(each => each.Relative == owner) is { } database && !isShared)
                File.Move(file, database.File + suffix);
            else if (_databases.Contains(owner) || (isShared && _unreadable.Contains(owner)))
                File.Delete(file);
            else
                continue;
            _pending.Remove(relative);
        }
    }

    /// <summary>Makes files of a database that SQLite cannot read, with its logs.</summary>
    public async Task AddAsItIsAsync(SplitDatabase database, CancellationToken cancellationToken)
    {
        await AddSavedAsync(database.File, database.Item, database.Relative, cancellationToken).ConfigureAwait(false);
        foreach (string suffix in SqliteHold.Beside.Where(suffix => Presence.IsFile(database.File + suffix)))
        {
            TarItem log = database.Item with { Length = new FileInfo(database.File + suffix).Length };
            await AddSavedAsync(database.File + suffix, log, database.Relative + suffix, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Ends the new archive.</summary>
    public async Task CompleteAsync(CancellationToken cancellationToken)
    {
        foreach ((string relative, (string file, TarItem item)) in _pending)
            await AddSavedAsync(file, item, relative, cancellationToken).ConfigureAwait(false);
        await _writer.CompleteAsync(cancellationToken).ConfigureAwait(false);
        await _buffered.FlushAsync(cancellationToken).ConfigureAwait(false);
        _file.Dispose();
    }

    public void Dispose() => _file.Dispose();

    private async Task AddSavedAsync(string file, TarItem item, string relative, CancellationToken cancellationToken)
    {
        using (FileStream saved = File.OpenRead(file))
            await AddFileAsync(item, relative, saved, cancellationToken).ConfigureAwait(false);
        File.Delete(file);
    }

    private async Task AddFileAsync(TarItem item, string relative, Stream content, CancellationToken cancellationToken)
    {
        await WriteAsync(Entry(TarEntryType.RegularFile, item, relative), content, cancellationToken).ConfigureAwait(false);
    }

    private async Task AddOtherAsync(TarItem item, string relative, CancellationToken cancellationToken)
    {
        switch (item.EntryType)
        {
            case TarEntryType.Directory:
                await WriteAsync(Entry(item.EntryType, item, relative, "/"), null, cancellationToken).ConfigureAwait(false);
                break;
            case TarEntryType.HardLink when _databases.Contains(Relative(item.LinkName)) || _pending.ContainsKey(Relative(item.LinkName)) || _leftOut.Contains(Relative(item.LinkName)):
                _leftOut.Add(relative);
                Notes.Add($"{WarningLog.Shown(relative)}: a second name of a database's file, left out");
                break;
            case TarEntryType.HardLink or TarEntryType.SymbolicLink:
                string destination = item.EntryType == TarEntryType.HardLink ? NameInArchive(Relative(item.LinkName)) : item.LinkName;
                await WriteAsync(Entry(item.EntryType, item, relative) with { LinkName = destination }, null, cancellationToken).ConfigureAwait(false);
                break;
            case TarEntryType.Fifo:
                await WriteAsync(Entry(item.EntryType, item, relative), null, cancellationToken).ConfigureAwait(false);
                break;
            default:
                Notes.Add($"{WarningLog.Shown(relative)}: a device, left out");
                break;
        }
    }

    private async Task WriteAsync(TarItem entry, Stream? content, CancellationToken cancellationToken)
    {
        await _writer.WriteAsync(entry, content, cancellationToken).ConfigureAwait(false);
        Entries++;
    }

    private TarItem Entry(TarEntryType type, TarItem item, string relative, string ending = "") =>
        item with { EntryType = type, Name = NameInArchive(relative) + ending, LinkName = string.Empty };

    // The engine names the entries after the last part of the path that was asked for.
    private string Relative(string name)
    {
        string trimmed = name.TrimEnd('/');
        int slash = trimmed.IndexOf('/', StringComparison.Ordinal);
        return _layout.IsFolder ? slash < 0 ? string.Empty : trimmed[(slash + 1)..] : trimmed;
    }

    private string NameInArchive(string relative) => !_layout.IsFolder || relative.Length == 0 ? _layout.RootName : $"{_layout.RootName}/{relative}";

    private static async Task SaveAsync(Stream content, string file, CancellationToken cancellationToken)
    {
        using FileStream target = new(file, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1);
        await content.CopyToAsync(target, 1 << 18, cancellationToken).ConfigureAwait(false);
    }
}
