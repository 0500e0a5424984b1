using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Testing;
using SQLitePCL;

namespace DbBackup.Tests.Unit.Engines.Sqlite;

/// <summary>What SQLite's check finds in a database that works, or in which only an index is broken, is no reason to have no backup of it.</summary>
public sealed class SqliteFindingsTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("CREATE TABLE a(t TEXT COLLATE unicase UNIQUE)")]
    [InlineData("CREATE TABLE a(t TEXT); CREATE INDEX i ON a(t COLLATE unicase)")]
    [InlineData("CREATE TABLE a(id INTEGER PRIMARY KEY, t TEXT UNIQUE COLLATE unicase)")]
    [InlineData("CREATE TABLE a(t TEXT COLLATE unicase PRIMARY KEY) WITHOUT ROWID")]
    [InlineData("CREATE TABLE a(t TEXT); CREATE INDEX i ON a(backwards(t))")]
    [InlineData("CREATE TABLE a(t TEXT, v AS (backwards(t)) NOT NULL, s AS (backwards(t)) STORED NOT NULL); CREATE INDEX i ON a(v)")]
    [InlineData("CREATE TABLE a(t TEXT CHECK (backwards(t) <> '')); CREATE INDEX i ON a(t) WHERE backwards(t) = 'x1'")]
    public async Task A_database_whose_application_defines_collations_and_functions_is_backed_up_proved_and_restored(string schema)
    {
        string path = CreateByApplication(_bench["app.db"], schema, rows: 300);
        var request = new BackupRequest { Sources = [Workbench.Sqlite(path)], Fingerprint = FingerprintLevel.Content, Verify = true };

        foreach (FingerprintLevel level in (FingerprintLevel[])[FingerprintLevel.Content, FingerprintLevel.Rows, FingerprintLevel.None])
        {
            Backup backup = await _bench.BackUpAsync(request with { Fingerprint = level, Name = level.ToString() });
            Assert.Contains(backup.Manifest!.Notes, note => note.Contains("only its application defines", StringComparison.Ordinal));
            Assert.Null(backup.Manifest.Payloads[0].Damage);
            Assert.Equal(level == FingerprintLevel.None ? BackupStatus.Restored : BackupStatus.Matched, backup.Status);
        }

        Backup last = (await _bench.ListAsync()).First(backup => backup.Name == "Content");
        RestoreResult result = await _bench.RestoreAsync(last);
        Assert.Equal(BackupStatus.Matched, result.Status);
        Assert.False(new SqliteEngine().IsDamaged(path, SampleDatabase.Patience));
        AssertSoundForApplication(path);
    }

    [Fact]
    public async Task A_query_of_the_user_gets_no_stand_in()
    {
        Backup backup = await _bench.BackUpAsync(CreateByApplication(_bench["app.db"], "CREATE TABLE a(t TEXT COLLATE unicase)", rows: 3));

        BackupTestResult result = await new Engine.Verification.BackupVerifier(_bench.Repository).TestAsync(
            backup, new Engine.Engines.BackupTestOptions { Level = BackupTestLevel.Restore, Assertions = ["SELECT count(*) = 3 FROM a WHERE t > ''", "SELECT nosuch(1)"] }, _bench.Observer, CancellationToken.None);

        Assert.Equal(2, result.NotRun.Count);
        Assert.Equal(BackupStatus.Matched, result.Status);
    }

    [Theory]
    [InlineData("CREATE TABLE a(x)", "UPDATE sqlite_master SET sql = 'CREATE TABLE a(x NOT NULL)'", "INSERT INTO a VALUES (NULL)", "NULL value in a.x")]
    [InlineData("CREATE TABLE a(x)", "UPDATE sqlite_master SET sql = 'CREATE TABLE a(x INTEGER) STRICT'", "INSERT INTO a VALUES ('text')", "value in a.x")]
    public async Task Values_that_the_schema_does_not_allow_are_noted(string create, string change, string insert, string finding)
    {
        SampleDatabase.Run(_bench["app.db"], create, insert, insert);
        SampleDatabase.Run(_bench["app.db"], "PRAGMA writable_schema=ON", change);

        Backup backup = await _bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(_bench["app.db"])], Fingerprint = FingerprintLevel.Content, Verify = true });

        Assert.Equal(BackupStatus.Matched, backup.Status);
        Assert.Contains(backup.Manifest!.Notes, note => note.Contains(finding, StringComparison.Ordinal));
        Assert.Null(backup.Manifest.Payloads[0].Damage);
        Assert.Equal(BackupStatus.Matched, (await _bench.RestoreAsync(backup)).Status);
    }

    [Fact]
    public async Task A_page_that_nothing_uses_is_noted()
    {
        string path = SampleDatabase.Create(_bench["app.db"], rows: 2000);
        AddUnusedPage(path);

        Backup backup = await _bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(path)], Verify = true });

        Assert.Equal(BackupStatus.Matched, backup.Status);
        Assert.Contains(backup.Manifest!.Notes, note => note.Contains("never used", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Many_harmless_findings_hide_no_damage()
    {
        string path = SampleDatabase.Create(_bench["app.db"], rows: 4000);
        SampleDatabase.Run(path, "CREATE TABLE a(x)", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 20000) INSERT INTO a SELECT NULL FROM n");
        SampleDatabase.Run(path, "PRAGMA writable_schema=ON", "UPDATE sqlite_master SET sql = 'CREATE TABLE a(x NOT NULL)' WHERE name = 'a'");
        Assert.NotNull(await _bench.BackUpAsync(path));

        // The notes' table is the first one, so its pages come first.
        SampleDatabase.DamagePage(path, 60);

        Assert.Equal(ErrorCodes.SourceCorrupt, (await Assert.ThrowsAnyAsync<BackupException>(() => _bench.BackUpAsync(path))).Code);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Damage_in_an_index_alone_is_marked_and_its_rebuilding_named(bool isOfStructure)
    {
        string path = SampleDatabase.Create(_bench["app.db"], rows: 3000);
        SampleDatabase.Run(path, "CREATE INDEX by_text ON notes(text)");
        if (isOfStructure)
            SampleDatabase.DamagePage(path, int.Parse(SampleDatabase.Text(path, "SELECT rootpage FROM sqlite_master WHERE name = 'by_text'")!, System.Globalization.CultureInfo.InvariantCulture) + 3);
        else
            LoseIndexEntries(path);

        Backup backup = await _bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(path)], Fingerprint = FingerprintLevel.Content, Verify = true });

        Assert.Equal(BackupStatus.Matched, backup.Status);
        Assert.Contains("by_text", backup.Manifest!.Payloads[0].Damage ?? string.Empty, StringComparison.Ordinal);
        Assert.Contains(_bench.Observer.Warnings, warning => warning.Contains("REINDEX", StringComparison.Ordinal));
        Assert.True((await _bench.TestAsync(backup, BackupTestLevel.Restore)).Passed);
        Assert.Equal(BackupStatus.Matched, (await _bench.RestoreAsync(backup)).Status);
        Assert.Equal("3000", SampleDatabase.Text(path, "SELECT count(*) FROM notes NOT INDEXED"));
        // What nothing can walk through, nothing can rebuild in place.
        if (isOfStructure)
            return;
        SampleDatabase.Run(path, "REINDEX");
        Assert.Equal("ok", SampleDatabase.Text(path, "PRAGMA integrity_check"));
    }

    [Fact]
    public async Task Damage_in_an_index_that_only_the_thorough_test_finds_is_no_damage_of_the_backup()
    {
        string path = SampleDatabase.Create(_bench["app.db"], rows: 3000);
        SampleDatabase.Run(path, "CREATE INDEX by_text ON notes(text)");
        LoseIndexEntries(path);

        BackupTestResult result = await _bench.TestAsync(await _bench.BackUpAsync(path), BackupTestLevel.Restore);

        Assert.True(result.Passed);
        Assert.Contains(result.Checks, check => check.Detail.Contains("REINDEX", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_schema_of_a_newer_sqlite_is_no_damage()
    {
        string path = SampleDatabase.Create(_bench["app.db"]);
        SampleDatabase.Run(path, "CREATE VIEW v AS SELECT group_concat(text) FROM notes");
        SampleDatabase.Run(path, "PRAGMA writable_schema=ON", "UPDATE sqlite_master SET sql = 'CREATE VIEW v AS SELECT group_concat(text FROBNICATE BY id) FROM notes' WHERE name = 'v'");

        Backup backup = await _bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(path)], Verify = true });

        Assert.Contains(backup.Manifest!.Notes, note => note.Contains("needs a newer SQLite", StringComparison.Ordinal));
        Assert.DoesNotContain(backup.Manifest.Notes, note => note.Contains("damaged", StringComparison.Ordinal));
        Assert.True(backup.IsGood);
        byte[] whole = File.ReadAllBytes(path);
        await _bench.RestoreAsync(backup);
        Assert.Equal(whole[100..], File.ReadAllBytes(path)[100..]);
    }

    [Fact]
    public async Task What_the_library_of_the_module_knows_is_checked_whole()
    {
        string path = SampleDatabase.Create(_bench["app.db"]);
        SampleDatabase.Run(path, "CREATE VIEW v AS SELECT group_concat(text ORDER BY id) FROM notes", "CREATE TABLE j(b BLOB CHECK (json_valid(b, 8)))", "INSERT INTO j VALUES (jsonb('{\"a\":1}'))", "CREATE INDEX i ON j(b ->> '$.a')");

        Assert.Equal(BackupStatus.Matched, (await _bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(path)], Fingerprint = FingerprintLevel.Content, Verify = true })).Status);
    }

    [Fact]
    public void A_private_copy_asks_for_no_locks()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux lists the locks of files.");
        Assert.True(IsLocked(_bench["control.db"], path => SqliteDatabase.OpenForWriting(path, SampleDatabase.Patience, CancellationToken.None)));
        Assert.False(IsLocked(_bench["private.db"], path => SqliteDatabase.OpenPrivate(path, CancellationToken.None)));
    }

    [Fact]
    public void A_private_copy_in_wal_mode_is_recovered_without_shared_memory()
    {
        string path = SampleDatabase.Create(_bench["app.db"], journal: "WAL");
        using (SqliteDatabase writer = SqliteDatabase.OpenForWriting(path, SampleDatabase.Patience, CancellationToken.None))
        {
            writer.ExecuteRaw("PRAGMA wal_autocheckpoint=0; DELETE FROM notes WHERE id > 9");
            SqliteHold.CopyRaw(path, _bench["copy.db"]);
        }

        SqliteHold.Recover(_bench["copy.db"], path, CancellationToken.None);

        Assert.Equal(["copy.db"], Directory.EnumerateFiles(_bench.Folder.Path, "copy*").Select(Path.GetFileName));
        Assert.Equal("9", SampleDatabase.Text(_bench["copy.db"], "SELECT count(*) FROM notes"));
    }

    private static bool IsLocked(string path, Func<string, SqliteDatabase> open)
    {
        using SqliteDatabase database = open(path);
        database.ExecuteRaw("CREATE TABLE a(x); BEGIN IMMEDIATE; INSERT INTO a VALUES (1)");
        Engine.Platform.UnixFile.TryStat(path, out Engine.Platform.UnixFileFacts facts);
        return File.ReadLines("/proc/locks").Any(line => line.Contains(FormattableString.Invariant($":{facts.Inode} "), StringComparison.Ordinal));
    }

    // As an application does it: with definitions of its own.
    private static string CreateByApplication(string path, string schema, int rows)
    {
        using SqliteDatabase database = SqliteDatabase.OpenForWriting(path, SampleDatabase.Patience, CancellationToken.None);
        Define(database);
        database.ExecuteRaw(schema);
        database.ExecuteRaw("BEGIN");
        for (int i = 0; i < rows; i++)
            database.ExecuteRaw(FormattableString.Invariant($"INSERT INTO a(t) VALUES ('{(i % 2 == 0 ? "aX" : "Ax")}{i}')"));
        database.ExecuteRaw("COMMIT");
        return path;
    }

    private static void AssertSoundForApplication(string path)
    {
        using SqliteDatabase database = SqliteDatabase.OpenForWriting(path, SampleDatabase.Patience, CancellationToken.None);
        Define(database);
        Assert.Equal("ok", database.Text("PRAGMA integrity_check"));
    }

    private static void Define(SqliteDatabase database)
    {
        raw.sqlite3_create_collation(database.Handle, "unicase", null, (_, left, right) => string.Compare(left, right, StringComparison.OrdinalIgnoreCase));
        raw.sqlite3_create_function(
            database.Handle, "backwards", 1, raw.SQLITE_UTF8 | raw.SQLITE_DETERMINISTIC, null,
            (context, _, arguments) => raw.sqlite3_result_text(context, new string([.. raw.sqlite3_value_text(arguments[0]).utf8_to_string().Reverse()])));
    }

    // A page at the end, counted in the header (bytes 28 to 31).
    private static void AddUnusedPage(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite);
        int pageSize = SqliteFile.PageSize(path);
        file.SetLength(file.Length + pageSize);
        byte[] count = new byte[4];
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(count, (int)(file.Length / pageSize));
        file.Seek(28, SeekOrigin.Begin);
        file.Write(count);
    }

    // The index is out of the schema for a moment, so that changes pass it by.
    private static void LoseIndexEntries(string path)
    {
        string? root = SampleDatabase.Text(path, "SELECT rootpage FROM sqlite_master WHERE name = 'by_text'");
        SampleDatabase.Run(path, "PRAGMA writable_schema=ON", "DELETE FROM sqlite_master WHERE name = 'by_text'");
        SampleDatabase.Run(path, "UPDATE notes SET text = 'changed ' || id WHERE id % 500 = 0");
        SampleDatabase.Run(path, "PRAGMA writable_schema=ON", $"INSERT INTO sqlite_master VALUES ('index', 'by_text', 'notes', {root}, 'CREATE INDEX by_text ON notes(text)')");
    }
}
