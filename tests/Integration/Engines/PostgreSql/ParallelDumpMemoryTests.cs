using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump.Ranges;
using DbBackup.Engine.Engines.PostgreSql.Facts;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Engines.PostgreSql;

/// <summary>How much of a large table is in memory while several sessions read it.</summary>
[Collection("memory")]
[Trait("Category", "PostgreSql")]
public sealed class ParallelDumpMemoryTests(OwnPostgreSqlServer own) : IClassFixture<OwnPostgreSqlServer>
{
    [Fact]
    public async Task Large_rows_of_few_blocks_stay_within_the_bounded_memory()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.AddLargeDump(400);
        using PostgreSqlSession keeper = await bench.Source().OpenAsync(CancellationToken.None);
        string snapshot = await keeper.ExportSnapshotAsync(CancellationToken.None);
        List<PostgreSqlTable> tables = await PostgreSqlCatalog.TablesAsync(keeper, CancellationToken.None);
        IReadOnlyList<RangedTable> ranged = await RangedTable.ChooseAsync(keeper, tables, 0, CancellationToken.None);
        using RangeSessions sessions = (await RangeSessions.OpenAsync(bench.Source(), 3, 1, snapshot, ranged, CancellationToken.None))!;
        long before = GC.GetTotalMemory(forceFullCollection: true);

        // Nothing more is taken: the sessions read ahead as far as their bounds, not the 400 MB.
        await using var rows = new RangedRows(ranged, sessions.All, null, CancellationToken.None);
        Assert.NotNull(await rows.NextAsync(0, 0, CancellationToken.None));
        await Task.Delay(2000);
        long held = GC.GetTotalMemory(forceFullCollection: true) - before;

        // None is new where the shared pool had buffers left.
        Assert.True(held < 80 << 20, $"{held} bytes");
    }
}

/// <summary>Measures of the process's memory mean something only while no other test works.</summary>
[CollectionDefinition("memory", DisableParallelization = true)]
public sealed class MemoryOfTheProcess;
