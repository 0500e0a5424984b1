using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Restores;
using DbBackup.Testing;
using PostgreSqlServer = DbBackup.Testing.PostgreSqlServer;

namespace DbBackup.Tests.Integration.Restores.PostgreSql;

/// <summary>A server whose database 'home' alone can have pg_cron.</summary>
public sealed class CronServer : IDisposable
{
    // Not in the constructor: a test can be skipped, a fixture cannot.
    private readonly Lazy<PostgreSqlServer> _server = new(() => PostgreSqlServer.Start(new PostgreSqlOptions
    {
        Settings = new Dictionary<string, string> { ["shared_preload_libraries"] = "pg_cron", ["cron.database_name"] = "home" },
    }));

    internal PostgreSqlServer Server => _server.Value;

    public void Dispose()
    {
        if (_server.IsValueCreated)
            _server.Value.Dispose();
    }
}

/// <summary>pg_cron, which a server has in one of its databases only.</summary>
[Trait("Category", "PostgreSql")]
public sealed class SingleDatabaseExtensionTests(CronServer cron) : IClassFixture<CronServer>
{
    private const string Jobs = "SELECT jobname, schedule, command FROM cron.job ORDER BY 1";
    private const string Nightly = "nightly|0 3 1 1 *|VACUUM";

    private PostgreSqlServer Server => cron.Server;

    [Fact]
    public async Task A_database_with_jobs_is_proved_without_them_and_restored_in_place_with_them()
    {
        using PostgreSqlBench bench = CreateHome();
        string before = Server.Dump("home");
        Backup backup = await bench.Files.BackUpAsync(bench.Source(database: "home"));

        BackupTestResult proved = await bench.TestAsync(backup);
        Assert.True(proved.Status == BackupStatus.Matched, proved.ToString());
        Assert.Contains(proved.Checks, check => check.Detail.Contains("without the extension pg_cron", StringComparison.Ordinal));

        Server.Execute("home", "SELECT cron.unschedule('nightly'); SELECT cron.schedule('other', '0 4 1 1 *', 'ANALYZE'); UPDATE notes SET body = 'changed'; CREATE TABLE newer (id integer)");
        (RestoreResult restored, IReadOnlyList<string> warnings) = await RestoreAsync(bench, backup, "home");
        Assert.Equal(BackupStatus.Matched, restored.Status);
        Assert.Contains(warnings, warning => warning.Contains("pg_cron", StringComparison.Ordinal) && warning.Contains("in place", StringComparison.Ordinal));
        Assert.Equal(Nightly, Server.Query("home", Jobs));
        Assert.Equal(before, Server.Dump("home"));

        // An undo gives back the jobs of before, too.
        await bench.Files.UndoAsync(backup.Source, undo => undo with { Connection = bench.Superuser });
        Assert.Equal("other|0 4 1 1 *|ANALYZE", Server.Query("home", Jobs));
        bench.AssertNothingLeftOnServer();
    }

    [Fact]
    public async Task A_change_beside_the_extension_is_still_a_difference()
    {
        using PostgreSqlBench bench = CreateHome();
        Backup backup = await bench.Files.BackUpAsync(bench.Source(database: "home"));
        Backup claiming = PostgreSqlBench.Claiming(backup, manifest => manifest with
        {
            Payloads = [.. manifest.Payloads.Select(payload => payload with { Fingerprint = payload.Fingerprint! with { SchemaSha256 = new string('0', 64) } })],
        });
        Assert.Equal(BackupStatus.Mismatched, (await bench.TestAsync(claiming)).Status);
    }

    [Fact]
    public async Task Beside_it_is_restored_without_the_extension_and_the_plan_says_so()
    {
        using PostgreSqlBench bench = CreateHome();
        Backup backup = await bench.Files.BackUpAsync(bench.Source(database: "home"));
        try
        {
            (RestoreResult restored, IReadOnlyList<string> warnings) = await RestoreAsync(bench, backup, "copy");
            Assert.Equal(BackupStatus.Matched, restored.Status);
            Assert.Contains(warnings, warning => warning.Contains("without the extension pg_cron", StringComparison.Ordinal) && warning.Contains("--schema=cron", StringComparison.Ordinal));
            Assert.Equal("0|100", Server.Query("copy", "SELECT (SELECT count(*) FROM pg_extension WHERE extname = 'pg_cron'), (SELECT count(*) FROM notes)"));
            Assert.Equal(Nightly, Server.Query("home", Jobs));
        }
        finally
        {
            Server.Execute("postgres", "DROP DATABASE IF EXISTS copy WITH (FORCE)");
        }
    }

