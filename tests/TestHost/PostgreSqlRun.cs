using System.Globalization;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Tunnel;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Restores;
using DbBackup.Engine.Verification;

namespace DbBackup.TestHost;

/// <summary>The same for a database of a PostgreSQL server, whose address and password are in the environment as libpq reads them.</summary>
internal static class PostgreSqlRun
{
    /// <summary>Backs up a database.</summary>
    public static async Task BackUpAsync(string database, string repository, string format, int killAt, bool inRanges)
    {
        var options = new PostgreSqlDumpOptions { Format = Enum.Parse<PostgreSqlFormat>(format), Jobs = 2 };
        // Every table counts as large.
        if (inRanges)
            options = options with { LargeTableBytes = 0 };
        var source = new PostgreSqlSource(PostgreSqlConnectionSettings.Resolve(new PostgreSqlConnectionRequest()), database, options);
        Backup backup = await new BackupService(new BackupRepository(new DirectoryStore(repository))).CreateAsync(
            new BackupRequest { Sources = [source], Fingerprint = FingerprintLevel.Content }, new Executioner(killAt), CancellationToken.None);
        Console.WriteLine(backup);
    }

    /// <summary>Backs up a database by a method, with several sessions for every table, and prints what is said of it.</summary>
    public static async Task BackUpIncrementallyAsync(string database, string repository, string method, string name, string user, string password)
    {
        PostgreSqlConnectionSettings server = PostgreSqlConnectionSettings.Resolve(new PostgreSqlConnectionRequest { Username = user, Password = password });
        await new BackupService(new BackupRepository(new DirectoryStore(repository))).CreateAsync(
            new BackupRequest
            {
                Sources = [new PostgreSqlSource(server, database, new PostgreSqlDumpOptions { Jobs = 2, LargeTableBytes = 64 << 10 })],
                SourceName = name,
                Method = new MethodChoice { Method = method },
                Fingerprint = FingerprintLevel.Content,
            },
            new Speaker(),
            CancellationToken.None);
    }

    /// <summary>Backs up a database of a server in a container.</summary>
    public static async Task BackUpContainerAsync(string container, string database, string repository)
    {
        PostgreSqlConnectionSettings server = await PostgreSqlServer.ResolveAsync(
            new PostgreSqlConnectionRequest { Server = new ServerAddress.Through(new ContainerServerAddress(new ContainerAddress.OfContainer(container))) }, CancellationToken.None);
        Backup backup = await new BackupService(new BackupRepository(new DirectoryStore(repository))).CreateAsync(
            new BackupRequest { Sources = [new PostgreSqlSource(server, database, new PostgreSqlDumpOptions())] }, new Executioner(0), CancellationToken.None);
        Console.WriteLine(backup);
    }

    /// <summary>Restores a backup to where it came from.</summary>
    public static async Task RestoreAsync(string repository, string source, string name, int killAt, bool inPlace)
    {
        (BackupRepository from, Backup backup) = await FindAsync(repository, source, name);
        var observer = new Executioner(killAt);
        PreparedRestore prepared = await PreparedRestore.PrepareAsync(
            from, new RestoreRequest { Backup = backup, InPlace = inPlace }, changeNothing: false, observer, CancellationToken.None);
        RestoreResult result = await prepared.RunAsync(observer, CancellationToken.None);
        Console.WriteLine(string.Join(", ", result.Restored));
    }

    /// <summary>Restores a backup into a scratch database, of its own server or of the one that the environment names.</summary>
    public static async Task RestoreTestAsync(string repository, string source, string name, int killAt, bool elsewhere)
    {
        PostgreSqlConnectionRequest? server = elsewhere
            ? new() { Server = ServerAddress.Of(null, Environment.GetEnvironmentVariable("PGHOST")), Port = int.Parse(Environment.GetEnvironmentVariable("PGPORT")!, CultureInfo.InvariantCulture) }
            : null;
        (BackupRepository from, Backup backup) = await FindAsync(repository, source, name);
        BackupTestResult result = await new BackupVerifier(from).TestAsync(
            backup, new BackupTestOptions { Level = BackupTestLevel.Restore, TestServer = server }, new Executioner(killAt), CancellationToken.None);
        Console.WriteLine(result);
        foreach (BackupCheck check in result.Checks)
            Console.WriteLine(check);
    }

    private static async Task<(BackupRepository Repository, Backup Backup)> FindAsync(string repository, string source, string name)
    {
        BackupRepository from = new BackupRepository(new DirectoryStore(repository));
        return (from, BackupSelection.One(await from.ListAsync(source, CancellationToken.None), source, name, latest: false, repository));
    }

    private sealed class Speaker : IOperationObserver
    {
        public void Progress(OperationProgress progress)
        {
        }

        public void Verbose(string message) => Console.WriteLine(message);

        public void Warning(string message) => Console.WriteLine(message);
    }
}
