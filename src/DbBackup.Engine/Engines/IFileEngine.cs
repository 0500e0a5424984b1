using DbBackup.Engine.Engines.Instructions;
using DbBackup.Engine.Payloads;

namespace DbBackup.Engine.Engines;

/// <summary>An engine whose databases are files.</summary>
internal interface IFileEngine : IDatabaseEngine
{
    /// <summary>Tells a database of this engine by its content.</summary>
    bool IsDatabase(string path);

    /// <summary>Reads at which revision of its schema a database is that may be in use.</summary>
    /// <returns>Null where no table tells one; several heads with commas.</returns>
    /// <exception cref="BackupException">It is damaged, or locked for longer than the time given.</exception>
    string? ReadSchemaRevision(string path, TimeSpan lockTimeout, CancellationToken cancellationToken);

    /// <summary>Makes a database file of a payload, in a new place that no process uses yet.</summary>
    /// <exception cref="BackupException">The payload is damaged, or there is no room.</exception>
    Task RestoreAsync(BackupContent content, Payload payload, string file, IProgress<long>? progress, CancellationToken cancellationToken);

    /// <summary>Checks a restored file and compares it with the backup's fingerprint.</summary>
    /// <exception cref="BackupException">It is damaged, or not what was backed up.</exception>
    void RequireEqual(Payload payload, string file, CancellationToken cancellationToken);

    /// <summary>The command that makes the file by hand.</summary>
    /// <param name="payload">The payload.</param>
    /// <param name="target">The file, quoted for the shell.</param>
    string RestoreCommand(Payload payload, string target);

    /// <summary>Writes how the files are checked by hand.</summary>
    /// <param name="text">Takes the text.</param>
    /// <param name="payloads">The payloads of this engine, one or more.</param>
    void WriteCheck(InstructionText text, IReadOnlyList<Payload> payloads);

    /// <summary>Writes the heading of the step that puts the file in place, and what to take care of.</summary>
    void WritePlacing(InstructionText text);

    /// <summary>What the engine keeps beside a database's file, as endings of the file's name: it goes where the file goes.</summary>
    IReadOnlyList<string> Companions => [];

    /// <summary>Makes the source by which the present state is backed up before a restore replaces it; an empty one too.</summary>
    IBackupSource PresentState(string path, TimeSpan lockTimeout);

    /// <summary>Reads the definitions in the schema of a database file that no process writes; null if the engine does not tell.</summary>
    /// <exception cref="BackupException">It is damaged.</exception>
    SchemaDefinitions? ReadDefinitions(string file, CancellationToken cancellationToken) => null;

    /// <summary>Holds writers off a present database, while readers (the safety backup) still come through.</summary>
    /// <returns>Null if the file is no usable database.</returns>
    /// <exception cref="BackupException">Another process has it locked.</exception>
    IHeldFile? TryHold(string path, TimeSpan lockTimeout, CancellationToken cancellationToken);

    /// <summary>Looks for damage in a present database.</summary>
    bool IsDamaged(string path, TimeSpan lockTimeout);

    /// <summary>Tells whether <see cref="WriteInto"/> works: whether a database can be restored that other processes have open.</summary>
    bool CanWriteInto => false;

    /// <summary>Writes a file's content into a database that other processes have open, in one transaction.</summary>
    /// <exception cref="BackupException">The database stayed locked, or cannot take the content.</exception>
    void WriteInto(string restored, string live, TimeSpan lockTimeout, Action<long, long> progress, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Copies a database that other processes have open.</summary>
    /// <exception cref="BackupException">It stayed locked, or is damaged.</exception>
    void Copy(string live, string copy, TimeSpan lockTimeout, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Rolls back what a killed restore left half written in a database.</summary>
    /// <exception cref="BackupException">It cannot be rolled back.</exception>
    void RollBack(string path, TimeSpan lockTimeout)
    {
    }
}

/// <summary>A present database whose writers are held off. Disposing lets them in again.</summary>
internal interface IHeldFile : IDisposable
{
    /// <summary>Makes the database complete in its one file, right before that is replaced.</summary>
    /// <exception cref="BackupException">Another process has the database open.</exception>
    void MakeSelfContained();
}
