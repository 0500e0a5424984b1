using DbBackup.Engine.Payloads;

namespace DbBackup.Engine.Engines.Sqlite;

/// <summary>Gives a SQLite database out as a file, or as SQL text.</summary>
internal static class SqliteExport
{
    public static string NameOf(Payload payload, string name, ExportFormat format) =>
        format == ExportFormat.Sql ? Path.ChangeExtension(name, ".sql") : name;

    public static async Task WriteAsync(BackupContent content, Payload payload, string path, ExportFormat format, CancellationToken cancellationToken)
    {
        string staged = $"{path}.{Guid.NewGuid():N}.part";
        string text = staged + ".sql";
        Fingerprint? facts = null;
        try
        {
            if (format == ExportFormat.Sql && payload.Format == PayloadFormat.SqliteSql)
            {
                using PayloadReader sql = content.OpenOriginal(payload, cancellationToken);
                await ExportedFile.WriteAsync(sql, path, staged, cancellationToken).ConfigureAwait(false);
            }
            else
            {
                await SqliteRestore.RestoreAsync(content, payload, staged, null, cancellationToken).ConfigureAwait(false);
                // What was damaged when it was captured is given back as it was; it cannot be dumped.
                if (format == ExportFormat.Sql || payload is not { Damage: not null, Fingerprint: null })
                    facts = SqliteRestore.RequireEqual(payload, staged, cancellationToken);
                if (format == ExportFormat.Sql)
                {
                    SqlDump.Write(staged, text, facts!, cancellationToken);
                    Delete(staged);
                    using var sql = new FileStream(text, FileMode.Open, FileAccess.Read, FileShare.Read, 1);
                    await ExportedFile.WriteAsync(sql, path, staged, cancellationToken).ConfigureAwait(false);
                }
            }

            // The log of the database that is overwritten would be taken for the new one's.
            if (format == ExportFormat.Native)
                DeleteSidecars(path);
            ExportedFile.Publish(staged, path);
        }
        finally
        {
            Delete(staged);
            File.Delete(text);
        }
    }

    // The sqlite3 program leaves the files of WAL mode beside a database that it must not write.
    private static void Delete(string database)
    {
        DeleteSidecars(database);
        File.Delete(database);
    }

    private static void DeleteSidecars(string database)
    {
        foreach (string suffix in SqliteFile.SidecarSuffixes)
            File.Delete(database + suffix);
    }
}
