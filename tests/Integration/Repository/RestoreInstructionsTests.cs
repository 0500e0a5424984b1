using DbBackup.Engine.Backups;
using DbBackup.Engine.Backups.Instructions;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Engine.Repository;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Repository;

/// <summary>Follows RESTORE.txt to the letter, with stock tools alone.</summary>
[Trait("Category", "Tool")]
public class RestoreInstructionsTests
{
    [Theory]
    [InlineData(PayloadCompression.Zstd, SqliteFormat.Native, false)]
    [InlineData(PayloadCompression.Gzip, SqliteFormat.Native, false)]
    [InlineData(PayloadCompression.None, SqliteFormat.Native, false)]
    [InlineData(PayloadCompression.Zstd, SqliteFormat.Sql, false)]
    [InlineData(PayloadCompression.Zstd, SqliteFormat.Native, true)]
    public async Task A_backup_folder_is_restored_by_hand_as_its_own_text_says(string compression, SqliteFormat format, bool databaseWithinFolder)
    {
        foreach (string tool in (string[])["sqlite3", "zstd", "gzip", "tar", "sha256sum", "sh"])
            Require.Tool(tool);
        using var folder = new TempFolder();
        string data = Directory.CreateDirectory(Path.Combine(folder.Path, "it's data")).FullName;
        string uploads = Directory.CreateDirectory(Path.Combine(data, "up loads")).FullName;
        File.WriteAllText(Path.Combine(uploads, "ü.txt"), "content");
        string database = Path.Combine(data, "my pats'.db");
        Shell.Run("sqlite3", database, "PRAGMA user_version=7; CREATE TABLE t(a); INSERT INTO t VALUES ('x''y'), (2), (x'00ff');");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(database, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        var repository = BackupRepository.At(Path.Combine(folder.Path, "repo"));
        Backup backup = await new BackupService(repository).CreateAsync(
            new BackupRequest
            {
                Sources = [new SqliteSource(database, format, TimeSpan.FromSeconds(5)), new FolderSource(databaseWithinFolder ? data : uploads)],
                Compression = compression,
            },
            SilentObserver.Instance,
            CancellationToken.None);

        string[] commands = [.. File.ReadAllLines(Path.Combine(backup.Location, RestoreInstructions.FileName))
            .Where(line => line.StartsWith("  ", StringComparison.Ordinal) && line[2] != ' ' && !line.Contains("Restore-DbBackup", StringComparison.Ordinal))];
        Assert.Contains(commands, line => line.Contains("sha256sum -c", StringComparison.Ordinal));
        string output = Shell.Run("sh", "-ec", $"cd '{backup.Location.Replace("'", "'\\''", StringComparison.Ordinal)}'\n{string.Join('\n', commands)}");

        Assert.EndsWith("ok", output.TrimEnd(), StringComparison.Ordinal);
        string restored = Path.Combine(backup.Location, "restored");
        string restoredDatabase = databaseWithinFolder ? Path.Combine(restored, "it's data", "my pats'.db") : Path.Combine(restored, "my pats'.db");
        Assert.Equal("7|3", Shell.Run("sqlite3", restoredDatabase, "SELECT (SELECT user_version FROM pragma_user_version), count(*) FROM t").Trim());
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead, File.GetUnixFileMode(restoredDatabase));
        string restoredUploads = databaseWithinFolder ? Path.Combine(restored, "it's data", "up loads") : Path.Combine(restored, "up loads");
        Assert.Equal("content", File.ReadAllText(Path.Combine(restoredUploads, "ü.txt")));
    }
}
