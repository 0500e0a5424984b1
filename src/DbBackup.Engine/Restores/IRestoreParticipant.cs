using DbBackup.Engine.Engines;

namespace DbBackup.Engine.Restores;

/// <summary>
/// One thing that a restore replaces: a database file, a folder, the databases of a server, a volume. Participants are staged in the order
/// of the plan and swapped by <see cref="Order"/>; if one fails, those before it are undone. Disposed, a participant removes what it
/// staged and did not put in place.
/// </summary>
internal interface IRestoreParticipant : IAsyncDisposable
{
    /// <summary>When its turn comes in the swap: the easier it is undone, the earlier.</summary>
    RestoreOrder Order { get; }

    /// <summary>How many bytes it needs in the scratch folder; 0 for none.</summary>
    long ScratchBytes => 0;

    /// <summary>How far what it restored proved itself; null if it holds no database.</summary>
    BackupStatus? Status { get; }

    /// <summary>What the restored state lacks or has otherwise than the backup recorded, a sentence each; the user allowed it.</summary>
    IReadOnlyList<string> Differences => [];

    /// <summary>The renames in local folders by which it is put in place, for the journal.</summary>
    IReadOnlyList<StagedSwap> Renames => [];

    /// <summary>Where the journal lies, so that the next run finds it; null for the folder of the first rename.</summary>
    string? JournalFolder => null;

    /// <summary>What it writes into open databases instead, for the journal.</summary>
    IReadOnlyList<StagedSwap> Writes => [];

    /// <summary>How the run after a killed one finds out whether the swap was committed; null if the names on disk tell.</summary>
    CommitPoint? CommitPoint => null;

    /// <summary>For how long new connections waited; null if none had to.</summary>
    TimeSpan? Interruption => null;

    /// <summary>Makes the restored state ready beside the present one and checks it. The present state is not touched.</summary>
    Task StageAsync(RestoreStage stage, CancellationToken cancellationToken);

    /// <summary>Holds writers off, as far as the engine can, and says how the present state is kept.</summary>
    Task<PresentState> HoldAsync(CancellationToken cancellationToken);

    /// <summary>Copies a present state that is too damaged to be backed up.</summary>
    /// <param name="damage">The failure of the safety backup; null if the participant itself found the damage.</param>
    /// <returns>The copies; none if it is not this participant's state that is damaged.</returns>
    IReadOnlyList<SetAsideState> SetAside(BackupException? damage) => [];

    /// <summary>Writes the entries of what stays where it is, under other names. After the safety backup, so that their names differ.</summary>
    /// <returns>The names of the entries.</returns>
    Task<IReadOnlyList<string>> RetainAsync(CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<string>>([]);

    /// <summary>Puts the restored state in place and keeps the present one; all of it or nothing.</summary>
    Task SwapAsync(CancellationToken cancellationToken);

    /// <summary>Gives the previous state its place again. Called for a swap that failed too, which may have left something to do.</summary>
    /// <param name="safety">The safety backup, for what keeps nothing of its own; null if none was taken.</param>
    Task UndoAsync(Backup? safety);

    /// <summary>Removes what was kept for <see cref="UndoAsync"/>. Everything is in place.</summary>
    Task CompleteAsync();
}

/// <summary>The turns of a swap. What cannot be undone by a rename comes last.</summary>
internal enum RestoreOrder
{
    /// <summary>Renames within volumes.</summary>
    Volume,

    /// <summary>Database files: whether they have been swapped tells how far a killed restore came.</summary>
    DatabaseFile,

    /// <summary>Renames of local folders.</summary>
    Folder,

    /// <summary>Renames of a server's databases, in one transaction.</summary>
    Server,

    /// <summary>A load into a present database: undone only from the safety backup.</summary>
    InPlace,
}

/// <summary>What participants are given to work with.</summary>
/// <param name="ScratchFolder">A local folder for temporary files, removed afterwards; null if no participant asked for room in it.</param>
/// <param name="IsAlone">True if nothing else is swapped, so that no later failure can ask for the previous state.</param>
/// <param name="Observer">Receives progress.</param>
/// <param name="Activity">The words under which progress is shown.</param>
internal sealed record RestoreStage(string? ScratchFolder, bool IsAlone, IOperationObserver Observer, string Activity)
{
    /// <summary>Reports a step.</summary>
    public void Report(string step) => Observer.Progress(new OperationProgress(Activity, step));
}

/// <summary>How the state that a participant replaces is kept.</summary>
/// <param name="Sources">What the safety backup takes.</param>
/// <param name="IsDamaged">True if the state can only be set aside.</param>
internal sealed record PresentState(IReadOnlyList<IBackupSource> Sources, bool IsDamaged = false)
{
    /// <summary>Nothing is there, or it is kept otherwise.</summary>
    public static PresentState None { get; } = new([]);
}

/// <summary>A database file that was too damaged to be backed up, and was copied as it was.</summary>
/// <param name="Engine">The name of its engine.</param>
/// <param name="Target">The file.</param>
/// <param name="Copies">The copy of it, and those of the files that belong to it.</param>
public sealed record SetAsideState(string Engine, string Target, IReadOnlyList<string> Copies);

/// <summary>A database of a server whose name tells whether a killed restore had committed its swap.</summary>
/// <param name="Engine">The name of the server's engine.</param>
/// <param name="Location">The address under which the restored database is put.</param>
/// <param name="Username">The role.</param>
/// <param name="ObjectId">The identity of the restored database, which a rename leaves as it is; null if a load into the present one is not told from outside.</param>
internal sealed record CommitPoint(string Engine, string Location, string? Username, long? ObjectId);
