using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Engine.Portability;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Engines.Sqlite;

/// <summary>What comes back through the stock dump and through ours, and what git says of the folder.</summary>
[Trait("Category", "Tool")]
public sealed class SqliteDumpTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
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

    [Theory]
    [InlineData("out.sql", ExportFormat.Sql)]
    [InlineData("out.sql.gz", ExportFormat.Sql)]
    [InlineData("out.db", ExportFormat.Native)]
    public async Task An_export_of_a_database_in_WAL_mode_leaves_its_file_alone(string name, ExportFormat format)
    {
        Require.Tool("sqlite3");
        Backup backup = await _bench.BackUpAsync(SampleDatabase.Create(_bench["app.db"], journal: "WAL"));
        string folder = Directory.CreateDirectory(_bench["out"]).FullName;

        await ExportAsync(backup, Path.Join(folder, name), format);

        Assert.Equal(name, Path.GetFileName(Assert.Single(Directory.EnumerateFileSystemEntries(folder))));
    }

    [Fact]
    public async Task The_log_of_a_database_that_an_export_overwrites_is_not_taken_for_its_own()
    {
        string path = SampleDatabase.Create(_bench["app.db"], journal: "WAL");
        Backup backup = await _bench.BackUpAsync(path);
        string folder = Directory.CreateDirectory(_bench["out"]).FullName;
        string target = Path.Join(folder, "app.db");
        // A process that was killed left it so.
        using (var writer = SqliteDatabase.OpenForWriting(path, SampleDatabase.Patience, CancellationToken.None))
        {
            writer.ExecuteRaw("UPDATE notes SET text = 'of the overwritten database'");
            foreach (string suffix in (string[])["", "-wal"])
                File.Copy(path + suffix, target + suffix);
        }

        await ExportAsync(backup, target, ExportFormat.Native, force: true);

        Assert.Equal("note 1", SampleDatabase.Text(target, "SELECT text FROM notes WHERE id = 1"));
    }

    [Fact]
    public void Control_the_stock_dump_loses_the_pragmas()
    {
        SampleDatabase.Create(_bench["app.db"], journal: "WAL");
        SampleDatabase.Run(_bench["app.db"], "PRAGMA user_version=7");

        File.WriteAllText(_bench["app.sql"], Shell.Run("sqlite3", _bench["app.db"], ".dump"));
        Shell.Run("sqlite3", _bench["loaded.db"], ".read " + _bench["app.sql"]);

        Assert.Equal("0", SampleDatabase.Text(_bench["loaded.db"], "PRAGMA user_version"));
        Assert.Equal("delete", SampleDatabase.Text(_bench["loaded.db"], "PRAGMA journal_mode"));
    }

    [Fact]
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

    private Task<IReadOnlyList<string>> ExportAsync(Backup backup, string path, ExportFormat format, bool force = false) => new BackupExporter(_bench.Repository).ExportAsync(
        new ExportRequest { Backup = backup, Destination = path, Format = format, Force = force }, _bench.Observer, CancellationToken.None);
}
