using DbBackup.Engine.Backups;
using DbBackup.Engine.Sources.Sqlite;
using DbBackup.Engine.Tests.Testing;

namespace DbBackup.Engine.Tests.Sources.Sqlite;

public sealed class SqliteContentTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [SkippableTheory]
    [InlineData(SqliteFormat.Native)]
    [InlineData(SqliteFormat.Sql)]
    public async Task All_that_applications_rely_on_comes_back(SqliteFormat format)
    {
        Require.Tool("sqlite3");
        string path = _bench["app.db"];
        SampleDatabase.Run(
            path,
            "PRAGMA encoding='UTF-16le'; PRAGMA page_size=8192; PRAGMA auto_vacuum=2; PRAGMA journal_mode=WAL",
            "PRAGMA user_version=77; PRAGMA application_id=4711",
            "CREATE TABLE \"odd \"\" name\"(id INTEGER PRIMARY KEY AUTOINCREMENT, t TEXT COLLATE NOCASE, r REAL, b BLOB, g AS (id * 2))",
            "INSERT INTO \"odd \"\" name\"(t, r, b) VALUES ('line' || char(13,10) || 'é 🎉 ''; COMMIT;', 1e300, x'00ff'), (NULL, -0.1, zeroblob(5)), ('ROLLBACK;', 9e999, '')",
            "CREATE TABLE keyed(a TEXT, b INT, PRIMARY KEY(a, b)) WITHOUT ROWID; INSERT INTO keyed VALUES ('x', 1)",
            "CREATE VIEW v AS SELECT * FROM keyed; CREATE INDEX i ON keyed(b) WHERE b > 0",
            "CREATE TRIGGER t AFTER INSERT ON keyed BEGIN UPDATE keyed SET b = b + 1 WHERE a = 'y'; SELECT RAISE(IGNORE); END",
            "CREATE VIRTUAL TABLE search USING fts5(body); INSERT INTO search VALUES ('find me'), ('not you')");

        Backup backup = await _bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(path, format)], Fingerprint = FingerprintLevel.Content, Verify = true });
        string copy = await _bench.RestoredCopyAsync(backup);

        Assert.Equal(BackupStatus.Matched, backup.Status);
        string before = SampleDatabase.Content(path);
        Assert.Equal(before, SampleDatabase.Content(copy));
        foreach ((string pragma, string value) in (KeyValuePair<string, string>[])
            [new("user_version", "77"), new("application_id", "4711"), new("journal_mode", "wal"), new("auto_vacuum", "2"), new("encoding", "UTF-16le"), new("page_size", "8192")])
        {
            Assert.Equal(value, SampleDatabase.Text(copy, "PRAGMA " + pragma));
        }

        Assert.Equal("1", SampleDatabase.Text(copy, "SELECT count(*) FROM search WHERE search MATCH 'find'"));
    }

    [SkippableFact]
    public void Control_the_stock_dump_loses_the_pragmas()
    {
        SampleDatabase.Create(_bench["app.db"], journal: "WAL");
        SampleDatabase.Run(_bench["app.db"], "PRAGMA user_version=7");

        File.WriteAllText(_bench["app.sql"], Shell.Run("sqlite3", _bench["app.db"], ".dump"));
        Shell.Run("sqlite3", _bench["loaded.db"], ".read " + _bench["app.sql"]);

        Assert.Equal("0", SampleDatabase.Text(_bench["loaded.db"], "PRAGMA user_version"));
        Assert.Equal("delete", SampleDatabase.Text(_bench["loaded.db"], "PRAGMA journal_mode"));
    }

    [SkippableFact]
    public async Task A_database_with_strict_tables_is_backed_up()
    {
        Skip.If(Version.Parse(SqliteLibrary.Version) < new Version(3, 37), "This SQLite knows no STRICT tables.");
        SampleDatabase.Run(_bench["app.db"], "CREATE TABLE s(id INTEGER PRIMARY KEY, t TEXT) STRICT", "INSERT INTO s VALUES (1, 'x')");

        Assert.Equal(1, (await _bench.BackUpAsync(_bench["app.db"])).Manifest!.Fingerprint!.TotalRows);
    }

    [Theory]
    [InlineData("'b2', 'a1'", "a1,b2")]
    [InlineData("'ae1027a6acf'", "ae1027a6acf")]
    public async Task The_alembic_revision_is_recorded(string heads, string expected)
    {
        SampleDatabase.Create(_bench["app.db"]);
        SampleDatabase.Run(_bench["app.db"], "CREATE TABLE alembic_version(version_num VARCHAR(32) NOT NULL)");
        foreach (string head in heads.Split(", "))
            SampleDatabase.Run(_bench["app.db"], $"INSERT INTO alembic_version VALUES ({head})");

        Assert.Equal(expected, (await _bench.BackUpAsync(_bench["app.db"])).SchemaRevision);
    }

    [Fact]
    public async Task A_table_called_alembic_version_that_is_none_does_not_fail_the_backup()
    {
        SampleDatabase.Create(_bench["app.db"]);
        SampleDatabase.Run(_bench["app.db"], "CREATE TABLE alembic_version(other INT)", "INSERT INTO alembic_version VALUES (1)");

        Assert.Null((await _bench.BackUpAsync(_bench["app.db"])).SchemaRevision);
    }

    [SkippableFact]
    public async Task The_git_commit_and_branch_of_the_folder_are_recorded()
    {
        Require.Tool("git");
        SampleDatabase.Create(_bench["app.db"]);
        string folder = _bench.Folder.Path;
        Assert.Null((await _bench.BackUpAsync(_bench["app.db"])).GitCommit);
        Shell.Run("git", "-C", folder, "init", "-q", "-b", "trunk");
        Shell.Run("git", "-C", folder, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "--allow-empty", "-m", "first");

        Backup backup = await _bench.BackUpAsync(_bench["app.db"]);

        Assert.Equal(Shell.Run("git", "-C", folder, "rev-parse", "HEAD").Trim(), backup.GitCommit);
        Assert.Equal("trunk", backup.Manifest!.Git!.Branch);
    }

    [Fact]
    public void The_fingerprint_sees_rows_and_schema_and_only_with_contents_a_changed_value()
    {
        string path = SampleDatabase.Create(_bench["app.db"]);
        Fingerprint rows = Take(path, FingerprintLevel.Rows), content = Take(path, FingerprintLevel.Content);

        SampleDatabase.Run(path, "UPDATE notes SET text = 'other' WHERE id = 50");
        Assert.Empty(rows.DifferencesFrom(Take(path, FingerprintLevel.Rows)));
        Assert.Single(content.DifferencesFrom(Take(path, FingerprintLevel.Content)));

        SampleDatabase.Run(path, "DELETE FROM notes WHERE id = 50");
        Assert.Contains("99 rows instead of 100", Assert.Single(rows.DifferencesFrom(Take(path, FingerprintLevel.Rows))), StringComparison.Ordinal);

        SampleDatabase.Run(path, "INSERT INTO notes VALUES (50, 'note 50', zeroblob(200))");
        Assert.Empty(content.DifferencesFrom(Take(path, FingerprintLevel.Content)));

        SampleDatabase.Run(path, "CREATE INDEX later ON notes(text)");
        Assert.Contains("schema", Assert.Single(rows.DifferencesFrom(Take(path, FingerprintLevel.Rows))), StringComparison.Ordinal);
    }

    [Fact]
    public void The_fingerprint_does_not_depend_on_the_order_of_rows()
    {
        foreach ((string name, string order) in ((string, string)[])[("a.db", "1), (2), (2), (3"), ("b.db", "3), (2), (1), (2")])
            SampleDatabase.Run(_bench[name], "CREATE TABLE t(x)", $"INSERT INTO t VALUES ({order})");
        SampleDatabase.Run(_bench["c.db"], "CREATE TABLE t(x)", "INSERT INTO t VALUES (1), (1), (2), (3)");

        Assert.Equal(SampleDatabase.Content(_bench["a.db"]), SampleDatabase.Content(_bench["b.db"]));
        Assert.NotEqual(SampleDatabase.Content(_bench["a.db"]), SampleDatabase.Content(_bench["c.db"]));
    }

    [Fact]
    public void A_line_feed_in_a_text_that_is_loaded_stays_what_it_was()
    {
        string sql = "CREATE TABLE t(x);\nINSERT INTO t VALUES('a\rb\r\nc\nd');\n";
        using var text = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(sql));

        SqlScript.Load(text, _bench["loaded.db"], CancellationToken.None);

        Assert.Equal("a\rb\r\nc\nd", SampleDatabase.Text(_bench["loaded.db"], "SELECT x FROM t"));
    }

    private static Fingerprint Take(string path, FingerprintLevel level) => SqliteFingerprint.Take(path, level, CancellationToken.None);
}
