using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Portability;

/// <summary>Imports files and folders that other tools made as backups. The originals stay where they are.</summary>
public sealed class BackupImporter
{
    // Files shrink to about a quarter.
    private const int GuessedRatio = 4;
    // Clocks of file servers are seldom further apart.
    private static readonly TimeSpan s_clocks = TimeSpan.FromMinutes(5);
    private readonly BackupRepository _repository;
    private readonly TimeProvider _clock;

    /// <summary>Creates the importer for a repository.</summary>
    /// <param name="repository">Where the backups go.</param>
    /// <param name="clock">The clock; the system's by default.</param>
    public BackupImporter(BackupRepository repository, TimeProvider? clock = null)
    {
        _repository = repository;
        _clock = clock ?? TimeProvider.System;
    }

    /// <summary>Looks at the beginning of a file or folder: what it is, and when it was made.</summary>
    /// <param name="path">Its absolute path.</param>
    /// <param name="created">When it was made, as the person says; null if the file is to tell.</param>
    /// <exception cref="BackupException">It is of no kind that can be imported, or nothing tells when it was made.</exception>
    public ImportPreview Inspect(string path, DateTimeOffset? created)
    {
        RequireSomething(path);
        try
        {
            ForeignFile file = ForeignFile.Read(path);
            if (DatabaseEngines.Recognize(file) is { } dump)
                return new ImportPreview(dump.Description, DateOf(dump, path, path, created));
            if (file.IsFolder)
                return new ImportPreview("a folder", DateOf(null, path, path, created));
            return file.IsTar ? new ImportPreview("a tar archive", created ?? DateOfName(path)) : throw NotRecognized(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new BackupFailure(
                ErrorCodes.SourceUnreadable,
                exception is UnauthorizedAccessException ? FailureCategory.PermissionDenied : FailureCategory.ReadError,
                $"'{path}' cannot be read: {exception.Message}",
                "Run as a user who is allowed to read it, or check its disk.",
                exception)
            { Target = path };
        }
    }

    /// <summary>Imports a file or folder.</summary>
    /// <param name="path">Its absolute path.</param>
    /// <param name="wishes">Name, source, time, tags, compression and the like; its sources are not looked at.</param>
    /// <param name="observer">The progress observer.</param>
    /// <param name="cancellationToken">Stops the work; nothing is left then.</param>
    /// <exception cref="BackupException">It is of no kind that can be imported, it is damaged, or nothing tells when it was made.</exception>
    public async Task<Backup> ImportAsync(string path, BackupRequest wishes, IOperationObserver observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(wishes);
        ArgumentNullException.ThrowIfNull(observer);
        RequireSomething(path);
        var scratches = new List<LocalWorkspace>();
        try
        {
            var import = new ForeignImport(path, wishes.TestServer is not null, async (bytes, token) =>
            {
                scratches.Add(await _repository.OpenScratchAsync(wishes.StagingPath, bytes, token).ConfigureAwait(false));
                return scratches[^1].Path;
            })
            { SourceName = wishes.SourceName };
            (ForeignContent content, DateTimeOffset created) = await ReadAsync(ForeignFile.Read(path), import, wishes.Created, observer, cancellationToken).ConfigureAwait(false);
            BackupRequest request = wishes with
            {
                Sources = content.Sources,
                Name = wishes.Name ?? (content.Name is { } name ? BackupName.From(name) : null),
                SourceName = wishes.SourceName ?? (content.SourceName is { } source ? BackupName.From(source) : null),
                Import = new ImportOrigin(path, created, content.SchemaRevision),
                Fingerprint = wishes.Verify ? FingerprintLevel.Content : wishes.Fingerprint,
                ProofLevel = content.ProofLevel,
            };
            return await new BackupService(_repository).CreateAsync(request, observer, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            scratches.ForEach(scratch => scratch.Dispose());
        }
    }

    /// <summary>Checks whether a file or folder can be imported, by its first bytes. Changes nothing.</summary>
    /// <param name="path">Its absolute path.</param>
    /// <param name="wishes">Name, source and the like; its sources are not looked at.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="BackupException">It is of no kind that can be imported, or the repository cannot take it.</exception>
    public async Task CheckAsync(string path, BackupRequest wishes, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(wishes);
        Inspect(path, wishes.Created);
        await _repository.CheckAsync(wishes.SourceName, wishes.AllowNewRepository, cancellationToken).ConfigureAwait(false);
    }

    private static void RequireSomething(string path)
    {
        if (Path.Exists(path))
        {
            RequireFile(path);
            return;
        }

        throw new BackupFailure(
            ErrorCodes.SourceNotFound, FailureCategory.NotFound, $"There is no file or folder '{path}'.", "Check the path.") { Target = path };
    }

    private static void RequireFile(string path)
    {
        if (Directory.Exists(path))
            return;
        try
        {
            RegularFile.Open(path).Dispose();
        }
        catch (UnsafePathException exception)
        {
            throw new BackupFailure(
                ErrorCodes.ImportNotRecognized, FailureCategory.NotSupported, $"{exception.Message}.", "Write the dump into a file first, and import that.", exception)
            { Target = path };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The reading says what is wrong.
        }
    }

    private async Task<(ForeignContent Content, DateTimeOffset Created)> ReadAsync(
        ForeignFile file, ForeignImport import, DateTimeOffset? stated, IOperationObserver observer, CancellationToken cancellationToken)
    {
        if (DatabaseEngines.Recognize(file) is { } dump)
        {
            // Before the reading, which may take hours.
            DateTimeOffset created = DateOf(dump, import.Origin, file.Path, stated);
            observer.Verbose($"'{file.Path}' is {dump.Description}.");
            observer.Progress(new OperationProgress($"Importing {Path.GetFileName(import.Origin)}", $"reading {dump.Description}"));
            return (await dump.ReadAsync(import, cancellationToken).ConfigureAwait(false), created);
        }

        if (file.IsFolder)
        {
            DateTimeOffset created = DateOf(null, import.Origin, file.Path, stated);
            return (await FromFolderAsync(file.Path, import, cancellationToken).ConfigureAwait(false), created);
        }

        if (!file.IsTar)
            throw NotRecognized(file);
        observer.Progress(new OperationProgress($"Importing {Path.GetFileName(import.Origin)}", "unpacking"));
        string folder = await UnpackAsync(file, import, observer, cancellationToken).ConfigureAwait(false);
        return await ReadAsync(ForeignFile.Read(folder), import, stated, observer, cancellationToken).ConfigureAwait(false);
    }

    // What a person says, what the content says, what the names say. Never the file's own time: cp makes an old backup the newest by it.
    private DateTimeOffset DateOf(ForeignDump? dump, string origin, string path, DateTimeOffset? stated)
    {
        DateTimeOffset now = _clock.GetUtcNow();
        if (stated > now + s_clocks)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument,
                FailureCategory.InvalidArgument,
                $"'{origin}' cannot have been made at {stated.Value.ToLocalTime():yyyy-MM-dd HH:mm}, which is in the future.",
                "Say with -Created when it was made.")
            { Target = origin };
        }

        DateTimeOffset? created = stated ?? (dump?.ReadCreated() is { } said ? ForeignName.NotLaterThan(now, said) : null) ?? DateOfName(origin);
        // The folder in an archive: those around it are scratch folders.
        return created ?? (path == origin ? null : ForeignName.MomentOf(Path.GetFileName(path), now)) ?? throw new BackupFailure(
            ErrorCodes.ImportDateUnknown,
            FailureCategory.InvalidArgument,
            $"Nothing tells when '{origin}' was made: neither its content nor its name states a date, and a copy may have changed the file's own time.",
            $"Say when: -Created 2026-01-31; or take the file's own time ({new DateTimeOffset(File.GetLastWriteTimeUtc(origin)).ToLocalTime():yyyy-MM-dd HH:mm}) if no copy has changed it: -Created (Get-Item '{origin.Replace("'", "''", StringComparison.Ordinal)}').LastWriteTime (for several files: Get-ChildItem FOLDER | Import-DbBackup -Created {{ $_.LastWriteTime }}).")
        { Target = origin };
    }

