using DbBackup.Engine.Engines;

namespace DbBackup.Engine.Portability;

/// <summary>Tells files that can be imported from those that are no backups, and from backups that are broken.</summary>
internal static class ImportCheck
{
    private static readonly string[] s_companions = ["-wal", "-shm", "-journal"];

    private static readonly (byte[] Beginning, string Program)[] s_encryptions =
    [
        ("Salted__"u8.ToArray(), "openssl enc"),
        ("age-encryption.org/"u8.ToArray(), "age"),
        ("-----BEGIN PGP MESSAGE"u8.ToArray(), "gpg"),
    ];

    /// <summary>Returns why a file is no backup, by its first bytes; null for one that can be imported.</summary>
    /// <exception cref="BackupException">It is a backup, and cannot be used.</exception>
    public static string? WhyNot(string path)
    {
        string name = Path.GetFileName(path);
        if (Array.Find(s_companions, ending => name.EndsWith(ending, StringComparison.Ordinal)) is { } companion && File.Exists(path[..^companion.Length]))
            return $"it belongs to '{path[..^companion.Length]}'";
        if (new FileInfo(path) is { LinkTarget: null, Length: 0 })
            return ForeignName.WithoutEndings(path) == name ? "it is empty" : throw Empty(path);
        ForeignFile file = ForeignFile.Read(path);
        if (file.IsTar || DatabaseEngines.Recognize(file) is not null)
            return null;
        if (file.Compression != PayloadCompression.None && file.Start.IsEmpty)
            throw CutOff(path);
        if (Array.Find(s_encryptions, one => file.Start.Span.StartsWith(one.Beginning)) is { Program: { } program })
            throw Encrypted(path, program);
        if (file.IsUtf16 || (file.Start.Span.StartsWith("PGDMP"u8) && name != "toc.dat"))
            throw NotRecognized(file);
        return "its content is neither a database, a dump of one, nor a tar archive";
    }

    /// <summary>Returns the failure for what is of no kind that can be imported.</summary>
    public static BackupFailure NotRecognized(ForeignFile file) => file.IsUtf16
        ? new BackupFailure(
            ErrorCodes.ImportNotRecognized,
            FailureCategory.InvalidData,
            $"'{file.Path}' is UTF-16 text: Windows PowerShell's > (or Out-File) read the dump program's output as text and re-encoded it. Bytes of the dump may be lost.",
            "Make the dump again and let the program write the file itself (pg_dump --file=shop.sql, sqlite3 shop.db \".output shop.sql\" .dump), then import that.")
        { Target = file.Path }
        : new BackupFailure(
            ErrorCodes.ImportNotRecognized,
            FailureCategory.NotSupported,
            $"'{file.Path}' is neither a database, a dump of one, nor a tar archive, as far as its content tells.",
            $"These can be imported: {DatabaseEngines.ForeignFiles}, a tar or folder with a database; each also compressed by gzip, zstd, xz or bzip2.")
        { Target = file.Path };

    /// <summary>Returns the failure for what cannot be read.</summary>
    public static BackupFailure Unreadable(string path, Exception exception) => new(
        ErrorCodes.SourceUnreadable,
        exception is UnauthorizedAccessException ? FailureCategory.PermissionDenied : FailureCategory.ReadError,
        $"'{path}' cannot be read: {exception.Message}",
        "Run as a user who is allowed to read it, or check its disk.",
        exception)
    { Target = path };

    private static BackupFailure Empty(string path) => new(
        ErrorCodes.DumpIncomplete,
        FailureCategory.InvalidData,
        $"'{path}' is empty: the program that should have written it failed, or its disk was full.",
        "Use another one, and remove this one.")
    { Target = path };

    private static BackupFailure CutOff(string path) => new(
        ErrorCodes.DumpIncomplete,
        FailureCategory.InvalidData,
        $"'{path}' cannot be decompressed: it was damaged or cut off near its beginning.",
        "Use another one, and remove this one.")
    { Target = path };

    private static BackupFailure Encrypted(string path, string program) => new(
        ErrorCodes.ImportNotRecognized,
        FailureCategory.NotSupported,
        $"'{path}' is encrypted by {program}, so it was not imported.",
        $"Decrypt it with {program} into a private folder first, and import that file.")
    { Target = path };
}
