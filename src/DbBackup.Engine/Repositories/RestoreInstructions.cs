using System.Globalization;
using System.Text;

namespace DbBackup.Engine.Repositories;

/// <summary>Writes <c>RESTORE.txt</c>: how to get everything back with stock tools alone.</summary>
internal static class RestoreInstructions
{
    public const string FileName = "RESTORE.txt";

    public static string Write(Manifest manifest)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"Backup of {manifest.Source.Name} ({manifest.Source.Engine}), taken {manifest.Created.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC.");
        text.AppendLine();
        text.AppendLine("With DbBackup (PowerShell), from the repository's folder:");
        text.AppendLine(CultureInfo.InvariantCulture, $"  Restore-DbBackup -Source {PowerShellQuote(manifest.Source.Name)} -Name {PowerShellQuote(manifest.Name)} -Repository .");
        text.AppendLine();
        text.AppendLine("Without it, with stock tools alone. Stop the application first, then in this folder:");
        text.AppendLine();
        text.AppendLine("1. Check that the files are whole (each line must end in OK):");
        foreach (Payload payload in manifest.Payloads)
            text.AppendLine(CultureInfo.InvariantCulture, $"  echo '{payload.StoredSha256}  {ShellQuoteInner(payload.FileName)}' | sha256sum -c -");
        text.AppendLine();
        text.AppendLine("2. Get them back into a new folder ./restored:");
        text.AppendLine("  mkdir restored");
        // Folders first: a database may belong into one of them.
        foreach (Payload payload in manifest.Payloads.OrderByDescending(payload => payload.Kind))
            text.AppendLine("  " + Command(payload));
        text.AppendLine();
        Payload? database = manifest.Payloads.FirstOrDefault(payload => payload.Kind == PayloadKind.Database);
        if (database is not null)
        {
            text.AppendLine("3. Check the database; it must say ok:");
            text.AppendLine(CultureInfo.InvariantCulture, $"  sqlite3 {ShellQuote(RestoredPath(database))} 'PRAGMA integrity_check'");
            if (manifest.SchemaRevision is { } revision)
                text.AppendLine(CultureInfo.InvariantCulture, $"   Its Alembic revision is {revision}.");
            text.AppendLine();
            text.AppendLine("4. Put it in place. The old database's -wal, -shm and -journal files MUST go with the old database:");
            text.AppendLine("   left beside the new one they damage it or undo the restore.");
        }
        else
        {
            text.AppendLine("3. Put it in place:");
        }

        foreach (Payload payload in manifest.Payloads)
            text.AppendLine(CultureInfo.InvariantCulture, $"   {RestoredPath(payload)}  belongs to  {payload.OriginalPath ?? "(its place is not known)"}");
        text.AppendLine();
        text.AppendLine(
            manifest.Payloads.Any(payload => payload.Compression == PayloadCompression.Zstd)
                ? "Tools: sha256sum, zstd, tar, sqlite3 (packages of these names; on Windows the same commands run in WSL)."
                : "Tools: sha256sum, gzip, tar, sqlite3 (packages of these names; on Windows the same commands run in WSL).");
        return text.ToString().ReplaceLineEndings("\n");
    }

    private static string Command(Payload payload)
    {
        string file = ShellQuote(payload.FileName);
        string read = payload.Compression switch
        {
            PayloadCompression.Zstd => $"zstd -dc {file}",
            PayloadCompression.Gzip => $"gzip -dc {file}",
            _ => $"cat {file}",
        };
        string target = ShellQuote(RestoredPath(payload));
        return payload.Format switch
        {
            PayloadFormat.Tar => $"{read} | tar -xpf - -C restored",
            PayloadFormat.SqliteSql => $"{read} | sqlite3 -bail {target}",
            _ => $"{read} > {target}",
        };
    }

    private static string RestoredPath(Payload payload) => "restored/" + (payload.Within ?? payload.RestoreName);

    private static string ShellQuote(string text) =>
        text.All(character => char.IsAsciiLetterOrDigit(character) || character is '.' or '_' or '-' or '/') ? text : $"'{ShellQuoteInner(text)}'";

    private static string ShellQuoteInner(string text) => text.Replace("'", "'\\''", StringComparison.Ordinal);

    private static string PowerShellQuote(string text) =>
        text.All(character => char.IsAsciiLetterOrDigit(character) || character is '.' or '_' or '-') ? text : $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";
}
