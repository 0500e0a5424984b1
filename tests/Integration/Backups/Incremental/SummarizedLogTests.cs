using System.Globalization;
using System.Text.RegularExpressions;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Testing;
using Npgsql;
using PostgreSqlServer = DbBackup.Testing.PostgreSqlServer;

namespace DbBackup.Tests.Integration.Backups.Incremental;

/// <summary>A server that keeps summaries of its write-ahead log, by which it knows which blocks were written.</summary>
public sealed class SummarizingServer : IDisposable
{
    private readonly Lazy<PostgreSqlServer> _server = new(() => Start(17));

    internal PostgreSqlServer Server => _server.Value;

    internal static PostgreSqlServer Start(int major) => PostgreSqlServer.Start(new PostgreSqlOptions
    {
        Programs = PostgreSqlPrograms.OfMajor(major),
        Settings = new Dictionary<string, string> { ["summarize_wal"] = "on", ["autovacuum"] = "off" },
    });

    public void Dispose()
    {
        if (_server.IsValueCreated)
            Server.Dispose();
    }
}

/// <summary>
/// Incremental backups of a server that names the blocks that were written: blocks that were not written are taken from the full backup and not
/// read, and each backup equals a full one of the same moment, which reads all.
/// </summary>
[Trait("Category", "PostgreSql")]
public sealed partial class SummarizedLogTests(SummarizingServer summarizing) : IClassFixture<SummarizingServer>
{
    private const int Rows = 60_000;

    [SampledTheory]
    [InlineData("UPDATE big SET body = 'changed' WHERE id = 20000", 0.6)]
    [CompleteRunData("DELETE FROM big WHERE id BETWEEN 100 AND 200", 0.6)]
    [InlineData("INSERT INTO big (body) SELECT repeat('more', 100) FROM generate_series(1, 3000)", 0.8)]
    [CompleteRunData("BEGIN; UPDATE big SET body = 'rolled back' WHERE id = 5; ROLLBACK", 0.6)]
    [CompleteRunData("DELETE FROM big WHERE id > 30000; VACUUM big", 0.0)]
    [InlineData("DELETE FROM big WHERE id > 30000; VACUUM big; INSERT INTO big (body) SELECT 'again' FROM generate_series(1, 60000)", 0.0)]
    [CompleteRunData("UPDATE notes SET body = 'other'", 0.99)]
    [InlineData("CREATE INDEX more ON big (body); ALTER TABLE big ADD CHECK (id > 0); ANALYZE big", 0.99)]
    [InlineData("VACUUM FULL big", null)]
    [CompleteRunData("CLUSTER big USING big_pkey", null)]
    [CompleteRunData("TRUNCATE big; INSERT INTO big (body) SELECT 'new' FROM generate_series(1, 60000)", null)]
    [InlineData("ALTER TABLE big ADD COLUMN added integer DEFAULT 7", null)]
    [CompleteRunData("ALTER TABLE big DROP COLUMN mood", null)]
    [InlineData("ALTER TYPE mood RENAME VALUE 'fine' TO 'well'", null)]
    [CompleteRunData("ALTER TABLE big RENAME COLUMN body TO text", 0.99)]
    [InlineData("ALTER TABLE big SET UNLOGGED; UPDATE big SET body = 'unlogged' WHERE id = 3", null)]
    [CompleteRunData("ALTER DATABASE CURRENT SET bytea_output = escape", null)]
    public async Task Blocks_that_were_not_written_are_not_read(string change, double? least)
    {
        using LogBench bench = Bench();
        Backup full = await bench.BackUpAsync(BackupMethod.Full);
        foreach (string statement in change.Replace("DATABASE CURRENT", $"DATABASE \"{bench.Database.Name}\"", StringComparison.Ordinal).Split(change.StartsWith("BEGIN", StringComparison.Ordinal) ? "\n" : "; "))
            bench.Database.Execute(statement);

        double? unchanged = await bench.IncrementalEqualsFullAsync(full);

        Assert.True(least is null ? unchanged is null : unchanged >= least, bench.Said);
    }

