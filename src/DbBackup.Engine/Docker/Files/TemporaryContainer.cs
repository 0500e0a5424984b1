using System.Globalization;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Docker.Files;

/// <summary>
/// A container that is only created, never started: the engine gives archives of its volume without anything running. Nothing on the
/// machine depends on it, so no journal is kept; the next run removes what a killed one left.
/// </summary>
internal sealed class TemporaryContainer : IAsyncDisposable
{
    /// <summary>Where the volume is mounted in it.</summary>
    public const string MountPath = "/dbbackup-volume";

    /// <summary>The label that names the work folders in a volume that belong to a container.</summary>
    public const string WorkLabel = "dbbackup.work";

    private const string Label = "dbbackup.temporary";
    private const string HostLabel = "dbbackup.host";
    private const string ProcessLabel = "dbbackup.process";
    private const string StartLabel = "dbbackup.process-start";

    // A container of another machine's run is left alone for as long as any backup takes.
    private static readonly TimeSpan s_abandoned = TimeSpan.FromDays(2);
    // Within which a process id means one process: a run in a container may share this host's name, and sees none of its processes.
    private static readonly string ProcessSpace = string.Join('/', ProcessIdentity.Current.Host, ProcessIdentity.Current.ProcessNamespace);
    private static readonly string[] s_command = ["never-started"];
    private readonly DockerClient _client;

    private TemporaryContainer(DockerClient client, string id)
    {
        _client = client;
        Id = id;
    }

    /// <summary>Its id.</summary>
    public string Id { get; }

    /// <summary>Creates one with a volume, for reading.</summary>
    /// <exception cref="BackupException">The engine has no image to make it of, or does not allow it.</exception>
    public static async Task<TemporaryContainer> CreateAsync(DockerClient client, string volume, CancellationToken cancellationToken)
    {
        await SweepAsync(client, cancellationToken).ConfigureAwait(false);
        ImageSummary image = (await client.ImageListAsync(cancellationToken).ConfigureAwait(false)).OrderBy(each => each.Size).FirstOrDefault()
            ?? throw new BackupFailure(
                ErrorCodes.DockerFailed,
                FailureCategory.MissingTool,
                $"No container mounts the volume '{volume}', and the engine at '{client.Endpoint}' has no image to make one of.",
                "Pull any small image (docker pull busybox), or run the backup as root on the engine's own machine.")
            { Target = volume };
        ImageInspect inspected = await client.ImageInspectAsync(image.Id, cancellationToken).ConfigureAwait(false);
        string id = await client.ContainerCreateAsync(
            null,
            new
            {
                Image = image.Id,
                Cmd = s_command,
                NetworkDisabled = true,
                Labels = OwnLabels(),
                HostConfig = new
                {
                    NetworkMode = "none",
                    Binds = new[] { $"{volume}:{MountPath}:ro" },
                    // Else the engine would make a volume for each path for which the image wants one, and keep it.
                    Tmpfs = (inspected.Config?.Volumes?.Keys ?? []).ToDictionary(path => path, _ => string.Empty),
                },
            },
            cancellationToken).ConfigureAwait(false);
        return new TemporaryContainer(client, id);
    }

    /// <summary>The labels by which the next run finds what this one leaves when it is killed.</summary>
    public static Dictionary<string, string> OwnLabels() => new()
    {
        [Label] = "1",
        [HostLabel] = ProcessSpace,
        [ProcessLabel] = ProcessIdentity.Current.ProcessId.ToString(CultureInfo.InvariantCulture),
        [StartLabel] = StartOf(ProcessIdentity.Current),
    };

    /// <summary>The ids of the work folders of running restores.</summary>
    public static async Task<IReadOnlyList<string>> WorkInProgressAsync(DockerClient client, CancellationToken cancellationToken)
    {
        var filters = new Dictionary<string, IReadOnlyList<string>> { ["label"] = [WorkLabel] };
        return [.. (await client.ContainerListAsync(all: true, filters, cancellationToken).ConfigureAwait(false)).Select(container => container.Label(WorkLabel)).OfType<string>()];
    }

    /// <summary>Removes what runs that were killed left: containers, and the volumes that were made for them.</summary>
    public static async Task SweepAsync(DockerClient client, CancellationToken cancellationToken)
    {
        var filters = new Dictionary<string, IReadOnlyList<string>> { ["label"] = [Label + "=1"] };
        foreach (ContainerSummary found in await client.ContainerListAsync(all: true, filters, cancellationToken).ConfigureAwait(false))
        {
            // What a killed run has started comes to its end by itself. Half of a swap would be neither state.
            if (found.State != "running" && IsAbandoned(found.Labels, DateTimeOffset.FromUnixTimeSeconds(found.Created)))
                await RemoveAsync(() => client.ContainerDeleteAsync(found.Id, cancellationToken)).ConfigureAwait(false);
        }

        foreach (VolumeModel found in await client.VolumeListAsync(cancellationToken).ConfigureAwait(false))
        {
            // One that a container still has cannot be removed.
            if (found.Labels?.GetValueOrDefault(Label) == "1" && IsAbandoned(found.Labels, DateTimeOffset.UtcNow))
                await RemoveAsync(() => client.VolumeDeleteAsync(found.Name, cancellationToken)).ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await _client.ContainerDeleteAsync(Id, CancellationToken.None).ConfigureAwait(false);
        }
        catch (BackupException)
        {
            // It harms nobody, and the next run removes it.
        }
    }

    private static async Task RemoveAsync(Func<Task> remove)
    {
        try
        {
            await remove().ConfigureAwait(false);
        }
        catch (BackupException failure) when (failure.Code is ErrorCodes.ContainerNotFound or ErrorCodes.VolumeNotFound or ErrorCodes.DockerFailed)
        {
            // Another run was faster.
        }
    }

    internal static bool IsAbandoned(IReadOnlyDictionary<string, string>? labels, DateTimeOffset created)
    {
        if (labels?.GetValueOrDefault(HostLabel) != ProcessSpace
            || !int.TryParse(labels.GetValueOrDefault(ProcessLabel), NumberStyles.None, CultureInfo.InvariantCulture, out int process))
        {
            return DateTimeOffset.UtcNow - created > s_abandoned;
        }

        return ProcessIdentity.Of(process) is not { } present || StartOf(present) != labels.GetValueOrDefault(StartLabel);
    }

    // A process id alone is soon given to another. The time in seconds would move with the clock where ticks are to be had.
    private static string StartOf(ProcessIdentity process) =>
        process.BootId + "/" + (process.StartTicks ?? process.ProcessStartUtc.ToUnixTimeSeconds() / 10).ToString(CultureInfo.InvariantCulture);
}
