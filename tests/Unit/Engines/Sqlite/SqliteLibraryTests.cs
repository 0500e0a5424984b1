using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Engines.Sqlite;

/// <summary>The SQLite that comes with the module opens what newer and older applications write.</summary>
public sealed class SqliteLibraryTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void It_is_the_bundled_one_and_current() =>
        Assert.True(Version.Parse(SqliteLibrary.Version) >= new Version(3, 53), SqliteLibrary.Version);

    // Each of these schemas is unreadable ("malformed database schema") to the release before the one that brought it.
    [Theory]
    [InlineData("3.37", "CREATE TABLE newer(id INTEGER PRIMARY KEY, t ANY) STRICT; INSERT INTO newer VALUES (1, 'x')")]
    [InlineData("3.44", "CREATE TABLE newer(id INTEGER PRIMARY KEY, t TEXT); INSERT INTO newer VALUES (1, 'x'); CREATE VIEW joined AS SELECT group_concat(t, ', ' ORDER BY id DESC) AS all_of_it FROM newer")]
    [InlineData("3.45", "CREATE TABLE newer(id INTEGER PRIMARY KEY, t BLOB AS (jsonb('{\"a\":' || id || '}')) STORED); INSERT INTO newer(id) VALUES (1); CREATE INDEX by_json ON newer(jsonb_extract(t, '$.a'))")]
    [InlineData("3.47", "CREATE TABLE newer(id INTEGER PRIMARY KEY, t TEXT); CREATE TRIGGER refuse BEFORE DELETE ON newer BEGIN SELECT RAISE(ABORT, 'no ' || OLD.id); END; INSERT INTO newer VALUES (1, 'x')")]
    public async Task A_schema_that_needs_a_newer_release_is_backed_up_restored_and_compared(string release, string sql)
    {
        Assert.NotEmpty(release);
        string path = _bench["app.db"];
        SampleDatabase.Run(path, sql);

        Backup backup = await _bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(path)], Fingerprint = FingerprintLevel.Content, Verify = true });
        string copy = await _bench.RestoredCopyAsync(backup);

        Assert.Equal(BackupStatus.Matched, backup.Status);
        Assert.Equal(1, backup.Manifest!.Payloads[0].Fingerprint!.TotalRows);
        Assert.Equal(SampleDatabase.Content(path), SampleDatabase.Content(copy));
        Assert.Equal(SampleDatabase.Text(path, "SELECT group_concat(sql) FROM sqlite_schema"), SampleDatabase.Text(copy, "SELECT group_concat(sql) FROM sqlite_schema"));
    }

    // The library is built without both; the stock program, whose dumps these are, allows them.
    [Theory]
    [InlineData("a child before its parent", "CREATE TABLE parent(id INTEGER PRIMARY KEY);\nCREATE TABLE child(id INTEGER REFERENCES parent(id));\nINSERT INTO child VALUES(7);\nINSERT INTO parent VALUES(7);\n")]
    [InlineData("a text in double quotes", "CREATE TABLE t(x TEXT DEFAULT \"none\");\nINSERT INTO t VALUES(\"a text\");\nCREATE INDEX i ON t(x) WHERE x <> \"none\";\n")]
    public void A_dump_as_the_stock_program_accepts_it_is_loaded(string what, string sql)
    {
        Assert.NotEmpty(what);
        using var text = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(sql));

        SqlScript.Load(text, _bench["loaded.db"], CancellationToken.None);

        Assert.Null(SqliteCheck.Run(_bench["loaded.db"], "loaded", thorough: true, CancellationToken.None).Damage);
        Assert.NotEqual("0", SampleDatabase.Text(_bench["loaded.db"], "SELECT sum(1) FROM " + (what.StartsWith("a child", StringComparison.Ordinal) ? "child" : "t")));
    }
}
