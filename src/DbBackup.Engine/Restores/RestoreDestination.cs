using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Engine.Restores;

/// <summary>
/// What a person named as the destination, and what of a backup goes there: nothing that was not named is replaced, and nothing that was
/// named is passed over in silence.
/// </summary>
internal static class RestoreDestination
{
    /// <summary>What the plan says where only a database was sent to another place.</summary>
    public const string FilesAreLeft = "the backup's files are not restored, because only the database has another destination; name theirs with -Destination, or restore them with -Content Files";

    /// <summary>Fails if a part of the destination fits nothing that is restored, or leaves open what replaces a live database.</summary>
    /// <exception cref="BackupException">It does.</exception>
    public static void Require(RestoreRequest request, Manifest manifest)
    {
        bool servers = manifest.Kept is not null || (request.Content != ContentKind.Files && manifest.Payloads.Any(DatabaseEngines.IsOfServer));
        bool files = request.Content == ContentKind.Files || !servers || HasFilesBeside(request, manifest);
        if (!servers && NamesServerParts(request))
        {
            throw Refused(
                request,
                $"'{request.Backup}' contains only files; -HostName, -ConnectionString, -Database, -Table, -Schema and -InPlace apply to server databases.",
                "Say with -Destination where the files go.");
        }

        if (OptionOfFiles(request) is not { } option)
            return;
        if (!files)
        {
            throw Refused(
                request,
                $"{option} says where files go, and nothing but a server's database is restored out of '{request.Backup}'. Nothing was changed.",
                "Name the database that it is restored as: -Database NEWNAME leaves the present one as it is. To get the dump as a file: Export-DbBackup.");
        }

        if (servers && !NamesDatabase(request))
        {
            throw Refused(
                request,
                $"{option} says where the files of '{request.Backup}' go, but not its database, which would replace the present one. Nothing was changed.",
                "Name the database too (-Database NEWNAME), or restore the files alone (-Content Files).");
        }
    }

    /// <summary>The request of named files, which is of files alone.</summary>
    /// <exception cref="BackupException">It names parts of databases too.</exception>
    public static RestoreRequest OfFiles(RestoreRequest request)
    {
        if (request.Content is not (null or ContentKind.Files) || NamesServerParts(request))
        {
            throw Refused(
                request,
                "-File names files, and another parameter names a part of a database. Nothing was changed.",
                "Restore the two one after the other: -File alone, and then the database.");
        }

        return request with { Content = ContentKind.Files };
    }

    /// <summary>True if files are restored with the databases of a server.</summary>
    public static bool HasFilesBeside(RestoreRequest request, Manifest manifest) =>
        manifest.Kept is null && request.Content is null && request.Tables.Count + request.Schemas.Count == 0 && manifest.Payloads.Any(payload => !DatabaseEngines.IsOfServer(payload));

    /// <summary>True if databases go elsewhere than they came from, and nothing says where their files go.</summary>
    /// <param name="request">The restore.</param>
    /// <param name="databases">Where the databases go.</param>
    public static bool LeavesFiles(RestoreRequest request, IReadOnlyList<RestoreTarget> databases) =>
        OptionOfFiles(request) is null && !NamesServersPlace(request) && databases.Any(target => target.Path != target.Payload.OriginalPath);

    private static bool NamesDatabase(RestoreRequest request) =>
        request.NewName is not null || request.Databases.Count > 0 || request.InPlace || NamesServer(request) || NamesServersPlace(request);

    private static bool NamesServerParts(RestoreRequest request) =>
        NamesServer(request) || request.NewName is not null || request.InPlace || request.Tables.Count + request.Schemas.Count + request.Databases.Count > 0;

    private static bool NamesServer(RestoreRequest request) => request.Connection.Server is ServerAddress.AtHost or ServerAddress.OfText;

    private static bool NamesServersPlace(RestoreRequest request) => request.Place is ContainerAddress.OfContainer or ContainerAddress.OfService;

    private static string? OptionOfFiles(RestoreRequest request) =>
        request.Destination is not null ? "-Destination"
        : request.ContainerPath is not null ? "-ContainerPath"
        : request.Place is ContainerAddress.OfVolume ? "-Volume"
        : null;

    private static BackupFailure Refused(RestoreRequest request, string message, string hint) => new(
        ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, message, hint)
    { Target = request.Backup.ToString() };
}
