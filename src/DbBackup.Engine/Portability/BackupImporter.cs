using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Portability;

/// <summary>Imports files and folders that other tools made as backups. The originals stay where they are.</summary>
public sealed class BackupImporter
{
    private static readonly TimeSpan LockTimeout = TimeSpan.FromSeconds(30);
    private readonly BackupRepository _repository;

    /// <summary>Creates the importer for a repository.</summary>
    public BackupImporter(BackupRepository repository) => _repository = repository;

    /// <summary>Imports a file or folder.</summary>
    /// <param name="path">Its absolute path.</param>
    /// <param name="wishes">Name, source, tags, compression and the like; its sources are not looked at.</param>
    /// <param name="observer">Hears of the progress.</param>
    /// <param name="cancellationToken">Stops the work; nothing is left then.</param>
    /// <exception cref="BackupException">It is of no kind that can be imported, or it is damaged.</exception>
    public async Task<Backup> ImportAsync(string path, BackupRequest wishes, IOperationObserver observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(wishes);
        ArgumentNullException.ThrowIfNull(observer);
        if (Directory.Exists(path) && ForeignFile.Recognize(path) is { IsPostgreSql: true } folder)
            return await new PostgreSqlImport(_repository).ImportAsync(path, path, folder, wishes, observer, cancellationToken).ConfigureAwait(false);
        if (Directory.Exists(path))
            return await CreateAsync(FromFolder(path, path, wishes), observer, cancellationToken).ConfigureAwait(false);
        RequireFile(path);
        ForeignFile file = ForeignFile.Recognize(path);
        return file switch
        {
            { IsPostgreSql: true } => await new PostgreSqlImport(_repository).ImportAsync(path, path, file, wishes, observer, cancellationToken).ConfigureAwait(false),
            { Kind: ForeignFileKind.SqliteDatabase, Compression: PayloadCompression.None } =>
                await CreateAsync(WithDefaults(wishes, path, [new SqliteSource(path, SqliteFormat.Native, LockTimeout)], FileDate(path)), observer, cancellationToken).ConfigureAwait(false),
            { Kind: ForeignFileKind.SqliteDump } =>
                await CreateAsync(WithDefaults(wishes, path, [new SqlDumpSource(path, file.Compression)], FileDate(path)), observer, cancellationToken).ConfigureAwait(false),
            { Kind: ForeignFileKind.Tar } or { Kind: ForeignFileKind.SqliteDatabase } =>
                await ImportUnpackedAsync(path, file, wishes, observer, cancellationToken).ConfigureAwait(false),
            _ => throw NotRecognized(path, file),
        };
    }

    private static void RequireFile(string path)
    {
        if (File.Exists(path))
            return;
        throw new BackupFailure(
            ErrorCodes.SourceNotFound, FailureCategory.NotFound, $"There is no file or folder '{path}'.", "Check the path.") { Target = path };
    }

    // Archives are unpacked first: the databases in them are checked like any other, and stored as such.
    private async Task<Backup> ImportUnpackedAsync(
        string path, ForeignFile file, BackupRequest wishes, IOperationObserver observer, CancellationToken cancellationToken)
    {
        long size = new FileInfo(path).Length;
        using LocalWorkspace scratch = await _repository.OpenScratchAsync(
            wishes.StagingPath, file.Compression == PayloadCompression.None ? size : 4 * size, cancellationToken).ConfigureAwait(false);
        string stem = StemOf(path, file.Compression);
        string unpacked = Path.Combine(scratch.Path, "unpacked");
        try
        {
            using Stream content = DecompressionStreams.Open(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1), file.Compression);
            if (file.Kind == ForeignFileKind.SqliteDatabase)
            {
                Directory.CreateDirectory(unpacked);
                string database = Path.Combine(unpacked, stem);
                using (var target = new FileStream(database, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1))
                    await content.CopyToAsync(target, 1 << 20, cancellationToken).ConfigureAwait(false);
                return await CreateAsync(
                    WithDefaults(wishes, path, [new SqliteSource(database, SqliteFormat.Native, LockTimeout)], FileDate(path)), observer, cancellationToken).ConfigureAwait(false);
            }

            observer.Progress(new OperationProgress($"Importing {Path.GetFileName(path)}", "unpacking"));
            await FolderExtractor.ExtractAsync(content, unpacked, new ExtractOptions(), cancellationToken).ConfigureAwait(false);
        }
        catch (InvalidDataException exception)
        {
            throw new BackupFailure(
                ErrorCodes.BackupDamaged,
                FailureCategory.InvalidData,
                $"'{path}' cannot be unpacked to its end: {exception.Message}",
                "The file is damaged or was cut off; use another one.",
                exception)
            { Target = path };
        }

