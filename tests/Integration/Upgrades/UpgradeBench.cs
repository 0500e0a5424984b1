using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Signatures;
using DbBackup.Upgrades;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Upgrades;

/// <summary>A database with rows, a repository, and a folder for journals.</summary>
internal sealed class UpgradeBench : IDisposable
{
    /// <summary>What a migration is led to its database with.</summary>
    public const string Variable = "DATABASE_URL";

    /// <summary>A migration in two steps, led by the variable.</summary>
    public const string Good = "p=${DATABASE_URL#sqlite:///}; echo migrating; sqlite3 \"$p\" \"ALTER TABLE notes ADD COLUMN extra TEXT; UPDATE notes SET extra = 'new'\"";

    /// <param name="folder">Where it is; null for a folder of its own.</param>
    public UpgradeBench(TempFolder? folder = null)
    {
        Files = new Workbench(folder: folder);
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The migrations of these tests are written for sh.");
        Require.Tool("sqlite3");
        Database = SampleDatabase.Create(Files["app.db"]);
        Before = SampleDatabase.Content(Database);
        Journals = Files["journals"];
        Service = new UpgradeService(Journals);
    }

    public Workbench Files { get; }

    public string Database { get; }

    /// <summary>The rows before the upgrade.</summary>
    public string Before { get; }

    public string Journals { get; }

    public UpgradeService Service { get; }

    public bool IsMigrated => SampleDatabase.Text(Database, "SELECT count(*) FROM pragma_table_info('notes') WHERE name = 'extra'") == "1";

    public UpgradeRequest Request(string migrate, params string[] checks) => new()
    {
        Subject = new UpgradeSubject.SqliteFile(Database),
        Migrate = migrate,
        MigrationPath = Path.GetDirectoryName(Database)!,
        DatabaseVariable = Variable,
        Checks = checks,
    };

    // As those who resume it or roll it back: they sign, and miss the signature of what was not signed.
    public Task<UpgradeResult> RunAsync(UpgradeRequest request, CancellationToken cancellationToken = default) =>
        Service.RunAsync(request, new BackupRepository(Files.Store, null, SignerMemory.OfUser), Files.Observer, cancellationToken);

    /// <summary>Fails where the database is not as it was, or something is left of a restore.</summary>
    public void AssertAsBefore()
    {
        Assert.Equal(Before, SampleDatabase.Content(Database));
        Assert.Equal("ok", SampleDatabase.Text(Database, "PRAGMA integrity_check"));
    }

    public static UpgradeStepState StateOf(UpgradeResult result, string step) => result.Steps.Single(each => each.Name == step).State;

    public void Dispose() => Files.Dispose();
}
