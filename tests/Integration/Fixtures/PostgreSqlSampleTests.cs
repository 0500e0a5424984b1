using System.Diagnostics;

using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Fixtures;

/// <summary>The samples are what the tests that use them believe.</summary>
[Trait("Category", "PostgreSql")]
public sealed class PostgreSqlSampleTests(ITestOutputHelper output)
{
    [Fact]
    public void Sample_survives_a_dump_and_a_restore_with_stock_tools()
    {
        PostgreSqlServer server = PostgreSqlServer.Shared;
        using TestDatabase database = server.CreateDatabase("sample");
        using TestDatabase copy = server.CreateDatabase("copy");
        PostgreSqlSample.Create(database);
        string dump = database.Dump();
        copy.Execute(dump);
        Assert.Equal(dump, copy.Dump());
        Assert.Equal("1000001\n1000002\n1000003", copy.Query("SELECT oid FROM pg_largeobject_metadata ORDER BY 1"));
        Assert.Equal(PostgreSqlSample.SchemaRevision, copy.Query("SELECT version_num FROM alembic_version"));
        Assert.Equal("2", copy.Query("SELECT count(*) FROM no_columns"));
        Assert.Equal("1", database.Query("SELECT count(*) FROM pg_class WHERE relname LIKE E'%\\n%' AND relkind = 'r'"));
    }

    [Theory]
    [InlineData(17)]
    [InlineData(18)]
    public void Sample_loads_in_other_majors(int major)
    {
        using TestDatabase database = PostgreSqlServer.OtherMajor(major).CreateDatabase();
        PostgreSqlSample.Create(database);
        Assert.Equal("208", database.Query("SELECT count(*) FROM customers"));
    }

    [Fact]
    public void Ten_thousand_tables_are_made_in_reasonable_time()
    {
        using TestDatabase database = PostgreSqlServer.Shared.CreateDatabase();
        var clock = Stopwatch.StartNew();
        PostgreSqlSample.ManyTables(database, 10_000, schemas: 100);
        output.WriteLine($"{clock.Elapsed.TotalSeconds:f1} s");
        Assert.Equal("10100|10000", database.Query("SELECT (SELECT count(*) FROM pg_inherits), (SELECT count(*) FROM many.parent)"));
        Assert.Equal("100", database.Query("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'many\\_%'"));
    }

    [Fact]
    public void Writers_keep_their_sum_in_every_snapshot()
    {
        using TestDatabase database = PostgreSqlServer.Shared.CreateDatabase("Written \"to\"");
        using WriterPair writers = WriterPair.Start(database, connections: 4, comesBack: true);
        for (int i = 0; i < 10; i++)
        {
            Assert.Equal(WriterPair.ConservedSum, WriterPair.Sum(database));
            writers.WaitForMoves(50);
        }

        database.Server.TerminateAll(database.Name);
        writers.WaitForMoves(100);
        writers.Stop();
        output.WriteLine($"{writers.Moves} moves");
        Assert.Equal(WriterPair.ConservedSum, WriterPair.Sum(database));
    }

    [Fact]
    public void Chinook_loads()
    {
        using TestDatabase database = PostgreSqlServer.Shared.CreateDatabase();
        PostgreSqlSample.Chinook(database);
        Assert.Equal("3503", database.Query("SELECT count(*) FROM track"));
    }
}