    [Fact]
    public async Task A_database_that_is_gone_is_created_with_its_jobs()
    {
        using PostgreSqlBench bench = CreateHome();
        string before = Server.Dump("home");
        Backup backup = await bench.Files.BackUpAsync(bench.Source(database: "home"));
        Server.Execute("postgres", "DROP DATABASE home WITH (FORCE)");

        (RestoreResult restored, _) = await RestoreAsync(bench, backup, "home");

        Assert.Equal(BackupStatus.Matched, restored.Status);
        Assert.Equal(Nightly, Server.Query("home", Jobs));
        Assert.Equal(before, Server.Dump("home"));
        Assert.DoesNotContain(bench.Observer.Warnings, warning => warning.Contains("pg_cron", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(PostgreSqlFormat.Custom)]
    [InlineData(PostgreSqlFormat.Plain)]
    public async Task What_needs_the_extension_is_not_restored_elsewhere_and_in_place(PostgreSqlFormat format)
    {
        using PostgreSqlBench bench = CreateHome();
        Server.Execute("home", "CREATE VIEW jobs AS SELECT jobname FROM cron.job; CREATE VIEW first AS SELECT min(jobname) FROM jobs; CREATE TABLE cron.own (id integer)");
        string before = Server.Dump("home");
        Backup backup = await bench.Files.BackUpAsync(bench.Source(new PostgreSqlDumpOptions { Format = format }, database: "home"));

        BackupTestResult read = await bench.TestAsync(backup);
        Assert.True(read.Passed, read.ToString());
        Assert.Equal(BackupStatus.Checked, read.Status);
        Assert.Contains(read.Missing, missing => missing.Contains("pg_cron", StringComparison.Ordinal));

        BackupException failure = await bench.RestoreFailsAsync(bench.Request(backup) with { NewName = "copy" });
        Assert.Contains("pg_cron", failure.Message, StringComparison.Ordinal);
        if (format == PostgreSqlFormat.Custom)
            Assert.Contains("VIEW public.jobs", failure.Message, StringComparison.Ordinal);

        Server.Execute("home", "UPDATE notes SET body = 'changed'; SELECT cron.unschedule('nightly')");
        await RestoreAsync(bench, backup, "home");
        Assert.Equal(before, Server.Dump("home"));
    }

    private static async Task<(RestoreResult Result, IReadOnlyList<string> Warnings)> RestoreAsync(PostgreSqlBench bench, Backup backup, string name)
    {
        PreparedRestore prepared = await PreparedRestore.PrepareAsync(
            bench.Files.Repository, bench.Request(backup) with { NewName = name }, changeNothing: false, bench.Observer, CancellationToken.None);
        return (await prepared.RunAsync(bench.Observer, CancellationToken.None), prepared.Plan.Warnings);
    }

    private PostgreSqlBench CreateHome()
    {
        Require.That(Server.Query("postgres", "SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_cron'") == "1", "pg_cron is not installed.");
        Server.Execute("postgres", "DROP DATABASE IF EXISTS home WITH (FORCE)");
        Server.Execute("postgres", "CREATE DATABASE home TEMPLATE template0");
        Server.Execute(
            "home",
            """
            CREATE TABLE notes (id serial PRIMARY KEY, body text); INSERT INTO notes (body) SELECT 'note ' || i FROM generate_series(1, 100) i;
            CREATE EXTENSION pg_cron; COMMENT ON EXTENSION pg_cron IS 'jobs'; GRANT USAGE ON SCHEMA cron TO pg_monitor; GRANT EXECUTE ON FUNCTION cron.unschedule(bigint) TO pg_monitor;
            SELECT cron.schedule('nightly', '0 3 1 1 *', 'VACUUM');
            """);
        return new PostgreSqlBench(Server);
    }
}
