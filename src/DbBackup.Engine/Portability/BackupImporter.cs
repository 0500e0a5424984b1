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
    private readonly BackupRepository _repository;
    private readonly ImportDate _date;

    /// <summary>Creates the importer for a repository.</summary>
    /// <param name="repository">Where the backups go.</param>
    /// <param name="clock">The clock; the system's by default.</param>
    public BackupImporter(BackupRepository repository, TimeProvider? clock = null)
    {
        _repository = repository;
        _date = new ImportDate(clock ?? TimeProvider.System);
    }

    /// <summary>Looks through a folder in which another program keeps its backups.</summary>
    /// <param name="folder">Its absolute path.</param>
    /// <param name="observer">The progress observer.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>Each backup once, and what is none with the reason.</returns>
    public static Task<IReadOnlyList<ImportCandidate>> SearchAsync(string folder, IOperationObserver observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(observer);
        return new ImportSearch(folder).RunAsync(observer, cancellationToken);
    }

    /// <summary>Returns a file or folder that the user named.</summary>
    /// <param name="path">Its absolute path.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="BackupException">It is not there, or cannot be read.</exception>
    public static async Task<ImportCandidate> NamedAsync(string path, CancellationToken cancellationToken)
    {
        RequireSomething(path);
        try
        {
            return new ImportCandidate(path) { Sha256 = await ImportHash.OfAsync(path, cancellationToken).ConfigureAwait(false) };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw ImportCheck.Unreadable(path, exception);
        }
    }

    /// <summary>Looks at the beginning of a file or folder: what it is, when it was made, of what and why.</summary>
    /// <param name="path">Its absolute path.</param>
    /// <param name="created">When it was made, as the person says; null if the file is to tell.</param>
    /// <exception cref="BackupException">It is of no kind that can be imported, or nothing tells when it was made, or of what.</exception>
    public ImportPreview Inspect(string path, DateTimeOffset? created) => Inspect(new ImportCandidate(path), created, null);

    /// <summary>Looks at the beginning of a file or folder: what it is, when it was made, of what and why.</summary>
    /// <param name="candidate">The file or folder.</param>
    /// <param name="created">When it was made, as the person says; null if the file is to tell.</param>
    /// <param name="source">The source, as the person says; null if the file is to tell.</param>
    /// <exception cref="BackupException">It is of no kind that can be imported, or nothing tells when it was made, or of what.</exception>
    public ImportPreview Inspect(ImportCandidate candidate, DateTimeOffset? created, string? source)
    {
        ArgumentNullException.ThrowIfNull(candidate);
        string path = candidate.Path;
        RequireSomething(path);
        try
        {
            ForeignFile file = ForeignFile.Read(path);
            ForeignDump? dump = DatabaseEngines.Recognize(file);
            if (dump is null && OwnManifest(file) is { } own)
                return new ImportPreview("an exported backup of this module", own.Created) { Id = own.Id, Source = own.Source.Name, Reason = own.Reason, CreatedBy = $"named '{own.Name}'" };
            (string reason, string? by) = ImportReason.Of(path, candidate.Root);
            var preview = new ImportPreview(dump?.Description ?? (file.IsFolder ? "a folder" : "a tar archive"), null) { Source = source, Reason = reason, ReasonBy = by };
            if (dump is null && !file.IsFolder)
            {
                DateTimeOffset? named = created ?? (file.IsTar ? _date.OfName(path) : throw ImportCheck.NotRecognized(file));
                return preview with { Created = named, CreatedBy = named is null ? null : created is null ? "by its name" : "as given" };
            }

            ImportMoment moment = _date.Of(dump, path, path, created);
            return preview with
            {
                Created = moment.Moment,
                CreatedBy = moment.Contradiction is null ? moment.Witness : $"{moment.Witness}, which its name contradicts",
                Source = source ?? dump?.ReadSource(new ForeignImport(path, false, (_, _) => throw new NotSupportedException())),
            };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw ImportCheck.Unreadable(path, exception);
        }
    }

    /// <summary>Imports a file or folder.</summary>
    /// <param name="path">Its absolute path.</param>
    /// <param name="wishes">Name, source, time, tags, compression and the like; its sources are not looked at.</param>
    /// <param name="observer">The progress observer.</param>
    /// <param name="cancellationToken">Stops the work; nothing is left then.</param>
    /// <exception cref="BackupException">It is of no kind that can be imported, it is damaged, or nothing tells when it was made.</exception>
    public async Task<Backup> ImportAsync(string path, BackupRequest wishes, IOperationObserver observer, CancellationToken cancellationToken) =>
        await ImportAsync(await NamedAsync(path, cancellationToken).ConfigureAwait(false), wishes, observer, cancellationToken).ConfigureAwait(false);

    /// <summary>Imports a file or folder.</summary>
    /// <param name="candidate">The file or folder.</param>
    /// <param name="wishes">Name, source, time, tags, compression and the like; its sources are not looked at.</param>
    /// <param name="observer">The progress observer.</param>
    /// <param name="cancellationToken">Stops the work; nothing is left then.</param>
    /// <exception cref="BackupException">It is of no kind that can be imported, it is damaged, or nothing tells when it was made.</exception>
    public async Task<Backup> ImportAsync(ImportCandidate candidate, BackupRequest wishes, IOperationObserver observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(candidate);
        ArgumentNullException.ThrowIfNull(wishes);
        ArgumentNullException.ThrowIfNull(observer);
        string path = candidate.Path;
        RequireSomething(path);
        if (ForeignFile.Read(path) is { IsTar: true } own && OwnManifest(own) is not null)
        {
            using Stream archive = Open(own);
            return await new ArchiveImporter(_repository).RunAsync(path, archive, wishes, observer, cancellationToken).ConfigureAwait(false);
        }

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
                Import = new ImportOrigin(path, created, content.SchemaRevision) { Sha256 = candidate.Sha256, Copies = candidate.Copies },
                Tags = [.. wishes.Tags.Union(candidate.Tags, StringComparer.Ordinal)],
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
        Inspect(new ImportCandidate(path), wishes.Created, wishes.SourceName);
        await _repository.CheckAsync(wishes.SourceName, wishes.AllowNewRepository, cancellationToken).ConfigureAwait(false);
    }

    private static Stream Open(ForeignFile file) => DecompressionStreams.Open(RegularFile.Open(file.Path, inSequence: true), file.Compression);

    private static Manifest? OwnManifest(ForeignFile file)
    {
        if (!file.IsTar)
            return null;
        using Stream content = Open(file);
        return BackupArchive.ReadManifest(content, file.Path);
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
            DateTimeOffset created = DateOf(dump, import.Origin, file.Path, stated, observer);
            observer.Verbose($"'{file.Path}' is {dump.Description}.");
            observer.Progress(new OperationProgress($"Importing {Path.GetFileName(import.Origin)}", $"reading {dump.Description}"));
            return (await dump.ReadAsync(import, cancellationToken).ConfigureAwait(false), created);
        }

        if (file.IsFolder)
        {
            DateTimeOffset created = DateOf(null, import.Origin, file.Path, stated, observer);
            return (await FromFolderAsync(file.Path, import, cancellationToken).ConfigureAwait(false), created);
        }

        if (!file.IsTar)
            throw ImportCheck.NotRecognized(file);
        observer.Progress(new OperationProgress($"Importing {Path.GetFileName(import.Origin)}", "unpacking"));
        string folder = await UnpackAsync(file, import, observer, cancellationToken).ConfigureAwait(false);
        return await ReadAsync(ForeignFile.Read(folder), import, stated, observer, cancellationToken).ConfigureAwait(false);
    }

    private DateTimeOffset DateOf(ForeignDump? dump, string origin, string path, DateTimeOffset? stated, IOperationObserver observer)
    {
        ImportMoment moment = _date.Of(dump, origin, path, stated);
        if (moment.Contradiction is { } contradiction)
            observer.Warning(contradiction);
        return moment.Moment;
    }

    // Archives are unpacked first: the databases in them are checked like any other, and stored as such.
    private static async Task<string> UnpackAsync(ForeignFile file, ForeignImport import, IOperationObserver observer, CancellationToken cancellationToken)
    {
        long size = new FileInfo(file.Path).Length;
        string scratch = await import.OpenScratchAsync(file.Compression == PayloadCompression.None ? size : GuessedRatio * size, cancellationToken).ConfigureAwait(false);
        string unpacked = Path.Combine(scratch, "unpacked");
        try
        {
            using Stream content = Open(file);
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
        IReadOnlyList<(string Path, ForeignDump Dump)> databases = DataFolder.DatabasesIn(folder);
        if (databases.Count > 1)
        {
            throw new BackupFailure(
                ErrorCodes.ImportNotRecognized,
                FailureCategory.NotSupported,
                $"'{import.Origin}' holds {databases.Count} databases, and a backup holds one: {string.Join(", ", databases.Take(3).Select(found => Path.GetRelativePath(folder, found.Path)))}.",
                "Import them one by one, and their folders with them: New-DbBackup PATH -AdditionalPath FOLDER.")
            { Target = import.Origin };
        }

        // The backups of another program in a tar would be no backup.
        if (databases.Count == 0 && DataFolder.DumpsIn(folder).FirstOrDefault() is { Path: { } first })
        {
            throw new BackupFailure(
                ErrorCodes.ImportNotRecognized,
                FailureCategory.InvalidArgument,
                $"'{import.Origin}' is no backup, but holds backups, such as '{Path.GetRelativePath(folder, first)}'.",
                Directory.Exists(import.Origin) ? "Import all of them: add -Recurse." : "Unpack it, and import all of them: Import-DbBackup FOLDER -Recurse.")
            { Target = import.Origin };
        }

        if (databases is not [var one])
            return new ForeignContent([new FolderSource(folder)]) { SourceName = import.NameOf(folder) };
        ForeignContent content = await one.Dump.ReadAsync(import, cancellationToken).ConfigureAwait(false);
        return content with { Sources = [.. content.Sources, new FolderSource(folder)] };
    }

    private static string StemOf(ForeignFile file)
    {
        string name = file.Compression == PayloadCompression.None ? Path.GetFileName(file.Path) : Path.GetFileNameWithoutExtension(file.Path);
        return name.EndsWith(".tar", StringComparison.OrdinalIgnoreCase) ? name[..^4] : name;
    }
}
