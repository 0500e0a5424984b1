using DbBackup.Engine.Payloads;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repositories;
using DbBackup.Engine.Repositories.Storage;
using DbBackup.Engine.Sources.Files;
using DbBackup.Engine.Sources.Sqlite;
using DbBackup.Engine.Verification;

namespace DbBackup.Engine.Portability;

/// <summary>What is to be exported, and how.</summary>
public sealed record ExportRequest
{
    /// <summary>The backup.</summary>
    public required Backup Backup { get; init; }

    /// <summary>A file for a single database, else a folder.</summary>
    public required string Destination { get; init; }

    /// <summary>Only what is of this kind; null for everything.</summary>
    public PayloadKind? Only { get; init; }

    /// <summary>The form of the database.</summary>
    public SqliteFormat Format { get; init; }

    /// <summary>Whether what exists is overwritten.</summary>
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
        List<Payload> payloads = BackupSelection.Payloads(request.Backup, request.Only);
        bool folder = payloads.Count > 1 || Directory.Exists(request.Destination) || Path.EndsInDirectorySeparator(request.Destination);
        List<(Payload Payload, string Path)> plan =
        [
            .. payloads.Select(payload => (payload, folder ? Path.Combine(request.Destination, NameOf(payload, payloads, request.Format)) : request.Destination)),
        ];
        foreach ((Payload _, string path) in plan)
        {
            if (Path.Exists(path) && (!request.Force || Directory.Exists(path)))
            {
                throw new BackupFailure(
                    ErrorCodes.DestinationExists,
                    FailureCategory.AlreadyExists,
                    $"'{path}' exists already; it was not touched.",
                    Directory.Exists(path) ? "Name another folder; an existing one is never overwritten by an export." : "Name another file, or overwrite it with -Force.")
                { Target = path };
            }
        }

        return plan;
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
        using IDisposable claim = _repository.Storage.Claim(key);
        var content = new BackupContent(manifest, file => _repository.Storage.OpenRead(key, file));
        try
        {
            // Folders first: a database may belong into one of them.
            foreach ((Payload payload, string path) in plan.OrderByDescending(item => item.Payload.Kind))
            {
                observer.Progress(new OperationProgress($"Exporting {request.Backup}", path));
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                if (payload.Kind == PayloadKind.Files)
                    await ExportFolderAsync(content, payload, path, observer, cancellationToken).ConfigureAwait(false);
                else
                    await ExportDatabaseAsync(content, payload, path, request.Format, cancellationToken).ConfigureAwait(false);
                observer.Verbose($"Exported {payload.FileName} to '{path}'.");
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw DiskFailures.From(exception, request.Destination, $"exporting '{request.Backup}'");
        }

        return [.. plan.Select(item => item.Path)];
    }

    private static string NameOf(Payload payload, List<Payload> all, SqliteFormat format)
    {
        if (payload.Kind == PayloadKind.Files)
            return payload.RestoreName;
        string name = payload.Within is { } within && all.Exists(folder => within.StartsWith(folder.RestoreName + "/", StringComparison.Ordinal))
            ? within
            : payload.RestoreName;
        return format == SqliteFormat.Sql ? Path.ChangeExtension(name, ".sql") : name;
    }

    private static async Task ExportFolderAsync(BackupContent content, Payload payload, string path, IOperationObserver observer, CancellationToken cancellationToken)
    {
        string staged = $"{path}.{Guid.NewGuid():N}.part";
        try
        {
            using (PayloadReader tar = content.OpenOriginal(payload, cancellationToken))
            {
                ArchiveSummary summary = await FolderExtractor.ExtractAsync(tar, staged, new ExtractOptions { StripFirstFolder = true }, cancellationToken).ConfigureAwait(false);
                await tar.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
                foreach (string warning in summary.Warnings)
                    observer.Warning(warning);
            }

            DurableFiles.MoveDirectoryNoReplace(staged, path);
        }
        finally
        {
            if (Directory.Exists(staged))
                Directory.Delete(staged, recursive: true);
        }
    }

    private static async Task ExportDatabaseAsync(BackupContent content, Payload payload, string path, SqliteFormat format, CancellationToken cancellationToken)
    {
        string staged = $"{path}.{Guid.NewGuid():N}.part";
        string text = staged + ".sql";
        try
        {
            if (format == SqliteFormat.Sql && payload.Format == PayloadFormat.SqliteSql)
            {
                using PayloadReader sql = content.OpenOriginal(payload, cancellationToken);
                await WriteTextAsync(sql, path, staged, cancellationToken).ConfigureAwait(false);
            }
            else
            {
                await DatabaseRestorer.RestoreAsync(content, payload, staged, null, cancellationToken).ConfigureAwait(false);
                Fingerprint facts = DatabaseRestorer.RequireEqual(content.Manifest, payload, staged, cancellationToken);
                if (format == SqliteFormat.Sql)
                {
                    SqlDump.Write(staged, text, facts, cancellationToken);
                    File.Delete(staged);
                    using var sql = new FileStream(text, FileMode.Open, FileAccess.Read, FileShare.Read, 1);
                    await WriteTextAsync(sql, path, staged, cancellationToken).ConfigureAwait(false);
                }
            }

            DurableFiles.FlushFile(staged);
            File.Move(staged, path, overwrite: true);
            DurableFiles.FlushDirectory(Path.GetDirectoryName(path)!);
        }
        finally
        {
            File.Delete(staged);
            File.Delete(text);
        }
    }

    // Compressed where the name says so.
    private static async Task WriteTextAsync(Stream text, string path, string staged, CancellationToken cancellationToken)
    {
        PayloadCompression compression = Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".gz" => PayloadCompression.Gzip,
            ".zst" => PayloadCompressionChoice.Resolve(PayloadCompression.Zstd),
            _ => PayloadCompression.None,
        };
        using var target = new FileStream(staged, FileMode.Create, FileAccess.Write, FileShare.None, 1);
        using var writer = new PayloadWriter(target, new PayloadWriteOptions { Compression = compression }, cancellationToken);
        await writer.CopyFromAsync(text, null, cancellationToken).ConfigureAwait(false);
        await writer.CompleteAsync().ConfigureAwait(false);
    }
}
