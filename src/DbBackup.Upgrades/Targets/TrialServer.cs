using System.Diagnostics;
using System.Formats.Tar;
using System.Runtime.CompilerServices;
using DbBackup.Engine.Discovery;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Tunnel;
using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Upgrades.Targets;

/// <summary>A PostgreSQL server in a temporary container without a network: no application meets it before it is whole.</summary>
internal sealed class TrialServer : IAsyncDisposable
{
    private const int LogLines = 10;
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(250);
    private readonly DockerClient _client;
    private readonly TimeSpan _timeout;
    private readonly string _container;

    private TrialServer(DockerClient client, string container, string? dockerHost, TimeSpan timeout)
    {
        _client = client;
        _container = container;
        _timeout = timeout;
        Connection = ConnectionTo(container, dockerHost);
    }

    /// <summary>The server, and its superuser.</summary>
    public PostgreSqlConnectionRequest Connection { get; }

    /// <summary>Creates and starts the container, and waits until the server answers.</summary>
    /// <param name="client">The Docker Engine client.</param>
    /// <param name="definition">The container.</param>
    /// <param name="name">The container's name; one that a killed run has left is removed.</param>
    /// <param name="dockerHost">The Docker Engine, as the user named it.</param>
    /// <param name="timeout">How long the server may take to answer.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="BackupException">The server does not start.</exception>
    public static async Task<TrialServer> StartAsync(DockerClient client, ContainerDefinition definition, string name, string? dockerHost, TimeSpan timeout, CancellationToken cancellationToken)
    {
        await RemoveAsync(client, name, cancellationToken).ConfigureAwait(false);
        await definition.CreateAsync(client, name, cancellationToken).ConfigureAwait(false);
        var server = new TrialServer(client, name, dockerHost, timeout);
        try
        {
            await client.ContainerStartAsync(name, cancellationToken).ConfigureAwait(false);
            await WaitAsync(client, name, server.Connection, timeout, cancellationToken).ConfigureAwait(false);
            return server;
        }
        catch
        {
            await server.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Waits until the server of a container answers.</summary>
    /// <exception cref="BackupException">It ended, or did not answer in time.</exception>
    public static async Task WaitAsync(DockerClient client, string container, PostgreSqlConnectionRequest connection, TimeSpan timeout, CancellationToken cancellationToken)
    {
        for (var waited = Stopwatch.StartNew(); ; await Task.Delay(s_interval, cancellationToken).ConfigureAwait(false))
        {
            string trouble;
            try
            {
                using PostgreSqlSession session = await OpenAsync(connection, cancellationToken).ConfigureAwait(false);
                if (await IsFinalAsync(client, container, session, cancellationToken).ConfigureAwait(false))
                    return;
                trouble = "is still being initialized";
            }
            catch (BackupException failure)
            {
                trouble = $"does not answer: {failure.Message.TrimEnd('.')}";
            }

            ContainerInspect state = await client.ContainerInspectAsync(container, cancellationToken).ConfigureAwait(false);
            if (state.State.Running && waited.Elapsed < timeout)
                continue;
            string log = (await client.ContainerLogsAsync(container, LogLines, cancellationToken).ConfigureAwait(false)).Trim();
            string end = state.State.Running ? trouble : FormattableString.Invariant($"did not start: container '{container}' is {state.State.Status} (exit code {state.State.ExitCode})");
            throw new BackupFailure(
                ErrorCodes.UpgradeStepFailed, FailureCategory.InvalidData, $"The server of image '{state.Config.Image}' {end}{(log.Length == 0 ? "." : ":" + Environment.NewLine + log)}",
                "Find out why the server does not start with this container's variables, command and mounts.")
            { Target = container };
        }
    }

    /// <summary>Makes a folder that only the server may use, as a tablespace needs it.</summary>
    /// <param name="session">A session of a superuser.</param>
    /// <param name="folder">The folder's path in the container.</param>
    /// <param name="volumes">Where the container mounts its volumes.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task MakeFolderAsync(PostgreSqlSession session, string folder, IEnumerable<string> volumes, CancellationToken cancellationToken)
    {
        string data = (await session.TextAsync("SELECT current_setting('data_directory')", "looking for the server's folders", cancellationToken).ConfigureAwait(false))!;
        (int user, int group) = await OwnerAsync($"{data}/PG_VERSION", cancellationToken).ConfigureAwait(false);
        // The engine unpacks into a volume also where the container's own files are read-only.
        string within = volumes.Select(path => path.TrimEnd('/')).Where(path => folder.Length > path.Length && ContainerPaths.IsWithin(folder, path)).MaxBy(path => path.Length) ?? folder[..folder.LastIndexOf('/')];
        await _client.PutContainerArchiveAsync(
            _container,
            within.Length == 0 ? "/" : within,
            async (stream, token) =>
            {
                var archive = new TarWriter(stream, leaveOpen: true);
                await using ConfiguredAsyncDisposable end = archive.ConfigureAwait(false);
                await archive.WriteEntryAsync(
                    new PaxTarEntry(TarEntryType.Directory, folder[(within.Length + 1)..] + '/') { Uid = user, Gid = group, Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute },
                    token).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Restarts the server, so that settings take effect which need that.</summary>
    public async Task RestartAsync(CancellationToken cancellationToken)
    {
        await _client.ContainerStopAsync(_container, cancellationToken).ConfigureAwait(false);
        await _client.ContainerStartAsync(_container, cancellationToken).ConfigureAwait(false);
        await WaitAsync(_client, _container, Connection, _timeout, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Stops the server with everything on disk.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        // The engine kills a server that is not done within its time to stop; with a checkpoint just made there is little left to do.
        using (PostgreSqlSession session = await OpenAsync(Connection, cancellationToken).ConfigureAwait(false))
            await session.ExecuteAsync("CHECKPOINT", "stopping the server", cancellationToken).ConfigureAwait(false);
        await _client.ContainerStopAsync(_container, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await RemoveAsync(_client, _container, CancellationToken.None).ConfigureAwait(false);
        }
        catch (BackupException)
        {
            // The next upgrade removes it.
        }
    }

    /// <summary>Returns how the server in a container is reached.</summary>
    public static PostgreSqlConnectionRequest ConnectionTo(string container, string? dockerHost) =>
        new() { Server = new ServerAddress.Through(new ContainerServerAddress(new ContainerAddress.OfContainer(container) { DockerHost = dockerHost })) };

    /// <summary>Opens a session in the server's maintenance database.</summary>
    public static async Task<PostgreSqlSession> OpenAsync(PostgreSqlConnectionRequest connection, CancellationToken cancellationToken)
    {
        PostgreSqlConnectionSettings settings = await PostgreSqlServer.ResolveAsync(connection, cancellationToken).ConfigureAwait(false);
        return await PostgreSqlSession.OpenMaintenanceAsync(settings, settings.Database, cancellationToken).ConfigureAwait(false);
    }

    private async Task<(int User, int Group)> OwnerAsync(string file, CancellationToken cancellationToken)
    {
        using Stream stream = await _client.ContainerArchiveAsync(_container, file, cancellationToken).ConfigureAwait(false);
        using var archive = new TarReader(stream);
        TarEntry entry = await archive.GetNextEntryAsync(cancellationToken: cancellationToken).ConfigureAwait(false)
            ?? throw new InvalidDataException($"The archive of '{file}' is empty.");
        return (entry.Uid, entry.Gid);
    }

    private static async Task RemoveAsync(DockerClient client, string name, CancellationToken cancellationToken)
    {
        if (await client.ContainerFindAsync(name, cancellationToken).ConfigureAwait(false) is { } left)
            await client.TrialContainerDeleteAsync(left.Id, cancellationToken).ConfigureAwait(false);
    }

    // While the image's entrypoint initializes the data, it runs a server of its own, which listens to no network and ends soon.
    private static async Task<bool> IsFinalAsync(DockerClient client, string container, PostgreSqlSession session, CancellationToken cancellationToken) =>
        await session.IsTrueAsync("SELECT current_setting('listen_addresses') <> ''", "waiting for the server", cancellationToken).ConfigureAwait(false)
        || (await client.ContainerTopAsync(container, cancellationToken).ConfigureAwait(false)) is [var first, ..] && FoundServer.IsServer(first);
}
