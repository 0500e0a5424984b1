using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.PostgreSql.Connect;

/// <summary>A way to a server that no address of this machine leads to: one inside a container.</summary>
internal interface IServerRoute
{
    /// <summary>The words for the server in a sentence, as in <c>the server in container 'shop-db-1'</c>.</summary>
    string Description { get; }

    /// <summary>A short name for the server: that of its service or container.</summary>
    string Name { get; }

    /// <summary>Whether the same location means something else on another machine.</summary>
    bool IsOfThisMachine { get; }

    /// <summary>Where PostgreSQL's programs run: beside the server, in their own version.</summary>
    IProgramHost Programs { get; }

    /// <summary>The host that is said to the programs beside the server: a name, or the folder of its Unix socket.</summary>
    string ToolHost { get; }

    /// <summary>Finds the fastest way from the programs to the server that lets them in as this session was let in.</summary>
    Task FindToolHostAsync(PostgreSqlSession session, CancellationToken cancellationToken);

    /// <summary>Where a database is found again; see <see cref="PostgreSqlConnectionSettings.LocationOf"/>.</summary>
    string LocationOf(string? database);

    /// <summary>Opens a way for the driver: a Unix socket that leads to the server for as long as it is kept.</summary>
    /// <exception cref="BackupException">There is no way, with the reason.</exception>
    Task<IServerRelay> OpenRelayAsync(CancellationToken cancellationToken);

    /// <summary>How many bytes are free where the server keeps its data; null where that cannot be told.</summary>
    Task<long?> AvailableBytesAsync(string dataFolder, CancellationToken cancellationToken);
}

/// <summary>An open way to a server.</summary>
internal interface IServerRelay : IDisposable
{
    /// <summary>The folder of the socket.</summary>
    string SocketFolder { get; }

    /// <summary>The port in the socket's name.</summary>
    int Port { get; }

    /// <summary>What went wrong on the way; null where nothing is known.</summary>
    string? Failure { get; }
}
