using DbBackup.Engine.Platform;

using System.Buffers.Binary;

namespace DbBackup.Engine.Engines.Sqlite;

/// <summary>A SQLite database as files: its header and the files beside it. Format: sqlite.org/fileformat2.html, section 1.3.</summary>
public static class SqliteFile
{
    /// <summary>The size of the header.</summary>
    public const int HeaderSize = 100;

    /// <summary>No page, and so no database with anything in it, is smaller.</summary>
    public const int SmallestSize = 512;

    /// <summary>What SQLite puts behind the database's own name for the files that belong to it.</summary>
    public static IReadOnlyList<string> SidecarSuffixes { get; } = ["-wal", "-shm", "-journal"];

    /// <summary>True if a file's first bytes are those of a SQLite database.</summary>
    public static bool HasHeader(ReadOnlySpan<byte> start) => start.StartsWith("SQLite format 3\0"u8);

    /// <summary>True if an open file begins as a SQLite database does.</summary>
    internal static bool HasHeader(Microsoft.Win32.SafeHandles.SafeFileHandle file)
    {
        Span<byte> start = stackalloc byte[16];
        return RandomAccess.Read(file, start, 0) == start.Length && HasHeader(start);
    }

    /// <summary>True if a file begins as a SQLite database does; false where it cannot be read.</summary>
    public static bool IsDatabase(string path)
    {
        Span<byte> start = stackalloc byte[16];
        try
        {
            using FileStream file = OpenShared(path);
            return file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && HasHeader(start);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>True if a file is a database with anything in it. One that was just created in WAL mode may still be in its log alone.</summary>
    /// <param name="path">The file.</param>
    /// <param name="size">Its size in bytes.</param>
    internal static bool HoldsDatabase(string path, long size) =>
        !RawName.IsRaw(path) && (size == 0 ? new FileInfo(path + "-wal") is { Exists: true, Length: > 0 } : size >= SmallestSize && IsDatabase(path));

    /// <summary>True if the database keeps a write-ahead log (header byte 18: 2 means WAL).</summary>
    public static bool UsesWriteAheadLog(string path)
    {
        Span<byte> header = stackalloc byte[HeaderSize];
        using FileStream file = OpenShared(path);
        return file.ReadAtLeast(header, HeaderSize, throwOnEndOfStream: false) == HeaderSize && header[18] == 2;
    }

    /// <summary>The page size in bytes (header bytes 16 and 17, where 1 stands for 65536).</summary>
    public static int PageSize(string path)
    {
        Span<byte> header = stackalloc byte[HeaderSize];
        using FileStream file = OpenShared(path);
        file.ReadExactly(header);
        int stored = BinaryPrimitives.ReadUInt16BigEndian(header[16..]);
        return stored == 1 ? 65536 : stored;
    }

    /// <summary>The files that SQLite may keep beside a database.</summary>
    public static IEnumerable<string> Sidecars(string path) => SidecarSuffixes.Select(suffix => path + suffix);

    /// <summary>Bytes of the database and of its write-ahead log: no more than this is copied.</summary>
    public static long TotalSize(string path)
    {
        var log = new FileInfo(RealPath(path) + "-wal");
        return Length(path) + (log.Exists ? log.Length : 0);
    }

    /// <summary>Bytes of the database file; of the file that a symbolic link leads to, not of the link.</summary>
    public static long Length(string path) => new FileInfo(RealPath(path)).Length;

    /// <summary>Where a symbolic link leads; SQLite keeps its other files there.</summary>
    public static string RealPath(string path) => File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;

    // An application that has the database open must neither be disturbed nor disturb us.
    private static FileStream OpenShared(string path) =>
        RegularFile.Open(path);
}
