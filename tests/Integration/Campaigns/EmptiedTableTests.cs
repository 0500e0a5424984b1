using System.Diagnostics;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Testing;
using Npgsql;

namespace DbBackup.Tests.Integration.Campaigns;

/// <summary>
/// An application that empties a table and fills it in one transaction, again and again: at every moment others see all of its rows, and so
/// does every backup. Without a look at the tables' files after pg_dump has its locks, every third dump has no row of it.
/// </summary>
[Trait("Category", "PostgreSql")]
public sealed class EmptiedTableTests(OwnPostgreSqlServer own) : IClassFixture<OwnPostgreSqlServer>
{
    private const int Rows = 1000;

    [Fact]
    public async Task A_table_that_is_emptied_and_filled_all_the_time_is_whole_in_every_backup()
    {
        using PostgreSqlBench bench = Create();
        var duration = Stopwatch.StartNew();
        int rounds = Sampling.Rounds(5, 200);
        int wrong = 0;
        int refused = 0;
        var writer = new Writer(bench.Database.ConnectionString);
        try
        {
            for (int round = 0; round < rounds; round++)
            {
                PostgreSqlFormat format = round % 5 == 4 ? PostgreSqlFormat.Plain : PostgreSqlFormat.Custom;
                Backup backup;
                try
                {
                    var options = new PostgreSqlDumpOptions { Format = format, LockTimeout = TimeSpan.FromSeconds(10), Jobs = 2 };
                    // Read by other sessions beside pg_dump, as large tables are.
                    if (round % 5 > 1)
                        options = options with { LargeTableBytes = 0 };
                    backup = await bench.BackUpAsync(options);
                }
                catch (BackupException locked) when (locked.Code == ErrorCodes.SourceLocked)
                {
                    // A machine so busy that pg_dump never has its locks between two rounds of the writer: no backup, and that is told.
                    refused++;
                    continue;
                }

                if (RowsOf(backup, "public.queue") != Rows)
                    wrong++;
                if (round % 10 == 0)
                    Assert.Equal(BackupStatus.Matched, (await bench.TestAsync(backup)).Status);
            }
        }
        finally
        {
            writer.Dispose();
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{rounds} backups in {duration.Elapsed.TotalSeconds:0} s, {writer.Count} times emptied, {refused} refused, {wrong} wrong");
        Assert.True(writer.Count > rounds / 2, $"The writer emptied the table {writer.Count} times only.");
        Assert.Equal(0, wrong);
        Assert.True(refused < rounds, "Not one backup was made.");
    }

    [Fact]
    public async Task A_table_whose_rows_are_left_out_may_be_emptied_as_often_as_it_likes()
    {
        using PostgreSqlBench bench = Create();
        using var writer = new Writer(bench.Database.ConnectionString);
        for (int round = 0; round < Sampling.Rounds(4, 20); round++)
        {
            Backup backup = await bench.BackUpAsync(new PostgreSqlDumpOptions { ExcludedTableData = ["queue"] });
            Assert.Equal(0, RowsOf(backup, "public.queue"));
            Assert.Equal(Rows, RowsOf(backup, "public.kept"));
            Assert.Equal(BackupStatus.Matched, (await bench.TestAsync(backup)).Status);
        }
    }

    [Fact]
    public async Task Of_chosen_tables_the_emptied_one_is_whole_too()
    {
        using PostgreSqlBench bench = Create();
        using var writer = new Writer(bench.Database.ConnectionString);
        for (int round = 0; round < Sampling.Rounds(4, 20); round++)
        {
            try
            {
                Backup backup = await bench.BackUpAsync(new PostgreSqlDumpOptions { Tables = ["queue"] });
                Assert.Equal(Rows, RowsOf(backup, "public.queue"));
            }
            catch (BackupException refused) when (refused.Code == ErrorCodes.SourceLocked)
            {
                Assert.Contains("public.queue", refused.Message, StringComparison.Ordinal);
            }
        }
    }

    private PostgreSqlBench Create()
    {
        var bench = new PostgreSqlBench(own.Server);
        bench.Database.Execute(
            $"""
            CREATE TABLE queue (id integer, body text);
            INSERT INTO queue SELECT i, 'message ' || i FROM generate_series(1, {Rows}) i;
            CREATE TABLE kept (id integer);
            INSERT INTO kept SELECT generate_series(1, {Rows});
            """);
        return bench;
    }

    private static long RowsOf(Backup backup, string table) =>
        Assert.Single(Assert.Single(backup.Manifest!.Payloads).Fingerprint!.Tables, each => each.Name == table).Rows;

    /// <summary>Empties and fills the table until it is disposed.</summary>
    private sealed class Writer : IDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _work;

        public Writer(string connection) => _work = Task.Run(() => WorkAsync(connection));

        public int Count { get; private set; }

        public void Dispose()
        {
            _stop.Cancel();
            _work.Wait();
            _stop.Dispose();
        }

        private async Task WorkAsync(string text)
        {
            await using var connection = new NpgsqlConnection(text);
            await connection.OpenAsync();
            var random = new Random(1);
            while (!_stop.IsCancellationRequested)
            {
                await using (var command = new NpgsqlCommand(
                    $"BEGIN; TRUNCATE queue; INSERT INTO queue SELECT i, 'message ' || i FROM generate_series(1, {Rows}) i; COMMIT", connection))
                    await command.ExecuteNonQueryAsync();
                Count++;
                await Task.Delay(random.Next(200, 500));
            }
        }
    }
}
