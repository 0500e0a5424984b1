namespace DbBackup.Engine.Discovery;

/// <summary>A SQLite database that a search has found.</summary>
/// <param name="Relative">Its path below the place that was searched, with a slash before it; empty for the place itself.</param>
/// <param name="UsesWriteAheadLog">True if it keeps a write-ahead log.</param>
/// <param name="Size">Bytes of the file and its log; null where that could not be told.</param>
internal sealed record FoundDatabaseFile(string Relative, bool UsesWriteAheadLog, long? Size);

/// <summary>What a search passes over, and where it ends.</summary>
internal static class SearchLimits
{
    /// <summary>Folders below the place.</summary>
    public const int Depth = 10;

    /// <summary>Files that are opened in one place: a library of photos is not read to its end for a database that it does not have.</summary>
    public const int Files = 20_000;

    /// <summary>SQLite's smallest page, and so its smallest database (sqlite.org/fileformat2.html, section 1.3.2).</summary>
    public const int SmallestDatabase = 512;

    /// <summary>Folders with very many files and no application's data, and the work of this product.</summary>
    public static IReadOnlyList<string> PassedOver { get; } = ["node_modules", ".git", "__pycache__", ".dbbackup", ".dbbackup-*"];

    /// <summary>The file that says that a folder is PostgreSQL's own.</summary>
    public const string PostgreSqlMark = "PG_VERSION";

    /// <summary>True if a place with a server's data in this folder of it is the server's as a whole: images have them in few places.</summary>
    /// <param name="relative">The folder, with a slash before it; empty for the place itself.</param>
    public static bool IsServerData(string relative) =>
        relative is "" or "/data" or "/pgdata" || (relative.Split('/') is ["", var version, "docker" or "data"] && version.All(char.IsAsciiDigit));
}
