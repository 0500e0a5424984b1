using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Testing;

namespace DbBackup.Tests.Fuzz.Targets.Archives;

/// <summary>A SQLite database file out of a payload or from elsewhere: its check and its fingerprint.</summary>
internal sealed class SqliteFileTarget : FuzzTarget
{
    public override IReadOnlyList<string> Words => ["CREATE TABLE t(a,b)", "CREATE VIEW v AS SELECT 1", "CREATE TRIGGER", "sqlite_sequence", "alembic_version", "GENERATED ALWAYS AS (a)"];

    public override IEnumerable<byte[]> Seeds()
    {
        string path = Folder["seed.db"];
        SampleDatabase.Run(
            path,
            "PRAGMA page_size=512",
            "CREATE TABLE notes(id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT, filler BLOB, twice INT GENERATED ALWAYS AS (id * 2))",
            "CREATE INDEX by_text ON notes(text)",
            "CREATE VIEW recent AS SELECT * FROM notes",
            "CREATE TABLE alembic_version(version_num TEXT)",
            "INSERT INTO alembic_version VALUES ('abc')",
            "INSERT INTO notes(text, filler) VALUES ('one', zeroblob(700)), ('two', x'00ff'), (NULL, 1.5)");
        byte[] seed = File.ReadAllBytes(path);
        File.Delete(path);
        return [seed];
    }

    public override object? Run(byte[] input)
    {
        string path = Folder[$"{Guid.NewGuid():N}.db"];
        File.WriteAllBytes(path, input);
        try
        {
            string? damage = SqliteCheck.Run(path, path, thorough: true, CancellationToken.None).Damage;
            Fingerprint facts = SqliteFingerprint.Take(path, FingerprintLevel.Content, CancellationToken.None);
            Fingerprint again = SqliteFingerprint.Take(path, FingerprintLevel.Content, CancellationToken.None);
            Require(facts.DifferencesFrom(again).Count == 0, "the fingerprint of a file is always the same");
            return (damage is null, facts.Tables.Count);
        }
        finally
        {
            foreach (string file in Directory.EnumerateFiles(Folder.Path))
                File.Delete(file);
        }
    }
}
