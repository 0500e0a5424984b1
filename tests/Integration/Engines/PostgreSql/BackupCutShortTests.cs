using System.Diagnostics;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Testing;
using PostgreSqlServer = DbBackup.Testing.PostgreSqlServer;

namespace DbBackup.Tests.Integration.Engines.PostgreSql;

/// <summary>A backup that something ends in the middle: nothing is listed, nothing staged, nothing left on the server.</summary>
[Trait("Category", "PostgreSql")]
public sealed class BackupCutShortTests(OwnPostgreSqlServer own) : IClassFixture<OwnPostgreSqlServer>
{
    private const int Megabytes = 600;

    [Theory]
    [InlineData("alembic_version")]
    [InlineData("notes")]
    public async Task Backup_of_a_locked_table_names_who_holds_it(string table)
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        using var holder = new Npgsql.NpgsqlConnection(bench.Database.ConnectionString + ";Application Name=the migration");
        await holder.OpenAsync();
        await using var lockIt = new Npgsql.NpgsqlCommand($"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE", holder);
        await lockIt.ExecuteNonQueryAsync();

        var time = Stopwatch.StartNew();
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => bench.BackUpAsync(new PostgreSqlDumpOptions { LockTimeout = TimeSpan.FromSeconds(1) }));
        Assert.True(time.Elapsed < TimeSpan.FromSeconds(20), time.Elapsed.ToString());
        Assert.Equal(ErrorCodes.SourceLocked, failure.Code);
        Assert.True(failure.CanRetry);
        Assert.Contains("the migration", failure.Message, StringComparison.Ordinal);
        Assert.Contains(table, failure.Message, StringComparison.Ordinal);
        await holder.CloseAsync();
        await bench.Files.AssertNothingListedOrStagedAsync();
        bench.AssertNothingLeftOnServer();
        await bench.BackUpAsync();
    }

    [Theory]
    [InlineData(PostgreSqlFormat.Custom)]
    [InlineData(PostgreSqlFormat.Directory)]
    [InlineData(PostgreSqlFormat.Plain)]
    public async Task Backup_whose_connections_are_cut_leaves_nothing(PostgreSqlFormat format)
    {
        using PostgreSqlBench bench = CreateLarge(own.Server);
        BackupException failure = await CutAsync(bench, format, () => own.Server.TerminateAll(bench.Database.Name));
        Assert.Equal(ErrorCodes.ServerUnreachable, failure.Code);
        Assert.True(failure.CanRetry);
    }

    [Theory]
    [InlineData(PostgreSqlFormat.Custom)]
    [InlineData(PostgreSqlFormat.Directory)]
    [InlineData(PostgreSqlFormat.Plain)]
    public async Task Backup_whose_pg_dump_is_killed_leaves_nothing(PostgreSqlFormat format)
    {
        using PostgreSqlBench bench = CreateLarge(own.Server);
        BackupException failure = await CutAsync(bench, format, () => KillPgDump(bench.Database.Name));
        Assert.Equal(ErrorCodes.ToolFailed, failure.Code);
        Assert.Contains("pg_dump", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Backup_of_a_server_that_stops_leaves_nothing(bool atOnce)
    {
        using PostgreSqlServer server = PostgreSqlServer.Start();
        using PostgreSqlBench bench = CreateLarge(server);
        BackupException failure = await CutAsync(bench, PostgreSqlFormat.Custom, () => server.Stop(atOnce ? PostgreSqlStop.Immediate : PostgreSqlStop.Fast));
        Assert.Equal(ErrorCodes.ServerUnreachable, failure.Code);
        server.StartAgain();
        bench.AssertNothingLeftOnServer();
        await bench.BackUpAsync(fingerprint: FingerprintLevel.Rows);
    }

    [Theory]
    [InlineData(PostgreSqlFormat.Custom)]
    [InlineData(PostgreSqlFormat.Directory)]
    public async Task Backup_that_is_cancelled_leaves_nothing(PostgreSqlFormat format)
    {
        using PostgreSqlBench bench = CreateLarge(own.Server);
        using var cancel = new CancellationTokenSource();
        Task backup = Task.Run(() => new BackupService(bench.Files.Repository).CreateAsync(
            new BackupRequest { Sources = [bench.Source(new PostgreSqlDumpOptions { Format = format, Jobs = 2 })] }, bench.Observer, cancel.Token));
        bench.WaitForCopy(bench.Database.Name);
        var time = Stopwatch.StartNew();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => backup);
        Assert.True(time.Elapsed < TimeSpan.FromSeconds(30), time.Elapsed.ToString());
        await bench.Files.AssertNothingListedOrStagedAsync();
        bench.AssertNothingLeftOnServer();
    }

    [Theory]
    [InlineData(PostgreSqlFormat.Custom)]
    [InlineData(PostgreSqlFormat.Directory)]
    [InlineData(PostgreSqlFormat.Plain)]
    public async Task Backup_onto_a_full_disk_leaves_nothing(PostgreSqlFormat format)
    {
        using var disk = new SmallDisk(40);
        using var bench = new PostgreSqlBench(own.Server, repository: disk["backups"]);
        bench.CreateNotes();
        bench.AddLargeDump(120);
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(
            () => bench.BackUpAsync(new PostgreSqlDumpOptions { Format = format, Jobs = 2 }, FingerprintLevel.Rows, PayloadCompression.None));
        Assert.Equal(FailureCategory.NoSpace, failure.Category);
        bench.AssertSound(failure);
        await bench.Files.AssertNothingListedOrStagedAsync();
        bench.AssertNothingLeftOnServer();
        Assert.True(new DriveInfo(disk.Path).AvailableFreeSpace > 39 << 20);
    }

    private static PostgreSqlBench CreateLarge(PostgreSqlServer server)
    {
        var bench = new PostgreSqlBench(server);
        bench.CreateNotes();
        bench.AddLargeDump(Megabytes);
        return bench;
    }

    private static async Task<BackupException> CutAsync(PostgreSqlBench bench, PostgreSqlFormat format, Action cut)
    {
        Task<Backup> backup = Task.Run(() => bench.BackUpAsync(new PostgreSqlDumpOptions { Format = format, Jobs = 2 }, FingerprintLevel.Rows));
        bench.WaitForCopy(bench.Database.Name);
        cut();
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => backup);
        bench.AssertSound(failure);
        await bench.Files.AssertNothingListedOrStagedAsync();
        if (bench.Server.IsRunning)
            bench.AssertNothingLeftOnServer();
        return failure;
    }

    // Those of other tests end meanwhile.
    private static string CommandLine(Process process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process.Id}/cmdline");
        }
        catch (IOException)
        {
            return string.Empty;
        }
    }

    private static void KillPgDump(string database)
    {
        foreach (Process process in Process.GetProcessesByName("pg_dump"))
        {
            using (process)
            {
                if (CommandLine(process).Contains(database, StringComparison.Ordinal))
                    process.Kill();
            }
        }
    }
}
