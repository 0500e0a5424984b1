using DbBackup.Engine.Payloads;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines;

/// <summary>The form in which a database leaves a backup.</summary>
public enum ExportFormat
{
    /// <summary>As its engine's own tools take it: a SQLite file; an archive, folder or script of pg_dump, as it was stored.</summary>
    Native,

    /// <summary>SQL text that gives the database back.</summary>
    Sql,

    /// <summary>The whole backup as one tar, with its manifest and tests: no engine writes it.</summary>
    Tar,
}

/// <summary>Writes what an engine gives out into a file. What is damaged is never left under the final name.</summary>
internal static class ExportedFile
{
    /// <summary>Puts a whole file in place, durably.</summary>
    public static void Publish(string staged, string path)
    {
        DurableFiles.FlushFile(staged);
        File.Move(staged, path, overwrite: true);
        DurableFiles.FlushDirectory(Path.GetDirectoryName(path)!);
    }

    /// <summary>Writes a stream into a file, compressed where the final name says so.</summary>
    public static async Task WriteAsync(Stream content, string path, string staged, CancellationToken cancellationToken)
    {
        string compression = Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".gz" => PayloadCompression.Gzip,
            ".zst" => PayloadCompressionChoice.Resolve(PayloadCompression.Zstd),
            _ => PayloadCompression.None,
        };
        using FileStream target = PrivateFiles.CreateNew(staged);
        using var writer = new PayloadWriter(target, new PayloadWriteOptions { Compression = compression }, cancellationToken);
        await writer.CopyFromAsync(content, null, cancellationToken).ConfigureAwait(false);
        await writer.CompleteAsync().ConfigureAwait(false);
    }
}
