using DbBackup.Engine.Engines.PostgreSql;
using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines;

/// <summary>The database engines that this version knows. A name or format that none of them has is an error, never a default.</summary>
internal static class DatabaseEngines
{
    private static IDatabaseEngine[] s_all =
    [
        new SqliteEngine(),
        new PostgreSqlEngine(),
    ];

    /// <summary>Adds an engine.</summary>
    /// <exception cref="ArgumentException">Its name or a format of it is another one's.</exception>
    public static void Register(IDatabaseEngine engine)
    {
        ArgumentNullException.ThrowIfNull(engine);
        IDatabaseEngine[] present = Volatile.Read(ref s_all);
        if (Array.Exists(present, other => other.Name == engine.Name || other.Formats.Intersect(engine.Formats, StringComparer.Ordinal).Any()))
            throw new ArgumentException($"'{engine.Name}', or a format of it, is registered already.", nameof(engine));
        if (Interlocked.CompareExchange(ref s_all, [.. present, engine], present) != present)
            Register(engine);
    }

    /// <summary>True if an engine has a format.</summary>
    public static bool Know(string format) => Array.Exists(s_all, engine => engine.Formats.Contains(format));

    /// <summary>The engine that wrote a payload.</summary>
    /// <exception cref="BackupException">No engine of this version has the payload's format.</exception>
    public static IDatabaseEngine Of(Payload payload)
    {
        ArgumentNullException.ThrowIfNull(payload);
        return OfFormat(payload.Format, payload.FileName);
    }

    /// <summary>The engine that writes a format.</summary>
    /// <param name="format">The format.</param>
    /// <param name="fileName">What has it, for the failure.</param>
    /// <exception cref="BackupException">No engine of this version has it.</exception>
    public static IDatabaseEngine OfFormat(string format, string fileName) => Array.Find(s_all, engine => engine.Formats.Contains(format))
        ?? throw Unknown($"'{fileName}' has the format {format}", fileName);

    /// <summary>The files and folders of other programs that can be imported, as a list in a sentence.</summary>
    public static string ForeignFiles => string.Join(", ", s_all.Select(engine => engine.ForeignFiles));

    /// <summary>Asks the engines what a foreign file or folder is.</summary>
    /// <returns>The answer of the first that is certain, else of the first that takes it for its own; null if none does.</returns>
    public static ForeignDump? Recognize(ForeignFile file) =>
        s_all.Select(engine => engine.Recognize(file)).OfType<ForeignDump>().OrderBy(dump => dump.IsGuess).FirstOrDefault();

    /// <summary>The engine of a payload that is a file.</summary>
    /// <exception cref="BackupException">This version does not know it, or its databases are no files.</exception>
    public static IFileEngine FileOf(Payload payload) =>
        Of(payload) as IFileEngine ?? throw Unknown($"'{payload.FileName}' is no file of a database", payload.FileName);

    /// <summary>The engine of a file that is being restored, by its name.</summary>
    /// <exception cref="BackupException">This version does not know it, or its databases are no files.</exception>
    public static IFileEngine FileNamed(string name) =>
        TryFileNamed(name) ?? throw Unknown($"The engine {name} is one", name);

    /// <summary>The engine of this name; null if it has no files, or this version does not know it.</summary>
    public static IFileEngine? TryFileNamed(string name) => Array.Find(s_all, engine => engine.Name == name) as IFileEngine;

    /// <summary>The engine of a file by its content; null if it is no database that this version knows.</summary>
    public static IFileEngine? TryOfFile(string path) => s_all.OfType<IFileEngine>().FirstOrDefault(engine => engine.IsDatabase(path));

    /// <summary>The engine of a live database file, by the file's content.</summary>
    /// <exception cref="BackupException">There is no such file, or it is no database that this version knows.</exception>
    public static IFileEngine OfFile(string path)
    {
        if (TryOfFile(path) is { } engine)
            return engine;
        if (!Path.Exists(path))
            throw new BackupFailure(ErrorCodes.SourceNotFound, FailureCategory.NotFound, $"There is no file '{path}'.", "Check the path; nothing was created.") { Target = path };
        RequireReadable(path);
        throw new BackupFailure(
            ErrorCodes.SourceNotSqlite,
            FailureCategory.InvalidData,
            $"'{path}' is not a database file that this version of DbBackup knows, or it is an encrypted one.",
            $"Name a database file ({string.Join(", ", s_all.OfType<IFileEngine>().Select(engine => engine.Name))}).")
        { Target = path };
    }

    /// <summary>Tells whether a payload is of a server, a database or what belongs to all of them, and not a file or folder.</summary>
    public static bool IsOfServer(Payload payload) =>
        payload.Kind == PayloadKind.Globals || Array.Exists(s_all, engine => engine is IServerEngine && engine.Formats.Contains(payload.Format, StringComparer.Ordinal));

    /// <summary>The engine of a database that is kept on its server.</summary>
    /// <exception cref="BackupException">This version does not know it, or it has no servers.</exception>
    public static IServerEngine OfKept(Manifest manifest)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        return Array.Find(s_all, engine => engine.Name == manifest.Source.Engine) as IServerEngine
            ?? throw Unknown($"'{manifest.Source.Name}/{manifest.Name}' is a database of the engine {manifest.Source.Engine}", manifest.Name);
    }

    private static void RequireReadable(string path)
    {
        try
        {
            using FileStream file = RegularFile.Open(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new BackupFailure(ErrorCodes.SourceUnreadable, FailureCategory.PermissionDenied, $"'{path}' cannot be read: {exception.Message}", "Run as a user who can read the file.", exception) { Target = path };
        }
    }

    private static BackupFailure Unknown(string what, string target) => new(
        ErrorCodes.ManifestTooNew,
        FailureCategory.NotSupported,
        $"{what}, which this version of DbBackup does not know.",
        "Update the DbBackup module on this machine, or restore by hand: RESTORE.txt in the backup's folder says how.")
    { Target = target };
}
