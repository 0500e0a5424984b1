using DbBackup.Engine.Backups;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Tunnel;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Restores;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Docker;

/// <summary>A dump out of a container, or a restore into it, that something ends in the middle.</summary>
[Trait("Category", "Docker")]
public sealed class ContainerDumpFaultTests
{
    [Theory]
    [InlineData(PostgreSqlFormat.Custom)]
    [InlineData(PostgreSqlFormat.Plain)]
    public async Task Container_that_dies_in_the_middle_of_a_dump_leaves_no_backup(PostgreSqlFormat format)
    {
        using ContainerServerBench bench = CreateLarge();
        BackupException failure = await bench.CutAsync(() => bench.Engine.Docker("kill", bench.Container), format: format);
        Assert.Contains(failure.Code, new[] { ErrorCodes.ContainerNotRunning, ErrorCodes.ServerUnreachable });
        Assert.True(failure.CanRetry);
    }

    [Theory]
    [InlineData("KILL", PostgreSqlFormat.Custom)]
    [InlineData("TERM", PostgreSqlFormat.Custom)]
    [InlineData("KILL", PostgreSqlFormat.Plain)]
    public async Task Pg_dump_that_is_killed_in_the_container_leaves_no_backup(string signal, PostgreSqlFormat format)
    {
        using ContainerServerBench bench = CreateLarge();
        BackupException failure = await bench.CutAsync(() => bench.Engine.Exec(bench.Container, "pkill", "-" + signal, "-x", "pg_dump"), format: format);
        Assert.Equal(ErrorCodes.ToolFailed, failure.Code);
        Assert.Contains("pg_dump", failure.Message, StringComparison.Ordinal);
        bench.AssertUndisturbed();
    }

    [Theory]
    [InlineData(PostgreSqlFormat.Custom)]
    [InlineData(PostgreSqlFormat.Plain)]
    public async Task Connection_to_the_engine_that_is_cut_leaves_no_backup_and_no_pg_dump(PostgreSqlFormat format)
    {
        using ContainerServerBench bench = CreateLarge();
        using var way = new SocketForwarder(bench.Files["way.sock"], PauseBench.EngineSocket);
        way.Open();
        BackupException failure = await bench.CutAsync(
            way.Close, new PostgreSqlConnectionRequest { Server = new ServerAddress.Through(new ContainerServerAddress(new ContainerAddress.OfContainer(bench.Container) { DockerHost = "unix://" + way.Path })) }, format);
        Assert.Contains(failure.Code, new[] { ErrorCodes.ContainerNotRunning, ErrorCodes.ServerUnreachable });
        Assert.True(failure.CanRetry);
        bench.AssertUndisturbed();
    }

    [Fact]
    public async Task Cancelled_backup_leaves_no_pg_dump()
    {
        using ContainerServerBench bench = CreateLarge();
        using var cancel = new CancellationTokenSource();
        PostgreSqlSource source = await bench.SourceAsync();
        Task backup = Task.Run(() => new BackupService(bench.Files.Repository).CreateAsync(
            new BackupRequest { Sources = [source] }, bench.Files.Observer, cancel.Token));
        bench.WaitForCopy();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => backup.WaitAsync(TimeSpan.FromSeconds(20)));
        await bench.Files.AssertNothingListedOrStagedAsync();
        bench.AssertUndisturbed();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task No_room_for_a_restore_leaves_the_present_database_as_it_is(bool known)
    {
        using var disk = new SmallDisk(190);
        using var bench = new ContainerServerBench("--volume", $"{disk.Path}:/var/lib/postgresql/data", "--env", "POSTGRES_INITDB_ARGS=--no-sync --wal-segsize=1");
        bench.CreateNotes();
        // Random, so that it takes the room that it says.
        bench.Query("CREATE TABLE filler AS SELECT i, string_agg(md5(random()::text), '') AS body FROM generate_series(1, 14000) i, generate_series(1, 100) GROUP BY i; CHECKPOINT", "app");
        string before = bench.Content();
        Backup backup = await bench.BackUpAsync();
        if (!known)
        {
            // As of a backup that does not say how much room its database takes: found out in the middle of the load.
            backup = PostgreSqlBench.Claiming(backup, manifest => manifest with { Payloads = [.. manifest.Payloads.Select(payload => payload with { Database = payload.Database! with { Size = 1 } })] });
        }

        disk.FillBut(known ? 20_000_000 : 30_000_000);
        string databases = bench.Query("SELECT string_agg(datname, ',' ORDER BY 1) FROM pg_database");
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => bench.RestoreAsync(new RestoreRequest { Backup = backup }));
        ContainerServerBench.AssertSound(failure);
        if (known)
            Assert.Equal(ErrorCodes.NotEnoughSpace, failure.Code);
        else
            Assert.Contains(failure.Code, new[] { ErrorCodes.NotEnoughSpace, ErrorCodes.ServerFailed, ErrorCodes.ServerUnreachable, ErrorCodes.ContainerNotRunning });

        // Without room for its log a server ends itself, and a container with it: the volume has the data all the same.
        foreach (string filler in Directory.GetFiles(disk.Path, "filler-*"))
            File.Delete(filler);
        bench.Engine.Docker("start", bench.Container);
        bench.Engine.WaitUntilPostgreSqlAnswers(bench.Container);
        Assert.Equal(before, bench.Content());
        if (known)
            Assert.Equal(databases, bench.Query("SELECT string_agg(datname, ',' ORDER BY 1) FROM pg_database"));
    }

    private static ContainerServerBench CreateLarge()
    {
        var bench = new ContainerServerBench();
        bench.CreateNotes();
        bench.AddLargeDump(1200);
        return bench;
    }
}
