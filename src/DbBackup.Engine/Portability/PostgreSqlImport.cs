using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Portability;

/// <summary>Imports dumps of PostgreSQL: each is read to its end before anything of it is stored.</summary>
/// <param name="repository">Where the backup goes.</param>
internal sealed class PostgreSqlImport(BackupRepository repository)
{
    // SQL text shrinks to between a fifth and a tenth.
    private const int GuessedRatio = 8;

    // By these libpq finds a server that nobody names on the command line.
    private static readonly string[] s_servers = ["PGHOST", "PGHOSTADDR", "PGSERVICE"];

    // What people add to a database's name, from the outside in.
    private static readonly string[] s_endings = [".gz", ".zst", ".tar", ".sql", ".dump", ".backup", ".pgdump", ".bak"];

    /// <summary>Imports a dump.</summary>
    /// <param name="path">The dump, unpacked from an archive around it if need be.</param>
    /// <param name="origin">The file or folder as the person named it.</param>
    /// <param name="file">What it is.</param>
    /// <param name="wishes">Name, source, tags, compression and the like.</param>
    /// <param name="observer">Hears of the progress.</param>
    /// <param name="cancellationToken">Stops the work; nothing is left then.</param>
    /// <exception cref="BackupException">It is damaged, was cut off, or cannot be restored for itself.</exception>
    public async Task<Backup> ImportAsync(
        string path, string origin, ForeignFile file, BackupRequest wishes, IOperationObserver observer, CancellationToken cancellationToken)
    {
        observer.Progress(new OperationProgress($"Importing {Path.GetFileName(origin)}", "reading it to its end"));
        if (file.Compression == PayloadCompression.None)
            return await ReadAndCreateAsync(path, origin, file, wishes, observer, cancellationToken).ConfigureAwait(false);
        using LocalWorkspace scratch = await repository.OpenScratchAsync(wishes.StagingPath, new FileInfo(path).Length * (file.Kind == ForeignFileKind.PostgreSqlCustom ? 1 : GuessedRatio), cancellationToken).ConfigureAwait(false);
        string plain = Path.Combine(scratch.Path, "imported");
        await DecompressAsync(path, origin, file.Compression, plain, cancellationToken).ConfigureAwait(false);
        return await ReadAndCreateAsync(plain, origin, file, wishes, observer, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The name that a file's own name gives a database: <c>shop-2026-11-21.sql.gz</c> is shop-2026-11-21.</summary>
    internal static string StemOf(string path)
    {
        string name = Path.GetFileName(path);
        while (Array.Find(s_endings, ending => name.Length > ending.Length && name.EndsWith(ending, StringComparison.OrdinalIgnoreCase)) is { } found)
            name = name[..^found.Length];
        return name;
    }

    private static async Task DecompressAsync(string path, string origin, string compression, string target, CancellationToken cancellationToken)
    {
        try
        {
            using Stream content = DecompressionStreams.Open(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1), compression);
            using var file = new FileStream(target, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1);
            await content.CopyToAsync(file, 1 << 20, cancellationToken).ConfigureAwait(false);
        }
        catch (InvalidDataException exception)
        {
            throw new BackupFailure(
                ErrorCodes.DumpIncomplete,
                FailureCategory.InvalidData,
                $"'{origin}' cannot be decompressed to its end: {exception.Message}",
                "The file is damaged or was cut off; use another one.",
                exception)
            { Target = origin };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw DiskFailures.From(exception, target, $"decompressing '{origin}'");
        }
    }

    private async Task<Backup> ReadAndCreateAsync(
        string path, string origin, ForeignFile file, BackupRequest wishes, IOperationObserver observer, CancellationToken cancellationToken)
    {
        var dump = new ExistingDump(origin, StemOf(origin));
        IReadOnlyList<IBackupSource> sources = file.Kind switch
        {
            ForeignFileKind.PostgreSqlCustom => await dump.ReadArchiveAsync(path, PayloadFormat.PostgreSqlCustom, cancellationToken).ConfigureAwait(false),
            ForeignFileKind.PostgreSqlTar => await dump.ReadArchiveAsync(path, PayloadFormat.PostgreSqlTar, cancellationToken).ConfigureAwait(false),
            ForeignFileKind.PostgreSqlDirectory => await dump.ReadArchiveAsync(path, PayloadFormat.PostgreSqlDirectory, cancellationToken).ConfigureAwait(false),
            _ => await dump.ReadScriptAsync(path, cancellationToken).ConfigureAwait(false),
        };
        DateTimeOffset created = FileStamp.Of(origin).LastWritten;
        BackupRequest request = wishes with
        {
            Sources = sources,
            Import = new ImportOrigin(origin, created, null),
            // A restore test needs a server; the dump itself was read to its end already.
            ProofLevel = wishes.TestServer is not null || s_servers.Any(name => Environment.GetEnvironmentVariable(name) is { Length: > 0 })
                ? BackupTestLevel.Restore
                : BackupTestLevel.Structure,
        };
        return await new BackupService(repository).CreateAsync(request, observer, cancellationToken).ConfigureAwait(false);
    }
}
