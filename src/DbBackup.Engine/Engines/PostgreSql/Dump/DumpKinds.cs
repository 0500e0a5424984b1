namespace DbBackup.Engine.Engines.PostgreSql.Dump;

/// <summary>The kind of a dump that pg_dump or pg_dumpall made.</summary>
internal enum DumpKind
{
    /// <summary>An archive of <c>pg_dump -Fc</c>.</summary>
    Custom,

    /// <summary>An archive of <c>pg_dump -Ft</c>.</summary>
    Tar,

    /// <summary>A folder of <c>pg_dump -Fd</c>.</summary>
    Directory,

    /// <summary>A SQL script of pg_dump.</summary>
    Plain,

    /// <summary>A SQL script of pg_dumpall.</summary>
    Cluster,
}

/// <summary>Tells dumps of PostgreSQL apart, and from everything else.</summary>
internal static class DumpKinds
{
    // The table of contents in an archive of pg_dump -Fd or -Ft.
    private const string TableOfContents = "toc.dat";

    // archCustom in pg_backup.h. Folders and tars state archTar, 3, both: their tables of contents are the same.
    private const byte CustomFormat = 1;
    private const int ArchiveHeaderBytes = 11;

    /// <summary>Returns the kind; null for what is no dump of PostgreSQL.</summary>
    public static DumpKind? Of(ForeignFile file)
    {
        if (file.IsFolder)
            return IsArchiveFolder(file.Path) ? DumpKind.Directory : null;
        // The table of contents of a folder or tar, taken for itself, is no dump.
        if (ArchiveFormat(file.Start.Span) is { } format)
            return format == CustomFormat ? DumpKind.Custom : null;
        if (file.IsTar)
            return file.Start.Span.StartsWith("toc.dat\0"u8) ? DumpKind.Tar : null;
        string text = file.ReadText();
        if (HasLine(text, "-- PostgreSQL database cluster dump"))
            return DumpKind.Cluster;
        return HasLine(text, "-- PostgreSQL database dump") ? DumpKind.Plain : null;
    }

    /// <summary>Returns the first bytes of a folder's table of contents; none where it has none.</summary>
    public static ReadOnlyMemory<byte> StartOfContents(string folder, int bytes)
    {
        string contents = Path.Join(folder, TableOfContents);
        foreach ((string name, string compression) in new[] { (contents, PayloadCompression.None), (contents + ".gz", PayloadCompression.Gzip) })
        {
            if (File.Exists(name))
                return ForeignFile.StartOf(name, compression, bytes);
        }

        return default;
    }

    private static bool IsArchiveFolder(string path) => ArchiveFormat(StartOfContents(path, ArchiveHeaderBytes).Span) is { } and not CustomFormat;

    // WriteHead in pg_backup_archiver.c: the magic word, three bytes of the version, the sizes of numbers and offsets, the format.
    private static byte? ArchiveFormat(ReadOnlySpan<byte> start) =>
        start.Length >= ArchiveHeaderBytes && start.StartsWith("PGDMP"u8) ? start[ArchiveHeaderBytes - 1] : null;

    private static bool HasLine(string text, string line) => text.Split('\n').Any(candidate => candidate.TrimEnd() == line);
}
