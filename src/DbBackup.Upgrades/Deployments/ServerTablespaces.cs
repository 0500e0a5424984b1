using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Upgrades.Targets;

namespace DbBackup.Upgrades.Deployments;

/// <summary>The tablespaces of a server that gets another major version, and the folders and volumes in which they are.</summary>
internal static class ServerTablespaces
{
    /// <summary>The names of a server's tablespaces, but for its own two.</summary>
    public const string NamesSql = "SELECT spcname::text FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global') ORDER BY 1";

    private const string Action = "looking at the tablespaces";
    private const string LostAndFound = "lost+found";

    /// <summary>Finds the volumes that have nothing but tablespaces: the new server gets one of its own for each.</summary>
    /// <param name="container">The server's container.</param>
    /// <param name="data">The volume with its data.</param>
    /// <param name="newPath">Where the new server's container mounts the new volume for its data.</param>
    /// <param name="dockerHost">The Docker Engine, as the user named it.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <returns>The volumes, each with its path, which stays the same.</returns>
    /// <exception cref="BackupException">A tablespace is in no such volume, or the server does not answer.</exception>
    public static async Task<IReadOnlyList<(MountPoint Volume, string Path)>> VolumesAsync(ContainerInspect container, MountPoint data, string newPath, string? dockerHost, CancellationToken cancellationToken)
    {
        using PostgreSqlSession session = await TrialServer.OpenAsync(TrialServer.ConnectionTo(container.ShortName, dockerHost), cancellationToken).ConfigureAwait(false);
        var folders = new Dictionary<MountPoint, List<string>>();
        foreach ((string name, string folder) in await FoldersAsync(session, cancellationToken).ConfigureAwait(false))
        {
            MountPoint? mount = (container.Mounts ?? []).Where(each => ContainerPaths.IsWithin(folder, each.Destination)).MaxBy(each => each.Destination.Length);
            string? why = mount switch
            {
                null => "is in no volume",
                _ when mount == data => ContainerPaths.IsWithin(folder, newPath) ? null : $"would not be in the new volume, which is mounted at '{newPath}'",
                { Type: not "volume" } => $"is in a folder of the host ('{mount.Source}'), and not in a volume",
                _ when DockerDeployment.IsAnonymous(mount.Name) => "is in a volume without a name",
                _ => null,
            };
            if (why is not null)
                throw Unfit(container, $"the folder '{folder}' of its tablespace '{name}' {why}");
            if (mount != data)
                (folders.TryGetValue(mount!, out List<string>? known) ? known : folders[mount!] = []).Add(folder);
        }

        foreach ((MountPoint mount, List<string> inIt) in folders)
            await RequireNothingElseAsync(session, container, mount, inIt, cancellationToken).ConfigureAwait(false);
        return [.. folders.Keys.Select(mount => (mount, mount.Destination))];
    }

    /// <summary>The tablespaces of a server and their folders.</summary>
    public static Task<List<(string Name, string Folder)>> FoldersAsync(PostgreSqlSession session, CancellationToken cancellationToken) => session.RowsAsync(
        "SELECT spcname::text, pg_tablespace_location(oid) FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global') ORDER BY 1", row => (row.GetString(0), row.GetString(1)), Action, cancellationToken);

    /// <summary>Fails if a server lacks tablespaces of another one: a restore would have put their tables elsewhere.</summary>
    /// <exception cref="BackupException">It lacks some.</exception>
    public static async Task RequireAllAsync(PostgreSqlSession old, PostgreSqlSession session, CancellationToken cancellationToken)
    {
        string[] missing =
        [
            .. (await old.RowsAsync(NamesSql, row => row.GetString(0), Action, cancellationToken).ConfigureAwait(false))
                .Except(await session.RowsAsync(NamesSql, row => row.GetString(0), Action, cancellationToken).ConfigureAwait(false)),
        ];
        if (missing.Length > 0)
        {
            throw new BackupFailure(
                ErrorCodes.TargetLacksObjects, FailureCategory.NotFound, $"The new server could not be given the tablespaces {string.Join(", ", missing)}.", "Look into the new server's log for the reason.")
            { Target = session.Server.LocationOf(null) };
        }
    }

    // A new volume in its place would hide other files from whoever uses them.
    private static async Task RequireNothingElseAsync(PostgreSqlSession session, ContainerInspect container, MountPoint mount, List<string> folders, CancellationToken cancellationToken)
    {
        string root = mount.Destination.TrimEnd('/');
        if (folders.Contains(root) || !await PostgreSqlTarget.IsSuperuserAsync(session, cancellationToken).ConfigureAwait(false))
            return;
        string[] own = [LostAndFound, .. folders.Select(folder => folder[(root.Length + 1)..].Split('/')[0])];
        string[] others = [.. (await session.RowsAsync("SELECT pg_ls_dir($1)", row => row.GetString(0), Action, cancellationToken, [mount.Destination]).ConfigureAwait(false)).Except(own).Order(StringComparer.Ordinal)];
        if (others.Length > 0)
            throw Unfit(container, $"volume '{mount.Name}' with a tablespace has something else too: {string.Join(", ", others)}");
    }

    private static BackupFailure Unfit(ContainerInspect container, string why) => MajorVersionFinder.Unfit(
        container, why, "Move its tables to another tablespace first (ALTER TABLE ALL IN TABLESPACE … SET TABLESPACE pg_default; ALTER DATABASE … SET TABLESPACE pg_default) and drop it, or give it a volume of its own.");
}
