#!/usr/bin/env dotnet
#:project ../src/DbBackup.Engine/DbBackup.Engine.csproj
#:property PublishAot=false
// Backs up a small SQLite database with a folder beside it, damages both, restores them, and prints what it did.
// Run it from the repository's folder:  dotnet run samples/BackupAndRestore.cs
using DbBackup;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Restores;
using DbBackup.Engine.Verification;
using Microsoft.Data.Sqlite;

string folder = Path.Combine(Path.GetTempPath(), "dbbackup-sample-" + Guid.NewGuid().ToString("N")[..8]);
Directory.CreateDirectory(Path.Combine(folder, "uploads"));
try
{
    string database = Path.Combine(folder, "pats.db");
    string uploads = Path.Combine(folder, "uploads");
    Execute(
        database,
        "CREATE TABLE alembic_version (version_num TEXT NOT NULL)",
        "INSERT INTO alembic_version VALUES ('041bd0560732')",
        "CREATE TABLE application (id INTEGER PRIMARY KEY, company TEXT NOT NULL, letter TEXT)",
        """
        WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 1000)
        INSERT INTO application SELECT value, 'Company ' || value, 'letter-' || value || '.txt' FROM n
        """);
    File.WriteAllText(Path.Combine(uploads, "letter-1.txt"), "Dear Sir or Madam,\n");
    Console.WriteLine($"Made {database}: {Count(database)} rows, and a folder with {Directory.GetFiles(uploads).Length} file.");

    var repository = BackupRepository.At(Path.Combine(folder, "backups"));
    var request = new BackupRequest
    {
        Sources = [new SqliteSource(database, SqliteFormat.Native, TimeSpan.FromSeconds(30)), new FolderSource(uploads)],
        Name = "pre_migration_v2",
        Reason = BackupReason.PreMigration,
    };
    Backup backup = await new BackupService(repository).CreateAsync(request, SilentObserver.Instance, CancellationToken.None);
    Console.WriteLine($"Backed up as {backup}: {ByteSize.Format(backup.OriginalSize)} in {ByteSize.Format(backup.Size)}, revision {backup.SchemaRevision}.");
    foreach (string file in Directory.GetFiles(backup.Location).Order(StringComparer.Ordinal))
        Console.WriteLine($"  {Path.GetFileName(file)}");

    BackupTestResult test = await new BackupVerifier(repository)
        .TestAsync(backup, new BackupTestOptions { Level = BackupTestLevel.Restore }, SilentObserver.Instance, CancellationToken.None);
    foreach (BackupCheck check in test.Checks)
        Console.WriteLine($"  {check}");

    Execute(database, "DELETE FROM application WHERE id > 10");
    File.Delete(Path.Combine(uploads, "letter-1.txt"));
    Console.WriteLine($"An accident: {Count(database)} rows and {Directory.GetFiles(uploads).Length} files are left.");

    PreparedRestore restore = await PreparedRestore.PrepareAsync(
        repository, new RestoreRequest { Backup = backup }, changeNothing: false, SilentObserver.Instance, CancellationToken.None);
    Console.WriteLine(restore.Plan);
    RestoreResult result = await restore.RunAsync(SilentObserver.Instance, CancellationToken.None);
    Console.WriteLine($"Restored ({result.Status}): {Count(database)} rows and {Directory.GetFiles(uploads).Length} file; the state before is kept as {result.SafetyBackup}.");
    return Count(database) == 1000 ? 0 : 1;
}
finally
{
    Directory.Delete(folder, recursive: true);
}

static void Execute(string database, params string[] statements)
{
    using var connection = Open(database);
    foreach (string statement in statements)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = statement;
        command.ExecuteNonQuery();
    }
}

static long Count(string database)
{
    using var connection = Open(database);
    using SqliteCommand command = connection.CreateCommand();
    command.CommandText = "SELECT count(*) FROM application";
    return (long)command.ExecuteScalar()!;
}

static SqliteConnection Open(string database)
{
    var connection = new SqliteConnection($"Data Source={database};Pooling=False");
    connection.Open();
    return connection;
}
