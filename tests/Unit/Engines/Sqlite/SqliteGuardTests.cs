using System.Text;
using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Engines.Sqlite;

/// <summary>SQL of foreign origin reaches no other file and loads no code.</summary>
public sealed class SqliteGuardTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("ATTACH '{0}' AS live; DELETE FROM live.notes;")]
    [InlineData("ATTACH 'file:{0}?mode=rwc' AS live; DROP TABLE live.notes;")]
    [InlineData("VACUUM INTO '{1}';")]
    [InlineData("ATTACH '{1}' AS planted; CREATE TABLE planted.t(x);")]
    [InlineData("SELECT fts3_tokenizer('simple', x'4141414141414141');")]
    [InlineData("SELECT load_extension('{1}');")]
    [InlineData("CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT fts3_tokenizer('simple', x'4141414141414141'); END; INSERT INTO t VALUES (2);")]
    public void Text_that_reaches_beyond_its_database_is_refused_and_changes_nothing(string attack)
    {
        string live = SampleDatabase.Create(_bench["live.db"]), planted = _bench["planted.db"], before = SampleDatabase.Content(live);
        string sql = "CREATE TABLE t(x);\nINSERT INTO t VALUES (1);\n" + string.Format(System.Globalization.CultureInfo.InvariantCulture, attack, live, planted) + "\n";

        BackupFailure failure = Assert.Throws<BackupFailure>(() => Load(sql));

        Assert.Equal(ErrorCodes.UnsafeContent, failure.Code);
        Assert.Equal(before, SampleDatabase.Content(live));
        Assert.False(File.Exists(planted));
    }

    [Theory]
    [InlineData("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c;")]
    [InlineData("CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT max(x) FROM (WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c); END;\nINSERT INTO t VALUES (2);")]
    [InlineData("CREATE VIEW v AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c;\nINSERT INTO t SELECT max(x) FROM v;")]
    public void A_statement_without_an_end_is_ended(string sql)
    {
        BackupFailure failure = Assert.Throws<BackupFailure>(() => Load("CREATE TABLE t(x);\n" + sql + "\n"));

        Assert.Equal(ErrorCodes.UnsafeContent, failure.Code);
        Assert.Contains("does not come to an end", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_statement_without_an_end_is_cancelled_at_once()
    {
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        using var sql = new MemoryStream("CREATE TABLE t(x);\nWITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c;\n"u8.ToArray());
        var waited = System.Diagnostics.Stopwatch.StartNew();

        Assert.ThrowsAny<OperationCanceledException>(() => SqlScript.Load(sql, _bench["loaded.db"], cancel.Token));

        Assert.True(waited.Elapsed < TimeSpan.FromSeconds(5), $"{waited.Elapsed}");
    }

    [Fact]
    public void A_revision_table_that_is_a_view_without_an_end_is_not_asked()
    {
        string file = _bench["view.db"];
        SampleDatabase.Run(file, "CREATE VIEW alembic_version(version_num) AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c;");
        Assert.Null(SqliteFingerprint.SchemaRevision(file, CancellationToken.None));
        File.Delete(file);
        SampleDatabase.Run(file, "CREATE TABLE alembic_version(version_num); INSERT INTO alembic_version WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 5000) SELECT printf('%.*c', 1000, 'x') FROM c;");
        Assert.Equal(100 * 201 - 1, SqliteFingerprint.SchemaRevision(file, CancellationToken.None)!.Length);
    }

    [Fact]
    public void A_long_text_with_semicolons_at_the_ends_of_its_lines_loads_in_the_time_of_its_length()
    {
        string value = string.Concat(Enumerable.Repeat("line; it''s \"one\" [of] many -- /* ;\n", 400_000));
        var watch = System.Diagnostics.Stopwatch.StartNew();
        Load($"CREATE TABLE t(x, \"a;\nb\"); -- a comment; and 'a quote\n/* one; \n two; ' */ INSERT INTO t VALUES ('{value}', 1);\nCREATE TABLE u(x);\n");

        Assert.Equal($"{value.Replace("''", "'", StringComparison.Ordinal).Length}", SampleDatabase.Text(_bench["loaded.db"], "SELECT length(x) FROM t"));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"{watch.Elapsed}");
    }

    [Fact]
    public void Settings_beyond_the_database_have_no_effect_and_its_own_have()
    {
        string elsewhere = _bench["elsewhere"];
        Load($"PRAGMA temp_store_directory='{elsewhere}';\nPRAGMA user_version=7;\nPRAGMA foreign_keys=OFF;\nCREATE TABLE t(x);\nVACUUM;\n");

        Assert.Equal("7", SampleDatabase.Text(_bench["loaded.db"], "PRAGMA user_version"));
    }

    [Fact]
    public void A_dump_with_full_text_and_spatial_indexes_loads_as_before()
    {
        Load(
            """
            PRAGMA foreign_keys=OFF;
            BEGIN TRANSACTION;
            CREATE VIRTUAL TABLE words USING fts5(body);
            INSERT INTO words VALUES ('find me');
            CREATE VIRTUAL TABLE old USING fts4(body, tokenize=porter);
            INSERT INTO old VALUES ('finding');
            CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1);
            INSERT INTO boxes VALUES (1, 0, 2);
            CREATE TABLE plain(a, b AS (upper(a) || printf('%05d', length(a))));
            INSERT INTO plain VALUES ('x');
            CREATE INDEX computed ON plain(lower(a)) WHERE instr(a, 'x') > 0;
            CREATE VIEW v AS SELECT body, (SELECT count(*) FROM boxes) n FROM words WHERE words MATCH 'find';
            CREATE TRIGGER t AFTER INSERT ON plain BEGIN INSERT INTO words VALUES (new.a); END;
            INSERT INTO plain VALUES ('find');
            COMMIT;

            """);

        Assert.Equal("2", SampleDatabase.Text(_bench["loaded.db"], "SELECT count(*) FROM v"));
        Assert.Equal("1", SampleDatabase.Text(_bench["loaded.db"], "SELECT count(*) FROM old WHERE old MATCH 'find'"));
        Assert.Equal("ok", SampleDatabase.Text(_bench["loaded.db"], "PRAGMA integrity_check"));
    }

    [Fact]
    public void A_foreign_file_reaches_nothing_while_it_is_looked_at()
    {
        string path = SampleDatabase.Create(_bench["app.db"]), planted = _bench["planted.db"];
        using SqliteDatabase database = SqliteDatabase.OpenForWriting(path, TimeSpan.Zero, CancellationToken.None);

        Assert.Throws<BackupFailure>(() => database.ExecuteRaw($"ATTACH '{planted}' AS p"));
        Assert.Throws<BackupFailure>(() => database.ExecuteRaw($"VACUUM INTO '{planted}'"));
        database.ExecuteRaw("VACUUM");

        Assert.False(File.Exists(planted));
    }

    private void Load(string sql)
    {
        using var text = new MemoryStream(Encoding.UTF8.GetBytes(sql));
        SqlScript.Load(text, _bench["loaded.db"], CancellationToken.None);
    }
}
