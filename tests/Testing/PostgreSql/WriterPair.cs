using System.Globalization;
using Npgsql;

namespace DbBackup.Testing;

/// <summary>
/// Writers at full speed: each moves amounts between accounts of several tables, so that the sum over all tables is the
/// same in every snapshot, and in no torn copy. They also add to a journal, so that rows come and go while they move.
/// </summary>
internal sealed class WriterPair : IDisposable
{
    /// <summary>The accounts' tables are moved_1 to moved_4.</summary>
    public const int Tables = 4;

    private const int Rows = 500;
    private const int Amount = 1000;

    private readonly TestDatabase _database;
    private readonly bool _comesBack;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task[] _writers;
    private long _moves;

    private WriterPair(TestDatabase database, int connections, bool comesBack)
    {
        _database = database;
        _comesBack = comesBack;
        _writers = [.. Enumerable.Range(0, connections).Select(seed => Task.Run(() => WriteAsync(new Random(seed))))];
    }

    /// <summary>What <see cref="Sum"/> is in every snapshot.</summary>
    public static long ConservedSum => (long)Tables * Rows * Amount;

    /// <summary>Committed moves until now.</summary>
    public long Moves => Interlocked.Read(ref _moves);

    /// <summary>Makes the tables.</summary>
    public static void CreateTables(TestDatabase database) => database.Execute(
        string.Concat(Enumerable.Range(1, Tables).Select(table =>
            $"CREATE TABLE moved_{table} (id integer PRIMARY KEY, amount bigint NOT NULL); INSERT INTO moved_{table} SELECT i, {Amount} FROM generate_series(1, {Rows}) AS i;"))
        + "CREATE TABLE moved_journal (id bigserial PRIMARY KEY, amount bigint NOT NULL, gain bigint NOT NULL);");

    /// <summary>Makes the tables where they are missing, starts the writers, and returns when all are at work.</summary>
    /// <param name="database">The database.</param>
    /// <param name="connections">How many write at once.</param>
    /// <param name="comesBack">Do they connect again after they were disconnected, as an application does? Otherwise that fails <see cref="Stop"/>.</param>
    public static WriterPair Start(TestDatabase database, int connections = 2, bool comesBack = false)
    {
        if (database.Query("SELECT to_regclass('moved_journal') IS NULL") == "t")
            CreateTables(database);
        var writers = new WriterPair(database, connections, comesBack);
        try
        {
            writers.WaitForMoves(connections * 5);
            return writers;
        }
        catch
        {
            writers._stop.Cancel();
            throw;
        }
    }

    /// <summary>The conserved sum, as this database has it. Journal entries cancel themselves out.</summary>
    public static long Sum(TestDatabase database) => long.Parse(
        database.Query(
            $"SELECT ({string.Join(" + ", Enumerable.Range(1, Tables).Select(table => $"(SELECT sum(amount) FROM moved_{table})"))} + (SELECT coalesce(sum(amount + gain), 0) FROM moved_journal))::bigint"),
        CultureInfo.InvariantCulture);

    /// <summary>Waits until so many more moves are committed.</summary>
    public void WaitForMoves(long more)
    {
        long goal = Moves + more;
        Assert.True(
            SpinWait.SpinUntil(() => Moves >= goal || _writers.Any(writer => writer.IsFaulted), TimeSpan.FromMinutes(1)), "The writers do not write.");
        Assert.DoesNotContain(_writers, writer => writer.IsFaulted && Rethrow(writer));
    }

    /// <summary>Ends the writers; an error that one of them met fails the test.</summary>
    public void Stop()
    {
        _stop.Cancel();
        Task.WaitAll(_writers);
    }

    public void Dispose()
    {
        _stop.Cancel();
        Task.WhenAll(_writers).ContinueWith(_ => { }, TaskScheduler.Default).Wait();
        _stop.Dispose();
    }

    private static bool Rethrow(Task writer)
    {
        writer.GetAwaiter().GetResult();
        return true;
    }

    private async Task WriteAsync(Random random)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await using var connection = new NpgsqlConnection(_database.ConnectionString);
                await connection.OpenAsync();
                while (!_stop.IsCancellationRequested)
                    await MoveAsync(connection, random);
            }
            catch (NpgsqlException failure) when (_comesBack || failure.SqlState == PostgresErrorCodes.DeadlockDetected)
            {
                // The server was away, or two writers wanted each other's row.
                await Task.Delay(20);
            }
        }
    }

    // One statement, so one transaction and one snapshot; the tables differ, so that a copy made table by table is torn.
    private async Task MoveAsync(NpgsqlConnection connection, Random random)
    {
        int from = random.Next(Tables);
        int to = (from + 1 + random.Next(Tables - 1)) % Tables;
        int amount = random.Next(1, 10);
        await using var command = new NpgsqlCommand(
            $"""
            WITH taken AS (UPDATE moved_{from + 1} SET amount = amount - {amount} WHERE id = {random.Next(Rows) + 1} RETURNING 1),
                given AS (UPDATE moved_{to + 1} SET amount = amount + {amount} WHERE id = {random.Next(Rows) + 1} RETURNING 1),
                old AS (DELETE FROM moved_journal WHERE id <= (SELECT max(id) - 1000 FROM moved_journal))
            INSERT INTO moved_journal (amount, gain) VALUES ({amount}, -{amount})
            """,
            connection);
        await command.ExecuteNonQueryAsync();
        Interlocked.Increment(ref _moves);
    }
}
