using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.Sqlite;

/// <summary>Imports SQLite databases, SQL dumps of them, and the backups of PATS' own scripts.</summary>
internal static class SqliteImport
{
    // Databases shrink to about a quarter.
    private const int GuessedRatio = 4;
    private static readonly TimeSpan LockTimeout = TimeSpan.FromSeconds(30);
    private static readonly string[] s_beginnings = ["PRAGMA ", "BEGIN TRANSACTION", "BEGIN;", "CREATE TABLE", "INSERT INTO"];

    /// <summary>Recognizes what can be imported; null for everything else.</summary>
    public static ForeignDump? Recognize(ForeignFile file)
    {
        if (file.IsFolder)
            return Presence.IsFile(Path.Combine(file.Path, PatsMetadata.FileName)) ? FromPats(file.Path) : null;
        if (SqliteFile.HasHeader(file.Start.Span))
            return new ForeignDump("a SQLite database", (import, token) => FromDatabaseAsync(file, import, token)) { IsDatabase = true, ReadSource = import => import.NameOf(file.Path) };
        return IsSql(file.ReadText())
            ? new ForeignDump("a SQL dump", (import, _) => Task.FromResult(new ForeignContent([new SqlDumpSource(file)]) { SourceName = import.NameOf(file.Path) })) { IsGuess = true }
            : null;
    }

    private static bool IsSql(string text) => !text.Contains('\0', StringComparison.Ordinal)
        && text.Split('\n').Select(line => line.TrimStart('\ufeff', ' ', '\t'))
            .SkipWhile(line => line.Trim().Length == 0 || line.StartsWith("--", StringComparison.Ordinal))
            .Take(1).Any(line => s_beginnings.Any(beginning => line.StartsWith(beginning, StringComparison.OrdinalIgnoreCase)));

    private static async Task<ForeignContent> FromDatabaseAsync(ForeignFile file, ForeignImport import, CancellationToken cancellationToken)
    {
        string database = file.Path;
        if (file.Compression != PayloadCompression.None)
        {
            string folder = await import.OpenScratchAsync(GuessedRatio * new FileInfo(file.Path).Length, cancellationToken).ConfigureAwait(false);
            database = Path.Combine(folder, Path.GetFileNameWithoutExtension(file.Path));
            await file.DecompressAsync(database, cancellationToken).ConfigureAwait(false);
        }

        return new ForeignContent([Source(database)]) { SourceName = import.NameOf(file.Path) };
    }

    private static ForeignDump FromPats(string folder) =>
        new("a backup of PATS", (import, _) => Task.FromResult(FromPats(folder, import))) 
        {
            ReadCreated = () => PatsMetadata.Read(folder).Created,
            ReadSource = import => import.NameOf(PatsMetadata.Read(folder).DatabaseFile),
        };

    private static ForeignContent FromPats(string folder, ForeignImport import)
    {
        PatsMetadata metadata = PatsMetadata.Read(folder);
        var sources = new List<IBackupSource> { Source(Path.Combine(folder, metadata.DatabaseFile)) };
        string uploads = Path.Combine(folder, "uploads");
        if (metadata.UploadsIncluded && Presence.IsFolder(uploads))
            sources.Add(new FolderSource(uploads));
        return new ForeignContent(sources) { Name = metadata.Name, SchemaRevision = metadata.Revision, SourceName = import.NameOf(metadata.DatabaseFile) };
    }

    private static SqliteSource Source(string path) => new(path, SqliteFormat.Native, LockTimeout);
}
