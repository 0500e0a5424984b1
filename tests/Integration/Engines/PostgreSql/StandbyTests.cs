using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Testing;
using PostgreSqlServer = DbBackup.Testing.PostgreSqlServer;

namespace DbBackup.Tests.Integration.Engines.PostgreSql;

/// <summary>A hot standby: backups are taken of it, and nothing is restored to it.</summary>
[Trait("Category", "PostgreSql")]
public sealed class StandbyTests(OwnPostgreSqlServer own) : IClassFixture<OwnPostgreSqlServer>
{
    [Theory]
    [InlineData(PostgreSqlFormat.Custom)]
    [InlineData(PostgreSqlFormat.Directory)]
    [InlineData(PostgreSqlFormat.Plain)]
    public async Task A_standby_with_an_unlogged_table_is_backed_up_and_what_it_lacks_is_told(PostgreSqlFormat format)
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        bench.Database.Execute("CREATE UNLOGGED TABLE cache (id integer PRIMARY KEY); INSERT INTO cache SELECT generate_series(1, 50)");
        using PostgreSqlServer standby = PostgreSqlServer.StartStandbyOf(own.Server);
        PostgreSqlConnectionRequest connection = bench.Superuser with { Port = standby.Port };

        Backup backup = await bench.Files.BackUpAsync(bench.Source(new PostgreSqlDumpOptions { Format = format, Jobs = format == PostgreSqlFormat.Directory ? 2 : null }, connection));

        Assert.Contains(backup.Manifest!.Notes, note => note.Contains("public.cache", StringComparison.Ordinal) && note.Contains("standby", StringComparison.Ordinal));
        Assert.Equal(100, backup.Manifest.Payloads[0].Fingerprint!.Tables.Single(table => table.Name == "public.notes").Rows);
        Assert.DoesNotContain(backup.Manifest.Payloads[0].Fingerprint!.Tables, table => table.Name == "public.cache" && table.Rows > 0);
        BackupTestResult proved = await bench.TestAsync(backup);
        Assert.True(proved.Status == BackupStatus.Matched, proved.ToString());

        // A test that names the standby reads the backup, and says why it did no more.
        BackupTestResult read = await bench.TestAsync(backup, server: connection);
        Assert.True(read.Passed, read.ToString());
        Assert.Equal(BackupStatus.Checked, read.Status);
        Assert.Contains(read.Missing, missing => missing.Contains("standby", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_restore_to_a_standby_is_refused_before_anything_else()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        Backup backup = await bench.BackUpAsync();
        using PostgreSqlServer standby = PostgreSqlServer.StartStandbyOf(own.Server);
        PostgreSqlConnectionRequest connection = bench.Superuser with { Port = standby.Port };

        foreach (Engine.Restores.RestoreRequest request in new[]
        {
            bench.Request(backup) with { Connection = connection },
            bench.Request(backup) with { Connection = connection, InPlace = true },
            bench.Request(backup) with { Connection = connection, NewName = "another" },
            bench.Request(backup) with { Connection = connection, Tables = ["notes"] },
        })
        {
            BackupException failure = await bench.RestoreFailsAsync(request);
            Assert.Equal(ErrorCodes.TargetInvalid, failure.Code);
            Assert.Contains("is a standby", failure.Message, StringComparison.Ordinal);
            Assert.Contains("primary", failure.Hint, StringComparison.Ordinal);
        }
    }
}
