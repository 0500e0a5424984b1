using DbBackup.Engine.Engines.Sqlite;

namespace DbBackup.Testing;

/// <summary>Makes SQLite databases and asks them, through the driver of the engine.</summary>
internal static class SampleDatabase
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>A table of notes with so many rows.</summary>
    public static string Create(string path, int rows = 100, string? journal = null, string mark = "note")
    {
        Run(
            path,
            journal is null ? "SELECT 1" : $"PRAGMA journal_mode={journal}",
            "CREATE TABLE notes(id INTEGER PRIMARY KEY, text TEXT, filler BLOB)",
            $"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < {rows}) INSERT INTO notes SELECT i, '{mark} ' || i, zeroblob(200) FROM n");
        return path;
    }

    /// <summary>Runs statements, creating the file where it is missing.</summary>
    public static void Run(string path, params string[] statements)
    {
        using SqliteDatabase database = SqliteDatabase.OpenForWriting(path, Patience, CancellationToken.None);
        foreach (string statement in statements)
            database.ExecuteRaw(statement);
    }

    /// <summary>The first value of a query.</summary>
    public static string? Text(string path, string sql)
    {
        using SqliteDatabase database = SqliteDatabase.OpenLive(path, Patience, CancellationToken.None);
        return database.Text(sql);
    }

    /// <summary>The fingerprint with contents, as a text that can be compared.</summary>
    public static string Content(string path) => string.Join(
        '\n', SqliteFingerprint.Take(path, FingerprintLevel.Content, CancellationToken.None).Tables.Select(table => $"{table.Name} {table.Rows} {table.ContentSha256}"));

    /// <summary>Overwrites a page in the middle with garbage.</summary>
    public static void Damage(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite);
        int pageSize = SqliteFile.PageSize(path);
        long pages = file.Length / pageSize;
        byte[] garbage = new byte[pageSize];
        new Random(1).NextBytes(garbage);
        for (long page = pages / 2; page < Math.Min(pages, (pages / 2) + 3); page++)
        {
            file.Seek(page * pageSize, SeekOrigin.Begin);
            file.Write(garbage);
        }
    }

    /// <summary>Overwrites one page with garbage.</summary>
    /// <param name="path">The database.</param>
    /// <param name="page">The page's number, from 1.</param>
    /// <param name="keep">How many bytes at its start stay.</param>
    public static void DamagePage(string path, int page, int keep = 0)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite);
        int pageSize = SqliteFile.PageSize(path);
        byte[] garbage = new byte[pageSize - keep];
        new Random(1).NextBytes(garbage);
        file.Seek(((long)(page - 1) * pageSize) + keep, SeekOrigin.Begin);
        file.Write(garbage);
    }
}
