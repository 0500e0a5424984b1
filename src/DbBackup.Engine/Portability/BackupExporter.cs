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
        await using ConfiguredAsyncDisposable claim = (await _repository.ProtectAsync(key, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        var content = new BackupContent(manifest, file => _repository.OpenRead(key, file));
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
        if (BackupRepository.RequireManifest(backup).Kept is not { } kept)
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
