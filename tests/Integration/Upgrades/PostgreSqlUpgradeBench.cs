using DbBackup.Engine.Encryption;
using DbBackup.Upgrades;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Upgrades;

/// <summary>A database of a server with rows, a repository, and a folder for journals.</summary>
internal sealed class PostgreSqlUpgradeBench : IDisposable
{
    /// <summary>Runs SQL where the variable leads; each -c is a transaction of its own.</summary>
    public const string Psql = "psql -X -q -v ON_ERROR_STOP=1 \"$DATABASE_URL\"";

    /// <summary>A migration in three transactions.</summary>
    public const string Good =
        Psql + " -c 'ALTER TABLE notes ADD COLUMN extra text' -c \"UPDATE notes SET extra = 'new'\" -c \"UPDATE alembic_version SET version_num = 'bbbb'\"";

    public PostgreSqlUpgradeBench(PostgreSqlServer server)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The migrations of these tests are written for sh.");
        Require.Tool("psql");
        Bench = new PostgreSqlBench(server);
        Bench.CreateNotes();
        Before = Database.Dump();
        Journals = Files["journals"];
        Code = Directory.CreateDirectory(Files["code"]).FullName;
        Service = new UpgradeService(Journals);
    }

    public PostgreSqlBench Bench { get; }

    public TestDatabase Database => Bench.Database;

    public Workbench Files => Bench.Files;

    public RecordingObserver Observer => Files.Observer;

    /// <summary>The database before the upgrade.</summary>
    public string Before { get; }

    public string Journals { get; }

    /// <summary>The folder in which the migration runs.</summary>
    public string Code { get; }

    public UpgradeService Service { get; }

    public bool IsMigrated => Database.Query("SELECT count(*) FROM information_schema.columns WHERE table_name = 'notes' AND column_name = 'extra'") == "1";

    public UpgradeRequest Request(string migrate, params string[] checks) => new()
    {
        Subject = new UpgradeSubject.ServerDatabase(Bench.Superuser with { Database = Database.Name }),
        Migrate = migrate,
        MigrationPath = Code,
        DatabaseVariable = UpgradeBench.Variable,
        Checks = checks,
        LockTimeout = TimeSpan.FromSeconds(10),
    };

    public Task<UpgradeResult> RunAsync(UpgradeRequest request) => Service.RunAsync(request, Files.Repository, Observer, CancellationToken.None);

    public Task<UpgradeResult> UndoAsync(string id) => Service.UndoAsync(id, Bench.Server.Password, new KeyRing(), Observer, CancellationToken.None);

    public Task<UpgradeResult> ResumeAsync(string id) => Service.ResumeAsync(id, Bench.Server.Password, new KeyRing(), Observer, CancellationToken.None);

    /// <summary>Fails where the database is not as it was, or something is left of the upgrade.</summary>
    public void AssertAsBefore()
    {
        Assert.Equal(Before, Database.Dump());
        Bench.AssertNothingLeftOnServer();
    }

    /// <summary>Fails where a row is missing or was not migrated.</summary>
    public void AssertMigrated()
    {
        Assert.Equal("100|100", Database.Query("SELECT count(*), count(*) FILTER (WHERE extra = 'new') FROM notes"));
        Assert.Equal("bbbb", Database.Query("SELECT version_num FROM alembic_version"));
        Bench.AssertNothingLeftOnServer();
    }

    /// <summary>A file in the folder in which the migration runs.</summary>
    public string CodeFile(string name) => Path.Join(Code, name);

    public static async Task WaitForAsync(Func<bool> condition)
    {
        for (int attempt = 0; !condition(); attempt++)
        {
            Assert.True(attempt < 1200, "It did not come to pass.");
            await Task.Delay(50);
        }
    }

    public void Dispose() => Bench.Dispose();
}
