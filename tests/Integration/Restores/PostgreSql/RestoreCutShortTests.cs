using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Restores;
using DbBackup.Testing;
using PostgreSqlServer = DbBackup.Testing.PostgreSqlServer;

namespace DbBackup.Tests.Integration.Restores.PostgreSql;

/// <summary>A restore that something ends in the middle: the old database is as it was, and nothing else is there.</summary>
[Trait("Category", "PostgreSql")]
public sealed class RestoreCutShortTests(OwnPostgreSqlServer own) : IClassFixture<OwnPostgreSqlServer>
{
    private const string Beside = "dbbackup\\_new\\_%";

    [Theory]
    [InlineData(PostgreSqlFormat.Custom, false)]
    [InlineData(PostgreSqlFormat.Directory, false)]
    [InlineData(PostgreSqlFormat.Plain, false)]
    [InlineData(PostgreSqlFormat.Custom, true)]
    [InlineData(PostgreSqlFormat.Plain, true)]
    public async Task Restore_of_a_damaged_payload_changes_nothing(PostgreSqlFormat format, bool inPlace)
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes(20_000);
        Backup backup = await bench.BackUpAsync(new PostgreSqlDumpOptions { Format = format }, compression: PayloadCompression.None);
        bench.Migrate();
        string payload = Path.Join(backup.Location, backup.Manifest!.Payloads.Single().FileName);
        byte[] bytes = File.ReadAllBytes(payload);
        bytes[bytes.Length * 2 / 3] ^= 1;
        File.WriteAllBytes(payload, bytes);

        BackupException failure = await bench.RestoreFailsAsync(bench.Request(backup) with { InPlace = inPlace, NoSafetyBackup = inPlace });
        Assert.Equal(FailureCategory.InvalidData, failure.Category);
        Assert.Equal(ErrorCodes.BackupDamaged, failure.Code);
    }

    [Theory]
    [InlineData(PostgreSqlFormat.Custom)]
    [InlineData(PostgreSqlFormat.Plain)]
    public async Task Restore_whose_connections_are_cut_changes_nothing(PostgreSqlFormat format)
    {
        using var bench = new PostgreSqlBench(own.Server);
        Backup backup = await BackUpLargeAsync(bench, format);
        Task cut = Task.Run(() =>
        {
            bench.WaitForCopy(Beside);
            bench.CutConnections(Beside);
        });
        BackupException failure = await bench.RestoreFailsAsync(bench.Request(backup), cut.Wait);
        Assert.Equal(ErrorCodes.ServerUnreachable, failure.Code);
        Assert.True(failure.CanRetry);
    }

    [Fact]
    public async Task Restore_in_place_whose_connections_are_cut_changes_nothing()
    {
        using var bench = new PostgreSqlBench(own.Server);
        Backup backup = await BackUpLargeAsync(bench, PostgreSqlFormat.Custom);
        Task cut = Task.Run(() =>
        {
            bench.WaitForCopy(bench.Database.Name);
            bench.CutConnections(bench.Database.Name);
        });
        BackupException failure = await bench.RestoreFailsAsync(bench.Request(backup) with { InPlace = true, NoSafetyBackup = true }, cut.Wait);
        Assert.Equal(ErrorCodes.ServerUnreachable, failure.Code);
    }

    [Fact]
    public async Task Restore_that_is_cancelled_changes_nothing()
    {
        using var bench = new PostgreSqlBench(own.Server);
        Backup backup = await BackUpLargeAsync(bench, PostgreSqlFormat.Custom);
        string before = bench.Database.Dump();
        using var cancel = new CancellationTokenSource();
        Task restore = Task.Run(() => bench.RestoreAsync(bench.Request(backup), cancel.Token));
        bench.WaitForCopy(Beside);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => restore);
        Assert.Equal(before, bench.Database.Dump());
        bench.AssertNothingLeftOnServer();
        bench.Files.AssertNothingStaged();
        Assert.Single(await bench.Files.ListAsync());
    }

    [Fact]
    public async Task Restore_during_which_the_server_loses_its_power_changes_nothing_and_the_next_one_works()
    {
        using PostgreSqlServer server = PostgreSqlServer.Start(new PostgreSqlOptions { Settings = new Dictionary<string, string> { ["fsync"] = "on" } });
        using var bench = new PostgreSqlBench(server);
        Backup backup = await BackUpLargeAsync(bench, PostgreSqlFormat.Custom);
        // A sequence is logged some values ahead, and would go on from there after the crash.
        bench.Database.Execute("CHECKPOINT");
        string before = bench.Database.Dump();
        Task<RestoreResult> restore = Task.Run(() => bench.RestoreAsync(backup));
        bench.WaitForCopy(Beside);
        server.Kill();
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => restore);
        Assert.Equal(ErrorCodes.ServerUnreachable, failure.Code);
        server.StartAgain();
        Assert.Equal(before, bench.Database.Dump());
        Assert.Single(await bench.Files.ListAsync());
        Assert.NotEmpty(bench.WorkDatabases());

        await bench.RestoreAsync(backup);
        Assert.Contains(bench.Observer.Warnings, warning => warning.Contains("dbbackup_new_", StringComparison.Ordinal));
        Assert.Equal("aaaa", bench.Database.Query("SELECT * FROM alembic_version"));
        bench.AssertNothingLeftOnServer();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Restore_onto_a_server_whose_disk_fills_up_changes_nothing(bool inPlace)
    {
        using var disk = new SmallDisk(400);
        // Without a log of the rows, so that the disk is full for the table and not for the log, which would end the server.
        using PostgreSqlServer server = PostgreSqlServer.Start(new PostgreSqlOptions
        {
            Parent = disk.Path,
            Settings = new Dictionary<string, string> { ["wal_level"] = "minimal", ["max_wal_senders"] = "0", ["max_wal_size"] = "48MB" },
        });
        using var bench = new PostgreSqlBench(server);
        bench.CreateNotes();
        bench.Database.Execute("CREATE TABLE large AS SELECT i, (SELECT string_agg(md5(i::text || j), '') FROM generate_series(1, 20) j) AS body FROM generate_series(1, 100000) i");
        Backup backup = await bench.BackUpAsync();
        bench.Migrate();
        string before = bench.Database.Dump();
        PreparedRestore prepared = await PreparedRestore.PrepareAsync(
            bench.Files.Repository, bench.Request(backup) with { InPlace = inPlace, NoSafetyBackup = inPlace }, false, bench.Observer, CancellationToken.None);
        disk.FillBut(50 << 20);

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => prepared.RunAsync(bench.Observer, CancellationToken.None));
        Assert.Equal(ErrorCodes.NotEnoughSpace, failure.Code);
        bench.AssertSound(failure);
        Assert.Equal(before, bench.Database.Dump());
        Assert.Single(await bench.Files.ListAsync());
        bench.AssertNothingLeftOnServer();

        // With the disk as it is, this is known beforehand.
        BackupException early = await bench.RestoreFailsAsync(bench.Request(backup));
        Assert.Contains("free", early.Message, StringComparison.Ordinal);
        Assert.IsType<NotEnoughSpaceException>(early);
    }

    private static async Task<Backup> BackUpLargeAsync(PostgreSqlBench bench, PostgreSqlFormat format)
    {
        bench.CreateNotes();
        bench.AddLargeDump(200);
        Backup backup = await bench.BackUpAsync(new PostgreSqlDumpOptions { Format = format }, FingerprintLevel.Rows);
        bench.Database.Execute("TRUNCATE large; INSERT INTO large VALUES (1, 'new')");
        bench.Migrate();
        return backup;
    }
}
