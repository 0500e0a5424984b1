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
}
