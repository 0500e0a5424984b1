using System.Diagnostics;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Restores.PostgreSql;

/// <summary>Databases that are busy, and databases of very many parts.</summary>
[Trait("Category", "PostgreSql")]
public sealed class ScaleTests(OwnPostgreSqlServer own, ITestOutputHelper output) : IClassFixture<OwnPostgreSqlServer>
{
    [Theory]
    [InlineData(PostgreSqlFormat.Custom)]
    [InlineData(PostgreSqlFormat.Directory)]
    public async Task Backup_under_writers_at_full_speed_is_one_moment(PostgreSqlFormat format)
    {
        using var bench = new PostgreSqlBench(own.Server);
        using WriterPair writers = WriterPair.Start(bench.Database, connections: 4, comesBack: true);
        for (int round = 0; round < Sampling.Rounds(2, 3); round++)
        {
            long before = writers.Moves;
            Backup backup = await bench.BackUpAsync(new PostgreSqlDumpOptions { Format = format, Jobs = 2 });
            output.WriteLine($"{writers.Moves - before} moves during the backup");
            BackupTestResult restoreTest = await bench.TestAsync(backup);
            Assert.True(restoreTest.Status == BackupStatus.Matched, restoreTest.ToString());

            string copy = $"{bench.Database.Name}_{round}";
            using var restored = new TestDatabase(own.Server, copy);
            await bench.RestoreAsync(bench.Request(backup) with { NewName = copy });
            Assert.Equal(WriterPair.ConservedSum, WriterPair.Sum(restored));
            // What was drawn from the sequence before the snapshot is never drawn again.
            Assert.Equal("t", restored.Query("SELECT last_value >= (SELECT max(id) FROM moved_journal) FROM moved_journal_id_seq"));
        }

        writers.Stop();
    }

    [Fact]
    public async Task Very_many_partitions_in_many_schemas_are_backed_up_and_tested()
    {
        using var bench = new PostgreSqlBench(own.Server);
        PostgreSqlSample.ManyTables(bench.Database, Sampling.Rounds(2_500, 10_000), schemas: Sampling.Rounds(25, 100));
        var clock = Stopwatch.StartNew();
        Backup backup = await bench.BackUpAsync();
        output.WriteLine($"backed up in {clock.Elapsed.TotalSeconds:f1} s");
        clock.Restart();
        BackupTestResult restoreTest = await bench.TestAsync(backup);
        output.WriteLine($"tested in {clock.Elapsed.TotalSeconds:f1} s");
        Assert.True(restoreTest.Status == BackupStatus.Matched, restoreTest.ToString());
        Assert.True(clock.Elapsed < TimeSpan.FromMinutes(4), clock.Elapsed.ToString());
        bench.AssertNothingLeftOnServer();
    }

    [Fact]
    public async Task A_thousand_schemas_are_backed_up_and_restored()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.Database.Execute(
            """
            DO $$ BEGIN FOR i IN 1..1000 LOOP
                EXECUTE format('CREATE SCHEMA tenant_%s', i);
                EXECUTE format('CREATE TABLE tenant_%s.notes (id serial PRIMARY KEY, body text)', i);
                EXECUTE format('INSERT INTO tenant_%s.notes (body) VALUES (''of tenant %1$s'')', i);
                IF i % 100 = 0 THEN COMMIT; END IF;
            END LOOP; END $$
            """);
        Backup backup = await bench.BackUpAsync();
        bench.Database.Execute("DROP SCHEMA tenant_500 CASCADE");
        RestoreResult result = await bench.RestoreAsync(backup);
        Assert.Equal(BackupStatus.Matched, result.Status);
        Assert.Equal("of tenant 500", bench.Database.Query("SELECT body FROM tenant_500.notes"));
        bench.AssertNothingLeftOnServer();
    }
}
