namespace DbBackup.Engine.Engines;

/// <summary>A database that is in use, looked at for a comparison. It is read once, however many backups are compared with it.</summary>
internal interface ILiveDatabase
{
    /// <summary>Where it is.</summary>
    string Location { get; }

    /// <summary>Takes its facts in one snapshot, and its rows in the way in which those of a backup were read.</summary>
    /// <param name="like">The backup's facts.</param>
    /// <param name="tables">Tells which tables count; null for all, with the schema, sequences and settings.</param>
    /// <param name="cancellationToken">Cancels the running statement.</param>
    /// <exception cref="BackupException">It cannot be read.</exception>
    Task<CaptureFacts> TakeFactsAsync(Fingerprint like, Func<string, bool>? tables, CancellationToken cancellationToken);

    /// <summary>Reads the definitions of its schema; null if there is no program here that writes them.</summary>
    /// <exception cref="BackupException">They cannot be read.</exception>
    Task<SchemaDefinitions?> ReadDefinitionsAsync(CancellationToken cancellationToken);
}

/// <summary>A server that is in use, looked at for a comparison with backups of it.</summary>
internal interface ILiveServer
{
    /// <summary>Where it is.</summary>
    string Location { get; }

    /// <summary>The database that a connection string names; null if none does.</summary>
    string? Database { get; }

    /// <summary>The names of its databases.</summary>
    /// <exception cref="BackupException">The server does not answer.</exception>
    Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellationToken);

    /// <summary>A database of it.</summary>
    ILiveDatabase Open(string database, TimeSpan lockTimeout);

    /// <summary>Reads what belongs to the server as a whole, as <see cref="IDatabaseEngine.ReadDefinitionsAsync"/> gives it of a backup.</summary>
    /// <exception cref="BackupException">The server does not answer.</exception>
    Task<SchemaDefinitions?> ReadGlobalsAsync(CancellationToken cancellationToken);
}
