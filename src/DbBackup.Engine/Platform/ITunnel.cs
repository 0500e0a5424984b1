namespace DbBackup.Engine.Platform;

/// <summary>
/// A way into a place whose servers no address of this machine reaches: a container. An engine runs its programs there and has its driver's
/// bytes carried there, and need not know what the place is. Holds no connection of its own: each use opens one and closes it.
/// </summary>
internal interface ITunnel : IProgramHost
{
    /// <summary>A short name for the place: that of its service or container.</summary>
    string Name { get; }

    /// <summary>True if the same location means something else on another machine.</summary>
    bool IsOfThisMachine { get; }

    /// <summary>When the place was started; null if it does not say.</summary>
    DateTimeOffset? Started { get; }

    /// <summary>A variable of the place's own environment; null if it has none of that name.</summary>
    string? Variable(string name);

    /// <summary>Reads a small text file there; null if it cannot be read.</summary>
    Task<string?> ReadFileAsync(string path, CancellationToken cancellationToken);

    /// <summary>The command lines of the processes there.</summary>
    Task<IReadOnlyList<string>> ProcessesAsync(CancellationToken cancellationToken);

    /// <summary>The free bytes of the file system of a folder there; null if they cannot be determined.</summary>
    Task<long?> AvailableBytesAsync(string folder, CancellationToken cancellationToken);

    /// <summary>The location of a server there, or of one of its databases; <see cref="ITunnelAddress"/> is parsed from it.</summary>
    /// <param name="kind">The server's kind, as in <c>postgresql</c>.</param>
    /// <param name="database">The database; null for the server.</param>
    string LocationOf(string kind, string? database);

    /// <summary>Opens a Unix socket of this machine that leads to a server there, in a folder that only this user can enter.</summary>
    /// <param name="address">The address on which the server listens there, or the path of its Unix socket.</param>
    /// <param name="port">The port of an address.</param>
    /// <param name="socketName">The socket's file name.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="BackupException">There is no way, with the reason.</exception>
    Task<ITunnelEnd> OpenAsync(string address, int port, string socketName, CancellationToken cancellationToken);
}

/// <summary>This machine's end of an open tunnel. Disposing closes it.</summary>
internal interface ITunnelEnd : IDisposable
{
    /// <summary>The folder of the socket.</summary>
    string Folder { get; }

    /// <summary>What failed on the way; null if nothing did.</summary>
    string? Failure { get; }
}

/// <summary>The address of a place that is reached through a tunnel, and perhaps of a database there.</summary>
public interface ITunnelAddress
{
    /// <summary>The database; null if none is named.</summary>
    string? Database { get; }

    /// <summary>False if it only adds to the address from which something came, as another Docker host does.</summary>
    bool NamesPlace { get; }

    /// <summary>True if it says on which engine the place is.</summary>
    bool NamesEngine { get; }

    /// <summary>True if that is another engine than the one that is used without a word.</summary>
    bool NamesOtherEngine { get; }

    /// <summary>True if a stopped place is started, and its server waited for.</summary>
    bool Starts { get; }

    /// <summary>Completes this address by the one from which something came.</summary>
    ITunnelAddress CompleteFrom(ITunnelAddress origin);

    /// <summary>Finds the place.</summary>
    /// <exception cref="BackupException">There is none, or it does not run.</exception>
    internal Task<ITunnel> FindAsync(CancellationToken cancellationToken);
}
