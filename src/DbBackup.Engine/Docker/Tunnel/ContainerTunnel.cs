using System.Formats.Tar;
using System.Globalization;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Docker.Tunnel;

/// <summary>A container as a place of servers: programs run in it, and bytes get to its ports through one of them.</summary>
/// <param name="endpoint">The Docker Engine.</param>
/// <param name="container">The container, as it was when it was looked for.</param>
/// <param name="location">The location under which it is found again.</param>
internal sealed class ContainerTunnel(DockerEndpoint endpoint, ContainerInspect container, DockerLocation location) : ITunnel
{
    private const int LongestSecret = 1 << 16;
    private readonly SharedDockerClient _client = new(endpoint);
    private readonly ContainerShell _shell = new();
    private IReadOnlyList<string>? _relay;

    /// <summary>The container.</summary>
    public ContainerInspect Container => container;

    public string Description => $"container '{container.ShortName}'";

    public string Name => location.Project is not null ? $"{location.Project}_{location.Service}" : location.Container!;

    public bool IsOfThisMachine => location.Host is null;

    public DateTimeOffset? Started =>
        DateTimeOffset.TryParse(container.State.StartedAt, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset started) ? started : null;

    /// <summary>Uses the connection to Docker until the lease is disposed.</summary>
    public Task<SharedDockerClient.Lease> UseClientAsync(CancellationToken cancellationToken) => _client.UseAsync(cancellationToken);

    public string? Variable(string name) => container.Variable(name);

    public string LocationOf(string kind, string? database) => (location with { Server = kind, Database = database }).ToString();

    public async Task<ToolProcess> StartAsync(
        string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?> environment, ToolUse use, CancellationToken cancellationToken)
    {
        SharedDockerClient.Lease lease = await UseClientAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ContainerProgram started = await Host(lease).BeginAsync(program, arguments, environment, use, cancellationToken).ConfigureAwait(false);
            started.Connection = lease;
            return started;
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    public async Task<PlacedCopy> PlaceAsync(string path, CancellationToken cancellationToken)
    {
        SharedDockerClient.Lease lease = await UseClientAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            PlacedCopy copy = await Host(lease).PlaceAsync(path, cancellationToken).ConfigureAwait(false);
            return copy with
            {
                RemoveAsync = async () =>
                {
                    using (lease)
                        await copy.RemoveAsync().ConfigureAwait(false);
                },
            };
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    public Task<IReadOnlyList<string>> ProcessesAsync(CancellationToken cancellationToken) =>
        WithHostAsync(host => host.Client.ContainerTopAsync(container.Id, cancellationToken), cancellationToken);

    public Task<string?> ReadFileAsync(string path, CancellationToken cancellationToken) => WithHostAsync(
        async host =>
        {
            // A secret may lie in a file system of the container's own memory, which Docker's archive does not see: the container is asked first.
            (int exitCode, string output, _) = await host.CaptureAsync("cat", [path], cancellationToken).ConfigureAwait(false);
            return exitCode == 0 ? output : await ReadArchivedAsync(host.Client, container.Id, path, cancellationToken).ConfigureAwait(false);
        },
        cancellationToken);

    public Task<long?> AvailableBytesAsync(string folder, CancellationToken cancellationToken) => WithHostAsync(
        async host =>
        {
            (int exitCode, string output, _) = await host.CaptureAsync("df", ["-Pk", folder], cancellationToken).ConfigureAwait(false);
            // POSIX: file system, blocks in all, used, available, capacity, mounted on.
            string[] fields = output.Split('\n').Skip(1).FirstOrDefault()?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
            return exitCode == 0 && fields.Length >= 6 && long.TryParse(fields[^3], NumberStyles.None, CultureInfo.InvariantCulture, out long kilobytes) ? kilobytes * 1024 : (long?)null;
        },
        cancellationToken);

    public async Task<ITunnelEnd> OpenAsync(string address, int port, string socketName, CancellationToken cancellationToken)
    {
        SharedDockerClient.Lease lease = await UseClientAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            _relay ??= await ContainerRelay.FindProgramAsync(Host(lease), address, port, cancellationToken).ConfigureAwait(false) ?? throw new BackupFailure(
                ErrorCodes.ToolMissing,
                FailureCategory.MissingTool,
                $"The {Description} has none of the programs that can relay a connection to its server: bash, perl, python3, socat, nc.",
                "Use an image that has one (the official postgres images do), or publish the server's port and name it with -HostName.")
            { Target = container.ShortName };
            return ContainerRelay.Open(this, lease, _relay, socketName);
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    private static async Task<string?> ReadArchivedAsync(DockerClient client, string id, string path, CancellationToken cancellationToken)
    {
        try
        {
            using Stream archive = await client.ContainerArchiveAsync(id, path, cancellationToken).ConfigureAwait(false);
            using var tar = new TarReader(archive);
            if (await tar.GetNextEntryAsync(copyData: true, cancellationToken).ConfigureAwait(false) is not { DataStream: { } data } || data.Length > LongestSecret)
                return null;
            using var reader = new StreamReader(data);
            return await reader.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (BackupFailure failure) when (failure.Code == ErrorCodes.DockerFailed)
        {
            return null;
        }
    }

    private async Task<T> WithHostAsync<T>(Func<ContainerHost, Task<T>> work, CancellationToken cancellationToken)
    {
        using SharedDockerClient.Lease lease = await UseClientAsync(cancellationToken).ConfigureAwait(false);
        return await work(Host(lease)).ConfigureAwait(false);
    }

    private ContainerHost Host(SharedDockerClient.Lease lease) => new(lease.Client, container, _shell);
}
