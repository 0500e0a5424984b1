using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Verification;

namespace DbBackup.Engine.Portability;

/// <summary>Gives a SQLite database out as a file, or as SQL text.</summary>
internal sealed class SqliteExport : DatabaseExport
{
    public override string NameOf(Payload payload, string name, ExportFormat format) =>
        format == ExportFormat.Sql ? Path.ChangeExtension(name, ".sql") : name;

    public override async Task WriteAsync(BackupContent content, Payload payload, string path, ExportFormat format, CancellationToken cancellationToken)
    {
        string staged = $"{path}.{Guid.NewGuid():N}.part";
        string text = staged + ".sql";
        try
        {
            if (format == ExportFormat.Sql && payload.Format == PayloadFormat.SqliteSql)
            {
                using PayloadReader sql = content.OpenOriginal(payload, cancellationToken);
                await WriteFileAsync(sql, path, staged, cancellationToken).ConfigureAwait(false);
            }
            else
            {
                await DatabaseRestorer.RestoreAsync(content, payload, staged, null, cancellationToken).ConfigureAwait(false);
                Fingerprint facts = DatabaseRestorer.RequireEqual(content.Manifest, payload, staged, cancellationToken);
                if (format == ExportFormat.Sql)
                {
                    SqlDump.Write(staged, text, facts, cancellationToken);
                    File.Delete(staged);
                    using var sql = new FileStream(text, FileMode.Open, FileAccess.Read, FileShare.Read, 1);
                    await WriteFileAsync(sql, path, staged, cancellationToken).ConfigureAwait(false);
                }
            }

            Publish(staged, path);
        }
        finally
        {
            File.Delete(staged);
            File.Delete(text);
        }
    }
}
