using DbBackup.Engine.Docker.Files;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Upgrades.Targets;

/// <summary>The data of an upgrade as the sources of a backup, until they are disposed.</summary>
/// <param name="sources">The sources; the first gives the backup its name.</param>
/// <param name="plans">Those of them that lie in containers.</param>
internal sealed class TargetSources(IReadOnlyList<IBackupSource> sources, IReadOnlyList<ContainerFilesPlan> plans) : IAsyncDisposable
{
    /// <summary>The sources.</summary>
    public IReadOnlyList<IBackupSource> Sources => [.. sources, .. plans.SelectMany(plan => plan.Sources)];

    /// <summary>What has the application stand still; null where it need not, or is stopped already.</summary>
    public IApplicationPause? Pause => ContainerFiles.PauseFor(plans);

    /// <summary>The server on which a backup is proved; null where none is needed.</summary>
    public PostgreSqlConnectionRequest? TestServer { get; init; }

    /// <summary>Opens sources in containers beside others.</summary>
    public static async Task<TargetSources> OpenAsync(
        IReadOnlyList<IBackupSource> sources, IEnumerable<ContainerFilesRequest> files, PostgreSqlConnectionRequest? testServer, CancellationToken cancellationToken)
    {
        var plans = new List<ContainerFilesPlan>();
        var opened = new TargetSources(sources, plans) { TestServer = testServer };
        try
        {
            foreach (ContainerFilesRequest each in files)
                plans.Add(await ContainerFiles.ResolveAsync(each, cancellationToken).ConfigureAwait(false));
            return opened;
        }
        catch
        {
            await opened.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (ContainerFilesPlan plan in plans)
            await plan.DisposeAsync().ConfigureAwait(false);
    }
}
