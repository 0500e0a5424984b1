using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Upgrades.Targets;

namespace DbBackup.Upgrades.Deployments;

/// <summary>The volumes in which a server has tablespaces.</summary>
internal static class TablespaceVolumes
{
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
    public static async Task<IReadOnlyList<(MountPoint Volume, string Path)>> FindAsync(ContainerInspect container, MountPoint data, string newPath, string? dockerHost, CancellationToken cancellationToken)
    {
        using PostgreSqlSession session = await TrialServer.OpenAsync(TrialServer.ConnectionTo(container.ShortName, dockerHost), cancellationToken).ConfigureAwait(false);
        var folders = new Dictionary<MountPoint, List<string>>();
        foreach ((string name, string folder) in await ServerTablespaces.FoldersAsync(session, cancellationToken).ConfigureAwait(false))
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
