using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Engines.PostgreSql.Load;
using DbBackup.Engine.Engines.PostgreSql.Text;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.PostgreSql.Export;

/// <summary>Gives a dump of PostgreSQL out as pg_dump wrote it, or as SQL text for psql.</summary>
internal static class PostgreSqlExport
{
    public static string NameOf(Payload payload, string name, ExportFormat format) =>
        format == ExportFormat.Native || payload.Format == PayloadFormat.PostgreSqlPlain ? name
        : payload.Format == PayloadFormat.PostgreSqlDirectory ? name + ".sql"
        : Path.ChangeExtension(name, ".sql");

    public static async Task WriteAsync(BackupContent content, Payload payload, string path, ExportFormat format, CancellationToken cancellationToken)
    {
        string staged = $"{path}.{Guid.NewGuid():N}.part";
        try
        {
            if (format == ExportFormat.Sql && payload.Format != PayloadFormat.PostgreSqlPlain)
            {
                await WriteTextAsync(content, payload, path, staged, cancellationToken).ConfigureAwait(false);
                ExportedFile.Publish(staged, path);
            }
            else if (payload.Format == PayloadFormat.PostgreSqlDirectory)
            {
                using PayloadReader tar = content.OpenOriginal(payload, cancellationToken);
                await FolderExtractor.ExtractAsync(tar, staged, new ExtractOptions { StripFirstFolder = true, RestoreOwners = false }, cancellationToken).ConfigureAwait(false);
                await tar.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
                DurableFiles.FlushTree(staged, cancellationToken);
                DurableFiles.MoveDirectoryNoReplace(staged, path);
            }
            else
            {
                using (PayloadReader original = content.OpenOriginal(payload, cancellationToken))
                    await ExportedFile.WriteAsync(original, path, staged, cancellationToken).ConfigureAwait(false);
                ExportedFile.Publish(staged, path);
            }
        }
        finally
        {
            if (Directory.Exists(staged))
                FolderRemoval.DeleteIfThere(staged);
            else
                File.Delete(staged);
        }
    }

    // The archive is unpacked beside the destination, where its hashes are proved, and then turned into text whose end is looked for.
    private static async Task WriteTextAsync(BackupContent content, Payload payload, string path, string staged, CancellationToken cancellationToken)
    {
        string folder = staged + ".d";
        PrivateFiles.CreateFolder(folder);
        try
        {
            using StagedDump dump = await StagedDump.PrepareAsync(content, payload, null, null, folder, null, cancellationToken).ConfigureAwait(false);
            var scanner = new PlainDumpScanner();
            await dump.ToTextAsync(
                async text =>
                {
                    using var watched = new TappedStream(text, bytes => scanner.Append(bytes.Span));
                    await ExportedFile.WriteAsync(watched, path, staged, cancellationToken).ConfigureAwait(false);
                },
                cancellationToken).ConfigureAwait(false);
            if (!scanner.Complete().IsComplete)
                throw PayloadCopy.Mismatch(payload, "pg_restore does not come to its end");
        }
        finally
        {
            FolderRemoval.Delete(folder);
        }
    }
}
