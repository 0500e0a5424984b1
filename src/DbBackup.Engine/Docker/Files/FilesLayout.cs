using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Engines.Sqlite;

namespace DbBackup.Engine.Docker.Files;

/// <summary>How the files of a container or volume stand in the backup.</summary>
/// <param name="Location">Where they are.</param>
/// <param name="RootName">The name of the folder, file or volume.</param>
/// <param name="IsFolder">True if it is a folder; a single file otherwise.</param>
/// <param name="AllowEmpty">True if nothing at all is accepted.</param>
internal sealed record FilesLayout(DockerLocation Location, string RootName, bool IsFolder, bool AllowEmpty)
{
    /// <summary>Patterns of what is left out.</summary>
    public IReadOnlyList<string> Exclude { get; init; } = [];

    /// <summary>The location's text of something in the folder.</summary>
    /// <param name="relative">Its path in the folder, with slashes; empty for the folder or file itself.</param>
    public string LocationOf(string relative) =>
        relative.Length == 0 ? Location.ToString() : (Location with { Path = $"{Location.Path?.TrimEnd('/')}/{relative}" }).ToString();

    /// <summary>What a copied database is in the backup.</summary>
    public SqliteCopy Database(string copy, string relative, string? mode, string? owner) =>
        new(copy, LocationOf(relative), relative.Length == 0 ? RootName : relative[(relative.LastIndexOf('/') + 1)..])
        {
            OriginalPath = LocationOf(relative),
            Within = IsFolder ? $"{RootName}/{relative}" : null,
            UnixMode = mode,
            UnixOwner = owner,
            // An application may keep a database that it has not used yet beside the others; alone it would be a mistake.
            AllowEmpty = AllowEmpty || IsFolder,
            KeepDamaged = IsFolder,
        };

    /// <summary>What the archive of everything else is in the backup.</summary>
    public CapturedPayload Files(Func<Stream, IProgress<long>, CancellationToken, Task<StreamSummary>>? write, long? length) => new()
    {
        FileName = RootName + ".tar",
        Kind = PayloadKind.Files,
        Format = PayloadFormat.Tar,
        RestoreName = RootName,
        OriginalPath = Location.ToString(),
        Length = length,
        WriteTo = write,
    };

    /// <summary>Fails where there is nothing at all.</summary>
    public void RequireContent(bool any)
    {
        if (any || AllowEmpty)
            return;
        throw new BackupFailure(
            ErrorCodes.SourceEmpty,
            FailureCategory.InvalidData,
            $"'{Location}' is an empty folder, so there is nothing to back up.",
            "Check that this is where the application keeps its data, or allow it with -AllowEmpty.")
        { Target = Location.ToString() };
    }

    /// <summary>The capture with what was found; the databases come first.</summary>
    public Capture Describe(DateTimeOffset taken, IReadOnlyList<CapturedPayload> databases, CapturedPayload? files, IReadOnlyList<string> notes) => new()
    {
        Taken = taken,
        EngineVersion = databases.Count > 0 ? SqliteLibrary.Version : null,
        Payloads = files is null ? databases : [.. databases, files],
        Tools = databases.Count > 0 ? new Dictionary<string, string> { ["SQLite"] = SqliteLibrary.Version } : [],
        Notes = [.. notes, .. ExclusionNotes.Of(Exclude, RootName)],
    };
}
