using DbBackup.Engine.Engines;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Verification.PostgreSql;

/// <summary>
/// An extension that keeps rows of its users in tables of its own, with a foreign key between them: pg_dump writes these rows in an order
/// that the key allows, and several jobs of pg_restore do not keep to it. These rows may name tables of the database (Apache AGE).
/// </summary>
[Trait("Category", "PostgreSql")]
public sealed class ExtensionRowsTests(OwnPostgreSqlServer own) : IClassFixture<OwnPostgreSqlServer>
{
    private const string Control = "default_version = '1'\nrelocatable = false\nschema = 'queues'\n";

    private const string Script = """
        CREATE TABLE queue (id integer PRIMARY KEY, name text);
        CREATE TABLE event (id integer PRIMARY KEY, queue integer NOT NULL REFERENCES queue, place regclass);
        SELECT pg_extension_config_dump('queue', '');
        SELECT pg_extension_config_dump('event', '');
        """;

    [Fact]
    public async Task Rows_of_an_extension_with_keys_between_its_tables_are_restored_by_several_jobs()
    {
        string extensions = Path.Join(own.Server.Query("postgres", "SELECT setting FROM pg_config() WHERE name = 'SHAREDIR'"), "extension");
        string control = Path.Join(extensions, "dbbackup_queues.control");
        string script = Path.Join(extensions, "dbbackup_queues--1.sql");
        try
        {
            File.WriteAllText(control, Control);
            File.WriteAllText(script, Script);
        }
        catch (UnauthorizedAccessException)
        {
            Assert.Skip($"Only root may put an extension into '{extensions}'.");
        }

        try
        {
            using var bench = new PostgreSqlBench(own.Server);
            // So many that the second table's turn comes while the first one's rows are not committed.
            bench.Database.Execute(
                """
                CREATE EXTENSION dbbackup_queues;
                INSERT INTO queues.queue SELECT i, 'queue ' || i FROM generate_series(1, 200000) i;
                CREATE TABLE own (id integer); INSERT INTO own VALUES (1);
                INSERT INTO queues.event VALUES (1, 200000, 'own');
                """);
            string before = bench.Database.Dump();
            Backup backup = await bench.BackUpAsync();

            BackupTestResult test = await bench.TestAsync(backup, new BackupTestOptions { Level = BackupTestLevel.Restore, Jobs = 4 });
            Assert.True(test.Status == BackupStatus.Matched, test.ToString());
            await bench.RestoreAsync(bench.Request(backup) with { Jobs = 4 });
            Assert.Equal(before, bench.Database.Dump());
        }
        finally
        {
            File.Delete(control);
            File.Delete(script);
        }
    }
}