    // A link (latest.sql) leads to the file that has the date.
    private DateTimeOffset? DateOfName(string path)
    {
        DateTimeOffset now = _clock.GetUtcNow();
        return ForeignName.MomentOf(path, now)
            ?? (new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true) is { } target ? ForeignName.MomentOf(target.FullName, now) : null);
    }

    // Archives are unpacked first: the databases in them are checked like any other, and stored as such.
    private static async Task<string> UnpackAsync(ForeignFile file, ForeignImport import, IOperationObserver observer, CancellationToken cancellationToken)
    {
        long size = new FileInfo(file.Path).Length;
        string scratch = await import.OpenScratchAsync(file.Compression == PayloadCompression.None ? size : GuessedRatio * size, cancellationToken).ConfigureAwait(false);
        string unpacked = Path.Combine(scratch, "unpacked");
        try
        {
            using Stream content = DecompressionStreams.Open(RegularFile.Open(file.Path, inSequence: true), file.Compression);
            ArchiveSummary summary = await FolderExtractor.ExtractAsync(content, unpacked, new ExtractOptions(), cancellationToken).ConfigureAwait(false);
            foreach (string warning in summary.Warnings)
                observer.Warning(warning);
        }
        catch (InvalidDataException exception)
        {
            throw new BackupFailure(
                ErrorCodes.BackupDamaged,
                FailureCategory.InvalidData,
                $"'{file.Path}' cannot be unpacked to its end: {exception.Message}",
                "The file is damaged or was cut off; use another one.",
                exception)
            { Target = file.Path };
        }

        string[] entries = Directory.GetFileSystemEntries(unpacked);
        // A link in the archive leads to files of this machine.
        if (entries is [var only] && Directory.Exists(only) && new DirectoryInfo(only).LinkTarget is null)
            return only;
        string folder = Path.Combine(scratch, BackupName.From(StemOf(file)));
        if (folder != unpacked)
            Directory.Move(unpacked, folder);
        return folder;
    }

    // A data folder as docker cp leaves it: its one database is checked and kept as such, everything else as it is.
    private static async Task<ForeignContent> FromFolderAsync(string folder, ForeignImport import, CancellationToken cancellationToken)
    {
        List<(string Path, ForeignDump Dump)> databases = [.. Directory.EnumerateFiles(folder, "*", new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = false, AttributesToSkip = FileAttributes.ReparsePoint })
            .Select(path => (path, Dump: DatabaseIn(path))).Where(found => found.Dump is not null).Select(found => (found.path, found.Dump!))];
        if (databases.Count > 1)
        {
            throw new BackupFailure(
                ErrorCodes.ImportNotRecognized,
                FailureCategory.NotSupported,
                $"'{import.Origin}' holds {databases.Count} databases, and a backup holds one: {string.Join(", ", databases.Take(3).Select(found => Path.GetRelativePath(folder, found.Path)))}.",
                "Import them one by one, and their folders with them: New-DbBackup PATH -AdditionalPath FOLDER.")
            { Target = import.Origin };
        }

        if (databases is not [var one])
            return new ForeignContent([new FolderSource(folder)]) { SourceName = import.NameOf(folder) };
        ForeignContent content = await one.Dump.ReadAsync(import, cancellationToken).ConfigureAwait(false);
        return content with { Sources = [.. content.Sources, new FolderSource(folder)] };
    }

    private static ForeignDump? DatabaseIn(string path)
    {
        try
        {
            return ForeignFile.Read(path) is { Compression: PayloadCompression.None } file && DatabaseEngines.Recognize(file) is { IsDatabase: true } database ? database : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The archive of the folder says what cannot be read.
            return null;
        }
    }

    private static string StemOf(ForeignFile file)
    {
        string name = file.Compression == PayloadCompression.None ? Path.GetFileName(file.Path) : Path.GetFileNameWithoutExtension(file.Path);
        return name.EndsWith(".tar", StringComparison.OrdinalIgnoreCase) ? name[..^4] : name;
    }

    private static BackupFailure NotRecognized(ForeignFile file) => file.IsUtf16
        ? new BackupFailure(
            ErrorCodes.ImportNotRecognized,
            FailureCategory.InvalidData,
            $"'{file.Path}' is UTF-16 text: Windows PowerShell's > (or Out-File) read the dump program's output as text and re-encoded it. Bytes of the dump may be lost.",
            "Make the dump again and let the program write the file itself (pg_dump --file=shop.sql, sqlite3 shop.db \".output shop.sql\" .dump), then import that.")
        { Target = file.Path }
        : new BackupFailure(
            ErrorCodes.ImportNotRecognized,
            FailureCategory.NotSupported,
            $"'{file.Path}' is neither a database, a dump of one, nor a tar archive, as far as its content tells.",
            $"These can be imported: {DatabaseEngines.ForeignFiles}, a tar or folder with a database; each also compressed by gzip or zstd.")
        { Target = file.Path };
}
