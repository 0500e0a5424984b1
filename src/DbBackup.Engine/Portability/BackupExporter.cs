using System.Runtime.CompilerServices;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Portability;

/// <summary>What is to be exported, and how.</summary>
public sealed record ExportRequest
{
    /// <summary>The backup.</summary>
    public required Backup Backup { get; init; }

    /// <summary>A file for a single database, else a folder.</summary>
    public required string Destination { get; init; }

    /// <summary>Only what is of this kind; null for everything.</summary>
    public ContentKind? Content { get; init; }

    /// <summary>The form of the databases.</summary>
    public ExportFormat Format { get; init; }

    /// <summary>Only these databases of a server's backup, by their exact names; empty for all that there is.</summary>
    public IReadOnlyList<string> Databases { get; init; } = [];

    /// <summary>True if what exists is overwritten.</summary>
    public bool Force { get; init; }
}

/// <summary>Gives a backup's content out as plain files and folders, proved on the way.</summary>
public sealed class BackupExporter
{
    private readonly BackupRepository _repository;

    /// <summary>Creates the exporter for a repository.</summary>
    public BackupExporter(BackupRepository repository) => _repository = repository;

    /// <summary>Where each payload will go.</summary>
    /// <exception cref="BackupException">The backup cannot be used, or something is there already.</exception>
    public static IReadOnlyList<(Payload Payload, string Path)> Plan(ExportRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        List<Payload> payloads = Choose(request);
        bool folder = payloads.Count > 1 || Directory.Exists(request.Destination) || Path.EndsInDirectorySeparator(request.Destination);
        var plan = new List<(Payload Payload, string Path)>();
        foreach (Payload payload in payloads)
        {
            string name = NameOf(payload, payloads, request.Format);
            string path = folder ? Path.Combine(request.Destination, name) : request.Destination;
            // The databases "a b" and "a_b" have one file name.
            for (int number = 2; plan.Exists(item => string.Equals(item.Path, path, StringComparison.OrdinalIgnoreCase)); number++)
                path = Path.Combine(request.Destination, $"{Path.GetFileNameWithoutExtension(name)}-{number}{Path.GetExtension(name)}");
            plan.Add((payload, path));
        }

        foreach ((Payload _, string path) in plan)
            RequireFree(request, path);
        return plan;
    }

    private static void RequireFree(ExportRequest request, string path)
    {
        if (!Path.Exists(path) || (request.Force && !Directory.Exists(path)))
            return;
        throw new BackupFailure(
            ErrorCodes.DestinationExists,
            FailureCategory.AlreadyExists,
            $"'{path}' exists already; it was not touched.",
            Directory.Exists(path) ? "Name another folder; an existing one is never overwritten by an export." : "Name another file, or overwrite it with -Force.")
        { Target = path };
    }