    [Fact]
    public async Task Each_generation_of_random_histories_equals_the_full_backup_of_its_moment()
    {
        for (int seed = 0; seed < Sampling.Rounds(2, 40); seed++)
        {
            var random = new Random(seed);
            using LogBench bench = Bench();
            // Writers come and go while the backups are made.
            using var writer = new Writer(bench, seed);
            Backup full = await bench.BackUpAsync(BackupMethod.Full);
            double most = 0;
            for (int generation = 0; generation < 4; generation++)
            {
                for (int edits = random.Next(4); edits >= 0; edits--)
                    bench.Database.Execute(Edit(random));
                writer.Rest();
                double? unchanged = await bench.IncrementalEqualsFullAsync(full);
                writer.GoOn();
                most = Math.Max(most, unchanged ?? 0);
            }

            Assert.True(most > 0, $"In history {seed} all was read each time.");
        }
    }

    [Fact]
    public async Task Transaction_that_was_open_at_the_full_backup_is_not_missed()
    {
        using LogBench bench = Bench();
        await using NpgsqlConnection open = await BeginAsync(bench, "UPDATE big SET body = 'of the open one' WHERE id IN (5, 30000)");

        Backup full = await bench.BackUpAsync(BackupMethod.Full);
        Assert.Contains("a transaction is open that has written", bench.Said, StringComparison.Ordinal);
        await ExecuteAsync(open, "COMMIT");

        Assert.Null(await bench.IncrementalEqualsFullAsync(full));
    }

    [Fact]
    public async Task Prepared_transaction_is_as_one_that_is_open()
    {
        using PostgreSqlServer server = PostgreSqlServer.Start(new PostgreSqlOptions
        {
            Programs = PostgreSqlPrograms.OfMajor(18),
            Settings = new Dictionary<string, string> { ["summarize_wal"] = "on", ["max_prepared_transactions"] = "2" },
        });
        using LogBench bench = Bench(server);
        bench.Database.Execute("BEGIN; UPDATE big SET body = 'prepared' WHERE id = 5; PREPARE TRANSACTION 'one'");
        Backup full = await bench.BackUpAsync(BackupMethod.Full);
        bench.Database.Execute("COMMIT PREPARED 'one'");

        Assert.Null(await bench.IncrementalEqualsFullAsync(full));

        full = await bench.BackUpAsync(BackupMethod.Full);
        bench.Database.Execute("UPDATE big SET body = 'later' WHERE id = 7");
        Assert.True(await bench.IncrementalEqualsFullAsync(full) > 0.6);
    }

    [Fact]
    public async Task Short_transaction_is_waited_for()
    {
        using LogBench bench = Bench();
        await using NpgsqlConnection open = await BeginAsync(bench, "UPDATE big SET body = 'short' WHERE id = 5");
        Task commit = Task.Run(async () =>
        {
            await Task.Delay(300);
            await ExecuteAsync(open, "COMMIT");
        });
        Backup full = await bench.BackUpAsync(BackupMethod.Full);
        await commit;
        bench.Database.Execute("UPDATE big SET body = 'later' WHERE id = 20000");

        Assert.True(await bench.IncrementalEqualsFullAsync(full) > 0.6);
    }

