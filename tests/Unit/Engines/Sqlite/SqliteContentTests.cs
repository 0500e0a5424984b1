using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Engines.Sqlite;

public sealed class SqliteContentTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

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