    /// <summary>Where the tar of the whole backup will go.</summary>
    /// <exception cref="BackupException">The backup cannot be used, only a part of it is wanted, or something is there already.</exception>
    public static string PlanArchive(ExportRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        RequireContent(request.Backup);
        if (request.Content is not null || request.Databases.Count > 0)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, "A backup is exported as a tar whole; -Content and -Database choose a part of it.", "Leave them out, or choose another -Format.");
        }

        bool folder = Directory.Exists(request.Destination) || Path.EndsInDirectorySeparator(request.Destination);
        string path = folder ? Path.Combine(request.Destination, $"{request.Backup.Source}-{request.Backup.Name}.tar") : request.Destination;
        if (Path.GetExtension(path).ToLowerInvariant() is ".gz" or ".zst" or ".tgz" or ".xz" or ".bz2")
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"'{path}' would not be compressed: the payloads in the tar are already.", "Name it .tar.")
            { Target = path };
        }

        RequireFree(request, path);
        return path;
    }

    /// <summary>Exports the whole backup as one tar, which an import takes back as the same backup.</summary>
    /// <returns>The file.</returns>
    /// <exception cref="BackupException">The backup is damaged, or there is no room; nothing half is left under the final name.</exception>
    public async Task<string> ExportArchiveAsync(ExportRequest request, IOperationObserver observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(observer);
        string path = PlanArchive(request);
        var key = new BackupKey(request.Backup.Source, request.Backup.Name);
        await using ConfiguredAsyncDisposable claim = (await _repository.ProtectAsync(key, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        // What differs from another backup is nothing without that one.
        Backup[] backups = request.Backup.Manifest!.Parent is null
            ? [request.Backup]
            : [request.Backup, await new ParentBackups(_repository).RequireAsync(key, request.Backup.Manifest, cancellationToken).ConfigureAwait(false)];
        string staged = $"{path}.{Guid.NewGuid():N}.part";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            using (FileStream file = PrivateFiles.CreateNew(staged))
                await BackupArchive.WriteAsync(_repository.Store, backups, file, observer, cancellationToken).ConfigureAwait(false);
            ExportedFile.Publish(staged, path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw DiskFailures.From(exception, path, $"exporting '{request.Backup}'");
        }
        finally
        {
            File.Delete(staged);
        }

        return path;
    }

    /// <summary>Exports one file to a stream, such as the standard output. Nothing is written to it before all of the file is proved.</summary>
    /// <param name="request">The backup; its destination is not looked at.</param>
    /// <param name="target">The stream.</param>
    /// <param name="observer">The progress observer.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="BackupException">The backup is damaged, or what is wanted of it is no single file.</exception>
    public async Task ExportToAsync(ExportRequest request, Stream target, IOperationObserver observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(target);
        long bytes = BackupRepository.RequireHeader(request.Backup).Payloads.Sum(payload => request.Format == ExportFormat.Tar ? payload.StoredSize : payload.OriginalSize);
        using LocalWorkspace scratch = await _repository.OpenScratchAsync(null, bytes, cancellationToken).ConfigureAwait(false);
        ExportRequest staged = request with { Destination = Path.Combine(scratch.Path, "exported") };
        if (request.Format == ExportFormat.Tar)
            await ExportArchiveAsync(staged, observer, cancellationToken).ConfigureAwait(false);
        else
            await ExportSingleAsync(staged, observer, cancellationToken).ConfigureAwait(false);
        using var file = new FileStream(staged.Destination, FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.SequentialScan);
        try
        {
            await file.CopyToAsync(target, 1 << 20, cancellationToken).ConfigureAwait(false);
            await target.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (IOException exception)
        {
            throw new BackupFailure(
                ErrorCodes.WriteFailed,
                FailureCategory.WriteError,
                $"The program that read '{request.Backup}' ended before it had read all of it: {exception.Message}",
                "Look at what that program says.",
                exception)
            { Target = request.Backup.ToString() };
        }
    }

    private async Task ExportSingleAsync(ExportRequest request, IOperationObserver observer, CancellationToken cancellationToken)
    {
        IReadOnlyList<(Payload Payload, string Path)> plan = Plan(request);
        if (plan is not [({ } payload, _)] || payload.Kind == PayloadKind.Files || (payload.Format == PayloadFormat.PostgreSqlDirectory && request.Format == ExportFormat.Native))
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument,
                FailureCategory.InvalidArgument,
                plan.Count > 1
                    ? $"Backup '{request.Backup}' has {plan.Count} parts, and the standard output takes one file: {string.Join(", ", plan.Select(item => Path.GetFileName(item.Path)).Take(5))}."
                    : $"What is wanted of backup '{request.Backup}' is a folder, and the standard output takes one file.",
                "Choose one database (-Content Database, -Database NAME), SQL text (-Format Sql), or the whole backup as one file (-Format Tar).")
            { Target = request.Backup.ToString() };
        }

        await ExportAsync(request, observer, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Exports.</summary>
    /// <returns>The files and folders that were written.</returns>
    /// <exception cref="BackupException">The backup is damaged, or there is no room; nothing half is left under the final names.</exception>
    public async Task<IReadOnlyList<string>> ExportAsync(ExportRequest request, IOperationObserver observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(observer);
        IReadOnlyList<(Payload Payload, string Path)> plan = Plan(request);
        Manifest manifest = request.Backup.Manifest!;
        var key = new BackupKey(request.Backup.Source, request.Backup.Name);
        await using ConfiguredAsyncDisposable claim = (await _repository.ProtectAsync(key, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        var content = _repository.ContentOf(key, manifest);
        try
        {
            // Folders first: a database may belong into one of them.
            foreach ((Payload payload, string path) in plan.OrderByDescending(item => item.Payload.Kind))
            {
                observer.Progress(new OperationProgress($"Exporting {request.Backup}", path));
                // A database in a folder that was written here by the same export.
                if (payload.Kind == PayloadKind.Database && plan.FirstOrDefault(item => path.StartsWith(item.Path + Path.DirectorySeparatorChar, StringComparison.Ordinal)) is { Path: { } folder })
                    ContainedDatabase.RequireFree(folder, path[(folder.Length + 1)..]);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                if (payload.Kind == PayloadKind.Files)
                    await ExportFolderAsync(content, payload, path, observer, cancellationToken).ConfigureAwait(false);
                else
                    await DatabaseEngines.Of(payload).ExportAsync(content, payload, path, request.Format, cancellationToken).ConfigureAwait(false);
                observer.Verbose($"Exported {payload.FileName} to '{path}'.");
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw DiskFailures.From(exception, request.Destination, $"exporting '{request.Backup}'");
        }

        return [.. plan.Select(item => item.Path)];
    }

    private static List<Payload> Choose(ExportRequest request)
    {
        RequireContent(request.Backup);
        List<Payload> payloads = BackupSelection.Payloads(request.Backup, request.Content);
        if (request.Databases.Count == 0)
            return payloads;
        var chosen = new List<Payload>();
        foreach (string database in request.Databases)
        {
            chosen.Add(payloads.Find(payload => payload.Kind == PayloadKind.Database && payload.Database?.Name == database) ?? throw new BackupFailure(
                ErrorCodes.SourceNotFound,
                FailureCategory.NotFound,
                $"Backup '{request.Backup}' holds no database '{database}'.",
                $"It holds: {string.Join(", ", payloads.Select(payload => payload.Database?.Name).OfType<string>().Take(10))}.")
            { Target = database });
        }

        return chosen;
    }

    private static void RequireContent(Backup backup)
    {
        if (BackupRepository.RequireHeader(backup).Kept is not { } kept)
            return;
        throw new BackupFailure(
            ErrorCodes.FormatNotSupported,
            FailureCategory.NotSupported,
            $"'{backup}' is a database that a restore replaced and that stays on its server ('{kept.Location}'); the repository holds nothing of it that could be exported.",
            "Make a backup of that database with New-DbBackup -Database, and export that one.")
        { Target = backup.ToString() };
    }

    private static string NameOf(Payload payload, List<Payload> all, ExportFormat format)
    {
        if (payload.Kind == PayloadKind.Files)
            return payload.RestoreName;
        string name = payload.Within is { } within && all.Exists(folder => within.StartsWith(folder.RestoreName + "/", StringComparison.Ordinal))
            ? within
            : payload.RestoreName;
        return DatabaseEngines.Of(payload).ExportName(payload, name, format);
    }

    private static async Task ExportFolderAsync(BackupContent content, Payload payload, string path, IOperationObserver observer, CancellationToken cancellationToken)
    {
        string staged = $"{path}.{Guid.NewGuid():N}.part";
        try
        {
            using (PayloadReader tar = content.OpenOriginal(payload, cancellationToken))
            {
                ArchiveSummary summary = await FolderExtractor.ExtractAsync(tar, staged, new ExtractOptions { StripFirstFolder = true, MakeHoles = payload.HoleBytes > 0 }, cancellationToken).ConfigureAwait(false);
                await tar.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
                foreach (string warning in summary.Warnings)
                    observer.Warning(warning);
            }

            DurableFiles.MoveDirectoryNoReplace(staged, path);
        }
        finally
        {
            FolderRemoval.DeleteIfThere(staged);
        }
    }
}
