using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Restores;
using DbBackup.Engine.Retention;
using DbBackup.Engine.Verification;

namespace DbBackup.TestHost;

/// <summary>What is done with a repository's backups, in a process that prints a line when it is done.</summary>
internal static class RepositoryRun
{
    /// <summary>Copies the newest backup of a folder to a location.</summary>
    public static async Task CopyAsync(string repository, string location)
    {
        var from = new BackupRepository(new DirectoryStore(repository));
        var to = new BackupRepository(RepositoryLocation.Parse(location, Path.GetFullPath).OpenStore());
        Console.WriteLine(await new BackupCopy(from, to).RunAsync((await from.ListAsync(null, CancellationToken.None))[0], allowNew: false, new Executioner(0), CancellationToken.None));
        using var self = System.Diagnostics.Process.GetCurrentProcess();
        Console.WriteLine(FormattableString.Invariant($"peak {self.PeakWorkingSet64 >> 20} MiB"));
    }

    /// <summary>Removes a backup.</summary>
    public static async Task RemoveAsync(string repository, string source, string name)
    {
        (BackupRepository from, Backup backup) = await FindAsync(repository, source, name);
        await new BackupRemoval(from).RemoveAsync(backup, force: false, new PostgreSqlConnectionRequest(), new Executioner(0), CancellationToken.None);
        Console.WriteLine("removed");
    }

    /// <summary>Tests a backup by a restore.</summary>
    public static async Task TestAsync(string repository, string source, string name)
    {
        (BackupRepository from, Backup backup) = await FindAsync(repository, source, name);
        BackupTestResult result = await new BackupVerifier(from).TestAsync(
            backup, new BackupTestOptions { Level = BackupTestLevel.Restore }, new Executioner(0), CancellationToken.None);
        Console.WriteLine($"tested {result.Status}");
    }

    /// <summary>Undoes the newest restore of a source.</summary>
    public static async Task UndoRestoreAsync(string repository, string source)
    {
        var from = new BackupRepository(new DirectoryStore(repository));
        var request = new UndoRequest { Record = (await RestoreUndo.ListAsync(from, source, CancellationToken.None))[0] };
        PreparedRestore undo = await RestoreUndo.PrepareAsync(from, request, changeNothing: false, new Executioner(0), CancellationToken.None);
        await undo.RunAsync(new Executioner(0), CancellationToken.None);
        Console.WriteLine("undone");
    }

    private static async Task<(BackupRepository Repository, Backup Backup)> FindAsync(string repository, string source, string name)
    {
        var from = new BackupRepository(new DirectoryStore(repository));
        return (from, BackupSelection.One(await from.ListAsync(source, CancellationToken.None), source, name, latest: false, repository));
    }
}
