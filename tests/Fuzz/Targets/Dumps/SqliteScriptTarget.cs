using DbBackup.Engine.Engines.Sqlite;

namespace DbBackup.Tests.Fuzz.Targets.Dumps;

/// <summary>SQL text for SQLite: it writes its own database and nothing else.</summary>
internal sealed class SqliteScriptTarget : FuzzTarget
{
    public override InputForm Form => InputForm.Text;

    public override int LongestInput => 1 << 14;

    public override IReadOnlyList<string> Words =>
    [
        "ATTACH '", "DETACH ", "VACUUM INTO '", "VACUUM;", "PRAGMA ", "PRAGMA journal_mode=WAL;", "writable_schema=ON;", "CREATE VIRTUAL TABLE f USING fts5(a);", "CREATE TRIGGER t AFTER INSERT ON notes BEGIN ", "END;", "BEGIN;", "COMMIT;", "ROLLBACK;",
        "SAVEPOINT a;", "load_extension('x')", "x'00", "zeroblob(9)", "char(0)", ".shell id", "INSERT INTO notes VALUES(", "sqlite_master", "CREATE TABLE ",
    ];

    public override IEnumerable<byte[]> Seeds() =>
    [
        Utf8("PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE notes(id INTEGER PRIMARY KEY, text TEXT);\nINSERT INTO notes VALUES(1,'it''s');\nINSERT INTO notes VALUES(2,replace('a\\nb','\\n',char(10)));\nCREATE INDEX i ON notes(text);\nCOMMIT;\nPRAGMA user_version=3;\n"),
        Utf8("BEGIN;\nCREATE TABLE a(x);\nCREATE TABLE b(x);\nCREATE TRIGGER t AFTER INSERT ON a BEGIN INSERT INTO b VALUES(new.x); END;\nINSERT INTO a VALUES(x'00ff');\nCOMMIT;\n"),
    ];

    public override object? Run(byte[] input)
    {
        string folder = Folder[Guid.NewGuid().ToString("N")];
        Directory.CreateDirectory(folder);
        string database = Path.Join(folder, "app.db");
        try
        {
            using var text = new MemoryStream(input);
            SqlScript.Load(text, database, CancellationToken.None);
            return SqliteFingerprint.Take(database, FingerprintLevel.Content, CancellationToken.None).Tables.Count;
        }
        finally
        {
            Require(Directory.EnumerateFileSystemEntries(folder).All(path => path.StartsWith(database, StringComparison.Ordinal)), "nothing but the database is written");
            Directory.Delete(folder, recursive: true);
        }
    }
}
