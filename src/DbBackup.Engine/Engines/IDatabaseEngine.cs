using System.IO.Enumeration;
using DbBackup.Engine.Engines.Instructions;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Payloads;

namespace DbBackup.Engine.Engines;

/// <summary>
/// All that one database engine knows of its payloads: how they are imported, tested, exported and restored by hand. Everybody else asks
/// <see cref="DatabaseEngines"/> for the engine and does not know which ones there are.
/// </summary>
internal interface IDatabaseEngine
{
    /// <summary>The engine's name in manifests.</summary>
    string Name { get; }

    /// <summary>The formats of its payloads, as manifests name them.</summary>
    IReadOnlyCollection<string> Formats { get; }

    /// <summary>The stock tools with which a payload is restored by hand.</summary>
    string StockTools { get; }

    /// <summary>The files and folders of other programs that can be imported, as a list in a sentence.</summary>
    string ForeignFiles { get; }

    /// <summary>Recognizes a file or folder of another program by its content.</summary>
    /// <returns>What it is; null if this engine cannot import it.</returns>
    ForeignDump? Recognize(ForeignFile file);

    /// <summary>Tests a payload. A damaged one is a failed check, or an exception of the category InvalidData.</summary>
    Task<DatabaseTestOutcome> TestAsync(DatabaseTestRun run, CancellationToken cancellationToken);

    /// <summary>The name that a payload gets in a folder of several exported ones.</summary>
    /// <param name="payload">The payload.</param>
    /// <param name="name">Where it lies in the backup: a file name, or a path in a folder of the same backup.</param>
    /// <param name="format">The form that is wanted.</param>
    string ExportName(Payload payload, string name, ExportFormat format);

    /// <summary>Exports a payload.</summary>
    /// <param name="content">The backup.</param>
    /// <param name="payload">The payload.</param>
    /// <param name="path">The file or folder to make; an existing file is replaced once the new one is whole.</param>
    /// <param name="format">The form.</param>
    /// <param name="cancellationToken">Stops the work; nothing is left then.</param>
    /// <exception cref="BackupException">The payload is damaged, or there is no room.</exception>
    Task ExportAsync(BackupContent content, Payload payload, string path, ExportFormat format, CancellationToken cancellationToken);

    /// <summary>Reads the definitions in a payload's schema, or the roles of a payload of a whole server, for a comparison.</summary>
    /// <param name="content">The backup.</param>
    /// <param name="payload">The payload.</param>
    /// <param name="openScratch">Makes room for an unpacked copy, of as many bytes as it is told.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <returns>Null if the payload's form does not tell.</returns>
    /// <exception cref="BackupException">The payload is damaged.</exception>
    Task<SchemaDefinitions?> ReadDefinitionsAsync(BackupContent content, Payload payload, Func<long, Task<string>> openScratch, CancellationToken cancellationToken) =>
        Task.FromResult<SchemaDefinitions?>(null);

    /// <summary>Reads the name of a table as a person writes it, with wildcards.</summary>
    /// <returns>Tells whether a table's name, as fingerprints have it, is meant.</returns>
    /// <exception cref="BackupException">It is no name.</exception>
    Func<string, bool> TableFilter(string pattern) => name => FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: true);
}

/// <summary>An engine whose databases are on a server, where a restore keeps what it replaced under another name.</summary>
internal interface IServerEngine : IDatabaseEngine
{
    /// <summary>The programs by which its payloads are restored by hand.</summary>
    IReadOnlyList<string> Programs { get; }

    /// <summary>What those programs are called as a whole.</summary>
    string ProgramsOf { get; }

    /// <summary>The variable that tells them who connects.</summary>
    string UserVariable { get; }

    /// <summary>Writes how a backup's payloads of this engine are restored by hand.</summary>
    /// <param name="text">Takes the text.</param>
    /// <param name="manifest">The backup.</param>
    /// <param name="payloads">The payloads.</param>
    /// <param name="inContainer">True if the text says already how the programs are run in the server's container.</param>
    void WriteInstructions(InstructionText text, Manifest manifest, IReadOnlyList<Payload> payloads, bool inContainer);

    /// <summary>Writes how a kept database is put back by hand.</summary>
    void WriteKeptInstructions(InstructionText text, Manifest manifest, KeptDatabase kept);

    /// <summary>Looks for a kept database on its server.</summary>
    /// <returns>Its name there.</returns>
    /// <exception cref="BackupException">The server cannot be reached, or the database is gone.</exception>
    Task<string> FindKeptAsync(Manifest manifest, PostgreSqlConnectionRequest connection, CancellationToken cancellationToken);

    /// <summary>Drops a kept database.</summary>
    /// <returns>The name that it had.</returns>
    /// <exception cref="BackupException">The server cannot be reached, or the database is gone.</exception>
    Task<string> DropKeptAsync(Manifest manifest, PostgreSqlConnectionRequest connection, CancellationToken cancellationToken);

    /// <summary>Finds the server with which a backup is compared.</summary>
    /// <param name="manifest">The backup.</param>
    /// <param name="backup">The backup's name, for errors.</param>
    /// <param name="connection">The server and role; what is null in it comes from the backup.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <exception cref="BackupException">The backup does not say which server it came from, or that is not known here.</exception>
    Task<ILiveServer> FindLiveAsync(Manifest manifest, string backup, PostgreSqlConnectionRequest connection, CancellationToken cancellationToken);
}