    [Fact]
    public async Task Server_that_was_set_back_is_read_whole()
    {
        using PostgreSqlServer server = SummarizingServer.Start(17);
        using LogBench bench = Bench(server);
        server.Stop();
        string earlier = server.DataFolder + ".earlier";
        Shell.Run("cp", "-a", server.DataFolder, earlier);
        server.StartAgain();
        bench.Database.Execute("UPDATE big SET body = 'in the life that is undone' WHERE id = 20000");
        Backup full = await bench.BackUpAsync(BackupMethod.Full);
        server.Stop();
        Shell.Run("rm", "-rf", server.DataFolder);
        Shell.Run("mv", earlier, server.DataFolder);
        server.StartAgain();
        // The log goes on behind the place of the full backup, with checkpoints of its own.
        bench.Database.Execute("UPDATE big SET body = 'in the other life' WHERE id = 40000");
        bench.Database.Execute("SELECT pg_logical_emit_message(false, 'test', repeat('-', 1000000)); CHECKPOINT");

        Assert.Null(await bench.IncrementalEqualsFullAsync(full));
        Assert.Contains("set back", bench.Said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Killed_server_recovers_and_what_it_lost_is_read()
    {
        using PostgreSqlServer server = SummarizingServer.Start(18);
        using LogBench bench = Bench(server);
        Backup full = await bench.BackUpAsync(BackupMethod.Full);
        bench.Database.Execute("UPDATE big SET body = 'before the crash' WHERE id = 20000");
        server.Kill();
        server.StartAgain();
        bench.Database.Execute("UPDATE big SET body = 'after the crash' WHERE id = 40000");

        Assert.True(await bench.IncrementalEqualsFullAsync(full) > 0.4);
    }

    [Fact]
    public async Task Role_needs_to_ask_for_a_checkpoint()
    {
        using LogBench bench = Bench();
        PostgreSqlConnectionRequest role = bench.CreateRole("GRANT pg_read_all_data TO ROLE");
        Backup full = await bench.BackUpAsync(BackupMethod.Full, role);
        Assert.Contains($"GRANT pg_checkpoint TO \"{role.Username}\"", bench.Said, StringComparison.Ordinal);
        Assert.Null(await bench.IncrementalEqualsFullAsync(full, role));

        bench.Database.Execute($"GRANT pg_checkpoint TO \"{role.Username}\"");
        full = await bench.BackUpAsync(BackupMethod.Full, role);
        bench.Database.Execute("UPDATE big SET body = 'changed' WHERE id = 20000");
        Assert.True(await bench.IncrementalEqualsFullAsync(full, role) > 0.6);
    }

    [Fact]
    public async Task Rows_of_a_damaged_full_backup_are_not_taken()
    {
        using LogBench bench = Bench();
        Backup full = await bench.BackUpAsync(BackupMethod.Full);
        string payload = Path.Join(full.Location, full.Manifest!.Payloads[0].FileName);
        byte[] bytes = await File.ReadAllBytesAsync(payload);
        bytes[bytes.Length / 3] ^= 4;
        File.SetAttributes(payload, FileAttributes.Normal);
        await File.WriteAllBytesAsync(payload, bytes);

        Backup made = await bench.BackUpAsync(BackupMethod.Incremental);

        Assert.Equal(BackupMethod.Full, made.Method);
        Assert.Contains("A full backup is made", bench.Said, StringComparison.Ordinal);
        Backup whole = await bench.BackUpAsync(BackupMethod.Full);
        Assert.Equal(LogBench.Contents(whole), LogBench.Contents(made));
    }

    private LogBench Bench(PostgreSqlServer? server = null) => new(server ?? summarizing.Server);

    private static string Edit(Random random) => random.Next(6) switch
    {
        0 => string.Create(CultureInfo.InvariantCulture, $"UPDATE big SET body = 'edited {random.Next()}' WHERE id = {random.Next(Rows)}"),
        1 => string.Create(CultureInfo.InvariantCulture, $"DELETE FROM big WHERE id BETWEEN {random.Next(Rows)} AND {random.Next(2 * Rows)}"),
        2 => string.Create(CultureInfo.InvariantCulture, $"INSERT INTO big (body) SELECT repeat('added ' || i, 60) FROM generate_series(1, {random.Next(2000)}) i"),
        3 => "VACUUM big",
        4 => string.Create(CultureInfo.InvariantCulture, $"UPDATE big SET body = repeat(md5(id::text), 200) WHERE id / 50 = {random.Next(Rows / 50)}"),
        _ => "CHECKPOINT",
    };

    private static async Task<NpgsqlConnection> BeginAsync(LogBench bench, string sql)
    {
        var connection = new NpgsqlConnection(bench.Database.ConnectionString);
        await connection.OpenAsync();
        await ExecuteAsync(connection, "BEGIN; " + sql);
        return connection;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    // A database, and a process with the programs of its server's version that backs it up.
    private sealed partial class LogBench : IDisposable
    {
        private readonly PostgreSqlBench _bench;
        private readonly WorkerProcess _worker;

        public LogBench(PostgreSqlServer server)
        {
            _bench = new PostgreSqlBench(server);
            _worker = new WorkerProcess("env", $"PATH={server.BinFolder}:{System.Environment.GetEnvironmentVariable("PATH")}", $"PGHOST={server.Host}", $"PGPORT={server.Port}", $"PGUSER={server.User}", $"PGPASSWORD={server.Password}");
            _bench.CreateNotes();
            Database.Execute(
                "CREATE TYPE mood AS ENUM ('fine', 'tired'); CREATE TABLE big (id serial PRIMARY KEY, body text, mood mood DEFAULT 'fine', tags text[], raw bytea);" +
                $"INSERT INTO big (body, tags, raw) SELECT md5(i::text) || repeat('x', i % 90), ARRAY[md5(i::text)], decode(md5(i::text), 'hex') FROM generate_series(1, {Rows}) i");
            Database.Execute("VACUUM big");
            // A summary goes from one checkpoint to the next: one that began before the rows came names all of their blocks.
            Database.Execute("CHECKPOINT");
        }

        public TestDatabase Database => _bench.Database;

        /// <summary>What was said of the last backup.</summary>
        public string Said { get; private set; } = string.Empty;

        public PostgreSqlConnectionRequest CreateRole(string grants) => _bench.CreateRole("reader", grants: grants);

        public async Task<Backup> BackUpAsync(string method, PostgreSqlConnectionRequest? role = null, string source = "app")
        {
            WorkerEnd end = _worker.Run("pgincremental", Database.Name, _bench.Files.RepositoryPath, method, source, role?.Username ?? _bench.Server.User, role?.Password ?? _bench.Server.Password);
            Said = string.Join('\n', end.Lines);
            Assert.True(end.Exit == 0, end.Words);
            return (await _bench.Files.ListAsync(source))[0];
        }

        // A full backup of the same moment reads all. Null if the incremental one did too.
        public async Task<double?> IncrementalEqualsFullAsync(Backup full, PostgreSqlConnectionRequest? role = null)
        {
            Backup made = await BackUpAsync(BackupMethod.Incremental, role);
            string said = Said;
            Backup whole = await BackUpAsync(BackupMethod.Full, role, "alone");
            Said = said;
            Assert.Equal((BackupMethod.Incremental, full.Name), (made.Method, made.Parent));
            Assert.Equal(BackupMethod.Full, whole.Method);
            Assert.Equal(Contents(whole), Contents(made));
            // It restores as the role of the backup, which may not create a database.
            WorkerEnd tested = role is not null ? new WorkerEnd(0, string.Empty, ["passed"]) : _worker.Run("pgtest", _bench.Files.RepositoryPath, "app", made.Name, "0");
            Assert.True(tested.Exit == 0 && tested.Lines.Any(line => line.Contains("passed", StringComparison.OrdinalIgnoreCase)), $"{tested.Words} {string.Join(' ', tested.Lines)}");
            Match counted = Counted().Match(said);
            return counted.Success ? Number(counted, 1) / Number(counted, 2) : null;
        }

        public static IEnumerable<(string, long, string?)> Contents(Backup backup) =>
            backup.Manifest!.Payloads[0].Fingerprint!.Tables.Select(table => (table.Name, table.Rows, table.ContentHash));

        public void Dispose()
        {
            _worker.Dispose();
            _bench.Dispose();
        }

        private static double Number(Match match, int group) => double.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

        [GeneratedRegex(@"(\d+) of (\d+) ranges of the large tables")]
        private static partial Regex Counted();
    }

    // Short transactions without end, but for the moments in which two backups are to hold the same.
    private sealed class Writer : IDisposable
    {
        private readonly ManualResetEventSlim _mayWrite = new(true);
        private readonly ManualResetEventSlim _rests = new();
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _work;

        public Writer(LogBench bench, int seed) => _work = Task.Run(() =>
        {
            var random = new Random(seed);
            using var connection = new NpgsqlConnection(bench.Database.ConnectionString);
            connection.Open();
            while (!_stop.IsCancellationRequested)
            {
                if (!_mayWrite.IsSet)
                {
                    _rests.Set();
                    _mayWrite.Wait(_stop.Token);
                }

                using var command = new NpgsqlCommand(string.Create(CultureInfo.InvariantCulture, $"UPDATE big SET mood = 'tired' WHERE id = {random.Next(Rows / 20)}"), connection);
                command.ExecuteNonQuery();
                Thread.Sleep(5);
            }
        });

        public void Rest()
        {
            _rests.Reset();
            _mayWrite.Reset();
            Assert.True(_rests.Wait(TimeSpan.FromSeconds(30)), "The writer does not rest.");
        }

        public void GoOn() => _mayWrite.Set();

        public void Dispose()
        {
            _stop.Cancel();
            ((Task)_work).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing).GetAwaiter().GetResult();
            _mayWrite.Dispose();
            _rests.Dispose();
            _stop.Dispose();
        }
    }
}
