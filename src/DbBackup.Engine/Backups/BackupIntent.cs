using DbBackup.Engine.Docker.Files;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Engines.Sqlite;

namespace DbBackup.Engine.Backups;

/// <summary>What a user wants to be backed up, before anything was looked for.</summary>
public abstract record BackupIntent
{
    private BackupIntent()
    {
    }

    /// <summary>Folders and files of this machine that belong to the same restore point; absolute paths.</summary>
    public IReadOnlyList<string> AdditionalPaths { get; init; } = [];

    /// <summary>Patterns of what is left out of folders, containers' paths and volumes.</summary>
    public IReadOnlyList<string> Exclude { get; init; } = [];

    /// <summary>Files of containers and volumes that belong to the same restore point.</summary>
    public IReadOnlyList<ContainerFilesRequest> ContainerFiles { get; init; } = [];

    /// <summary>The name under which the source is kept, which several backups cannot share; null for the source's own.</summary>
    public string? SourceName { get; init; }

    /// <summary>A SQLite database of this machine.</summary>
    /// <param name="Path">Its absolute path.</param>
    public sealed record OfSqlite(string Path) : BackupIntent
    {
        /// <summary>How it is stored.</summary>
        public SqliteFormat Format { get; init; }

        /// <summary>How long to wait for its lock.</summary>
        public TimeSpan LockTimeout { get; init; } = TimeSpan.FromSeconds(30);

        /// <summary>True if a database without tables is accepted.</summary>
        public bool AllowEmpty { get; init; }
    }

    /// <summary>Databases of a PostgreSQL server, in a container or not.</summary>
    /// <param name="Connection">The server, and the role that connects.</param>
    /// <param name="Databases">The databases.</param>
    /// <param name="Options">How they are dumped.</param>
    public sealed record OfServer(PostgreSqlConnectionRequest Connection, DatabaseChoice Databases, PostgreSqlDumpOptions Options) : BackupIntent;

    /// <summary>Files of containers and volumes alone (<see cref="ContainerFiles"/>), with the SQLite databases among them.</summary>
    public sealed record OfContainerFiles : BackupIntent;
}