        string[] entries = Directory.GetFileSystemEntries(unpacked);
        string folder = entries is [var only] && Directory.Exists(only) ? only : Path.Combine(scratch.Path, BackupName.From(stem));
        if (folder != entries.FirstOrDefault())
            Directory.Move(unpacked, folder);
        if (ForeignFile.Recognize(folder) is { IsPostgreSql: true } dump)
            return await new PostgreSqlImport(_repository).ImportAsync(folder, path, dump, wishes, observer, cancellationToken).ConfigureAwait(false);
        return await CreateAsync(FromFolder(folder, path, wishes), observer, cancellationToken).ConfigureAwait(false);
    }

    private static BackupRequest FromFolder(string folder, string origin, BackupRequest wishes)
    {
        if (PatsMetadata.Read(folder) is { } metadata)
        {
            var sources = new List<IBackupSource> { new SqliteSource(Path.Combine(folder, metadata.DatabaseFile), SqliteFormat.Native, LockTimeout) };
            string uploads = Path.Combine(folder, "uploads");
            if (metadata.UploadsIncluded && Directory.Exists(uploads))
                sources.Add(new FolderSource(uploads));
            return WithDefaults(wishes, origin, sources, metadata.Created) with
            {
                Name = wishes.Name ?? (metadata.Name is null ? null : BackupName.From(metadata.Name)),
                Import = new ImportOrigin(origin, metadata.Created ?? FileDate(folder), metadata.Revision),
            };
        }

        // A data folder as docker cp leaves it: its one database is checked and kept as such, everything else as it is.
        List<string> databases = [.. Directory.EnumerateFiles(folder, "*", new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = false, AttributesToSkip = FileAttributes.ReparsePoint })
            .Where(SqliteFile.IsDatabase)];
        List<IBackupSource> all = [new FolderSource(folder)];
        all.InsertRange(0, databases.Take(1).Where(_ => databases.Count == 1).Select(path => new SqliteSource(path, SqliteFormat.Native, LockTimeout)));
        if (databases.Count > 1)
        {
            throw new BackupFailure(
                ErrorCodes.ImportNotRecognized,
                FailureCategory.NotSupported,
                $"'{origin}' holds {databases.Count} SQLite databases, and a backup holds one: {string.Join(", ", databases.Take(3).Select(path => Path.GetRelativePath(folder, path)))}.",
                "Import them one by one, and their folders with them: New-DbBackup PATH -AdditionalPath FOLDER.")
            { Target = origin };
        }

        return WithDefaults(wishes, origin, all, FileDate(origin));
    }

    private static BackupRequest WithDefaults(BackupRequest wishes, string origin, IReadOnlyList<IBackupSource> sources, DateTimeOffset? created) => wishes with
    {
        Sources = sources,
        Import = new ImportOrigin(origin, created, null),
        Fingerprint = wishes.Verify ? FingerprintLevel.Content : wishes.Fingerprint,
    };

    private Task<Backup> CreateAsync(BackupRequest request, IOperationObserver observer, CancellationToken cancellationToken) =>
        new BackupService(_repository).CreateAsync(request, observer, cancellationToken);

    private static DateTimeOffset FileDate(string path) => new(File.GetLastWriteTimeUtc(path));

    private static string StemOf(string path, string compression)
    {
        string name = compression == PayloadCompression.None ? Path.GetFileName(path) : Path.GetFileNameWithoutExtension(path);
        return name.EndsWith(".tar", StringComparison.OrdinalIgnoreCase) ? name[..^4] : name;
    }

    private static BackupFailure NotRecognized(string path, ForeignFile file) => file.Kind == ForeignFileKind.Utf16Text
        ? new BackupFailure(
            ErrorCodes.ImportNotRecognized,
            FailureCategory.InvalidData,
            $"'{path}' is UTF-16 text: Windows PowerShell's > (or Out-File) read the dump program's output as text and re-encoded it. Bytes of the dump may be lost.",
            "Make the dump again and let the program write the file itself (pg_dump --file=shop.sql, sqlite3 shop.db \".output shop.sql\" .dump), then import that.")
        { Target = path }
        : new BackupFailure(
            ErrorCodes.ImportNotRecognized,
            FailureCategory.NotSupported,
            $"'{path}' is neither a database, a dump of one, nor a tar archive, as far as its content tells.",
            "These can be imported: a SQLite file or its SQL dump, dumps of pg_dump in all four formats and of pg_dumpall, a tar or folder with a database, a PATS folder with backup_metadata.json; each also compressed by gzip or zstd.")
        { Target = path };
}
