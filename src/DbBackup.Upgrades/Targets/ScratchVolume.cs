using System.Security.Cryptography;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Files;

namespace DbBackup.Upgrades.Targets;

/// <summary>A temporary volume that replaces a container's own for a rehearsal.</summary>
internal sealed class ScratchVolume : IAsyncDisposable
{
    private readonly DockerClient _client;

    private ScratchVolume(DockerClient client, string name, string path, string below)
    {
        _client = client;
        Name = name;
        Path = path;
        Below = below;
    }

    /// <summary>The volume's name.</summary>
    public string Name { get; }

    /// <summary>The mount path in the container.</summary>
    public string Path { get; }

    /// <summary>The copied path below the mount, with a leading slash; empty for the whole volume.</summary>
    public string Below { get; }

    /// <summary>Creates a volume for the mount that holds a container path.</summary>
    /// <exception cref="BackupException">The path is not in a mount.</exception>
    public static async Task<ScratchVolume> CreateAsync(ContainerAddress place, string path, CancellationToken cancellationToken)
    {
        DockerSubject target = await DockerSubject.FindAsync(place, cancellationToken).ConfigureAwait(false);
        try
        {
            await TemporaryContainer.SweepAsync(target.Client, cancellationToken).ConfigureAwait(false);
            MountPoint mount = (target.Container.Mounts ?? []).Where(each => ContainerPaths.IsWithin(path, each.Destination)).MaxBy(each => each.Destination.Length)
                ?? throw new BackupFailure(
                    ErrorCodes.TargetInvalid, FailureCategory.NotSupported, $"'{path}' in {target.Location.Subject} is not in a volume or mount and would be lost with the container.", "Add a volume for it first.")
                { Target = path };
            string name = $"dbbackup-rehearsal-{target.Container.ShortName}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}";
            await target.Client.VolumeCreateAsync(name, TemporaryContainer.OwnLabels(), cancellationToken).ConfigureAwait(false);
            return new ScratchVolume(target.Client, name, mount.Destination, path[mount.Destination.TrimEnd('/').Length..]);
        }
        catch
        {
            target.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await _client.VolumeDeleteAsync(Name, CancellationToken.None).ConfigureAwait(false);
        }
        catch (BackupException)
        {
            // The next upgrade removes it.
        }

        _client.Dispose();
    }
}
