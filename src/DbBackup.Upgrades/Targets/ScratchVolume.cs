using System.Security.Cryptography;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Files;

namespace DbBackup.Upgrades.Targets;

/// <summary>A volume that takes the place of a container's own for a rehearsal, and is removed afterwards.</summary>
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

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Where containers have it mounted.</summary>
    public string Path { get; }

    /// <summary>The path in it, with a slash before it, of what is copied; empty for all of it.</summary>
    public string Below { get; }

    /// <summary>Makes one in the place of the mount in which a path of a container lies.</summary>
    /// <exception cref="BackupException">The path is in no mount.</exception>
    public static async Task<ScratchVolume> CreateAsync(DockerRequest place, string path, CancellationToken cancellationToken)
    {
        DockerSubject target = await DockerSubject.FindAsync(place, cancellationToken).ConfigureAwait(false);
        try
        {
            await TemporaryContainer.SweepAsync(target.Client, cancellationToken).ConfigureAwait(false);
            MountPoint mount = (target.Container.Mounts ?? []).Where(each => ContainerPaths.IsWithin(path, each.Destination)).MaxBy(each => each.Destination.Length)
                ?? throw new BackupFailure(
                    ErrorCodes.TargetInvalid, FailureCategory.NotSupported, $"'{path}' of the {target.Location.Subject} is in no volume and no mount: it would be gone with the container.", "Give the application a volume there first.")
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
            // The next run removes it.
        }

        _client.Dispose();
    }
}
