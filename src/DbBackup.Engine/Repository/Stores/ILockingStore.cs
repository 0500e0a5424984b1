namespace DbBackup.Engine.Repository.Stores;

/// <summary>A store that locks what is written to it until a moment (object lock), and can show that it does.</summary>
internal interface ILockingStore : IObjectStore
{
    /// <summary>True if what is written now is locked.</summary>
    bool IsLocking { get; }

    /// <summary>
    /// Tries to delete for good an object that is locked, one that was put for this: never a file of a backup. What the store refuses is what
    /// is hoped for.
    /// </summary>
    /// <returns>Why the lock does not hold, as a clause; null if the store refused.</returns>
    /// <exception cref="BackupException">The store cannot be asked.</exception>
    Task<string?> FindLockProblemAsync(CancellationToken cancellationToken);
}
