using DbBackup.Engine.Payloads;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Verification;

namespace DbBackup.Engine.Portability;

/// <summary>The form in which a database leaves a backup.</summary>
public enum ExportFormat
{
    /// <summary>As its engine's own tools take it: a SQLite file; an archive, folder or script of pg_dump, as it was stored.</summary>
    Native,

    /// <summary>SQL text that gives the database back.</summary>
    Sql,
}

/// <summary>Gives one kind of database payload out. What is damaged is never left under the final name.</summary>
internal abstract class DatabaseExport
{
    /// <summary>The export for a payload's form.</summary>
    public static DatabaseExport For(Payload payload) => payload.Format switch
    {
        PayloadFormat.SqliteFile or PayloadFormat.SqliteSql => new SqliteExport(),
        _ => new PostgreSqlExport(),
    };

    /// <summary>The name that it gets in a folder of several.</summary>
    /// <param name="payload">The payload.</param>
    /// <param name="name">Where it lies in the backup: a file name, or a path in a folder of the same backup.</param>
    /// <param name="format">The form that is wanted.</param>
    public abstract string NameOf(Payload payload, string name, ExportFormat format);

    /// <summary>Writes it.</summary>
    /// <param name="content">The backup.</param>
    /// <param name="payload">The payload.</param>
    /// <param name="path">The file or folder to make; an existing file is replaced once the new one is whole.</param>
    /// <param name="format">The form.</param>
    /// <param name="cancellationToken">Stops the work; nothing is left then.</param>
    /// <exception cref="BackupException">The payload is damaged, or there is no room.</exception>
    public abstract Task WriteAsync(BackupContent content, Payload payload, string path, ExportFormat format, CancellationToken cancellationToken);

    /// <summary>Puts a whole file in place, durably.</summary>
    protected static void Publish(string staged, string path)
    {
        DurableFiles.FlushFile(staged);
        File.Move(staged, path, overwrite: true);
        DurableFiles.FlushDirectory(Path.GetDirectoryName(path)!);
    }

    /// <summary>Writes a stream into a file, compressed where the final name says so.</summary>
    protected static async Task WriteFileAsync(Stream content, string path, string staged, CancellationToken cancellationToken)
    {
        string compression = Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".gz" => PayloadCompression.Gzip,
            ".zst" => PayloadCompressionChoice.Resolve(PayloadCompression.Zstd),
            _ => PayloadCompression.None,
        };
        using var target = new FileStream(staged, FileMode.Create, FileAccess.Write, FileShare.None, 1);
        using var writer = new PayloadWriter(target, new PayloadWriteOptions { Compression = compression }, cancellationToken);
        await writer.CopyFromAsync(content, null, cancellationToken).ConfigureAwait(false);
        await writer.CompleteAsync().ConfigureAwait(false);
    }
}
