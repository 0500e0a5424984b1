using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Restores.PostgreSql;

/// <summary>The plain way of a database: backed up, tested, damaged by its application, restored, equal.</summary>
[Trait("Category", "PostgreSql")]
public sealed class RoundTripTests(OwnPostgreSqlServer own) : IClassFixture<OwnPostgreSqlServer>
{
    [Theory]
    [InlineData(PostgreSqlFormat.Custom, PayloadCompression.Zstd)]
    [InlineData(PostgreSqlFormat.Custom, PayloadCompression.None)]
    [InlineData(PostgreSqlFormat.Directory, PayloadCompression.Gzip)]
    [InlineData(PostgreSqlFormat.Plain, PayloadCompression.Gzip)]
    [InlineData(PostgreSqlFormat.Plain, PayloadCompression.Zstd)]
    public async Task Chinook_is_what_it_was_after_a_restore(PostgreSqlFormat format, string compression)
    {
        using var bench = new PostgreSqlBench(own.Server, "chinook");
        PostgreSqlSample.Chinook(bench.Database);
        string before = bench.Database.Dump();

        Backup backup = await bench.BackUpAsync(new PostgreSqlDumpOptions { Format = format, Jobs = 2 }, FingerprintLevel.Rows, compression);
        foreach (BackupTestLevel level in Enum.GetValues<BackupTestLevel>())
        {
            BackupTestResult result = await bench.TestAsync(backup, level);
            Assert.True(result.Passed, result.ToString());
            Assert.Equal(level == BackupTestLevel.Restore ? BackupStatus.Matched : BackupStatus.Checked, result.Status);
        }

        bench.Database.Execute("DROP TABLE invoice_line; UPDATE track SET name = 'lost'; DELETE FROM playlist_track;");
        string damaged = bench.Database.Dump();
        RestoreResult restored = await bench.RestoreAsync(backup);

        Assert.Equal(BackupStatus.Matched, restored.Status);
        Assert.Equal(before, bench.Database.Dump());
        Assert.Equal(damaged, own.Server.Dump(Assert.Single(bench.KeptDatabases())));
        bench.AssertNothingLeftOnServer();
    }

    [Theory]
    [InlineData(PostgreSqlFormat.Custom)]
    [InlineData(PostgreSqlFormat.Directory)]
    [InlineData(PostgreSqlFormat.Plain)]
    public async Task Everything_that_is_hard_to_dump_comes_back(PostgreSqlFormat format)
    {
        using var bench = new PostgreSqlBench(own.Server, "sample");
        PostgreSqlSample.Create(bench.Database);
        string before = bench.Database.Dump();

        Backup backup = await bench.BackUpAsync(new PostgreSqlDumpOptions { Format = format, Jobs = 2 });
        foreach (BackupTestLevel level in Enum.GetValues<BackupTestLevel>())
        {
            BackupTestResult result = await bench.TestAsync(backup, level);
            Assert.True(result.Passed, result.ToString());
        }

        Assert.Equal(PostgreSqlSample.SchemaRevision, backup.SchemaRevision);
        bench.Database.Execute("DELETE FROM events; DROP TABLE customers CASCADE");
        RestoreResult restored = await bench.RestoreAsync(backup);
        Assert.Equal(BackupStatus.Matched, restored.Status);
        Assert.Equal(before, bench.Database.Dump());
        bench.AssertNothingLeftOnServer();
    }

    [Fact]
    public async Task Everything_that_is_hard_to_dump_comes_back_in_place()
    {
        using var bench = new PostgreSqlBench(own.Server, "sample");
        PostgreSqlSample.Create(bench.Database);
        bench.Database.Execute(
            """
            CREATE COLLATION public.plain (provider = libc, locale = 'C'); CREATE TEXT SEARCH CONFIGURATION public.words (COPY = simple);
            CREATE PUBLICATION everything FOR ALL TABLES; CREATE FOREIGN DATA WRAPPER elsewhere; CREATE SERVER there FOREIGN DATA WRAPPER elsewhere;
            """);
        string before = bench.Database.Dump();
        Backup backup = await bench.BackUpAsync(new PostgreSqlDumpOptions { Format = PostgreSqlFormat.Custom });
        bench.Database.Execute("DELETE FROM events; DROP TABLE customers CASCADE; CREATE TABLE added (id integer)");
        await bench.RestoreAsync(bench.Request(backup) with { InPlace = true });
        Assert.Equal(before, bench.Database.Dump());
    }

    [Theory]
    [InlineData("SQL_ASCII")]
    [InlineData("LATIN1")]
    public async Task Database_of_another_encoding_keeps_its_bytes(string encoding)
    {
        using var bench = new PostgreSqlBench(own.Server, "encoded");
        own.Server.Execute(
            "postgres",
            $"DROP DATABASE {bench.Database.Name}; CREATE DATABASE {bench.Database.Name} TEMPLATE template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'");
        bench.Database.Execute("CREATE TABLE words (word bytea, text text); INSERT INTO words SELECT decode(hex, 'hex'), convert_from(decode(hex, 'hex'), getdatabaseencoding()) FROM unnest('{e9e8fc,c3a9,41}'::text[]) hex");
        Assert.Equal("6", bench.Database.Query("SELECT sum(length(word)) FROM words"));
        string before = Contents(bench);

        Backup backup = await bench.BackUpAsync();
        BackupTestResult result = await bench.TestAsync(backup);
        Assert.True(result.Status == BackupStatus.Matched, result.ToString());
        bench.Database.Execute("DELETE FROM words");
        await bench.RestoreAsync(backup);

        Assert.Equal(before, Contents(bench));
        Assert.Equal(encoding, own.Server.Query("postgres", $"SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = '{bench.Database.Name}'"));
    }

    [Fact]
    public async Task Database_whose_name_needs_every_kind_of_quoting_comes_back()
    {
        using var bench = new PostgreSqlBench(own.Server, "we\"ird = 'na\\me %41 /?#");
        bench.CreateNotes();
        string before = bench.Database.Dump();
        foreach (PostgreSqlFormat format in new[] { PostgreSqlFormat.Custom, PostgreSqlFormat.Directory, PostgreSqlFormat.Plain })
        {
            Backup backup = await bench.BackUpAsync(new PostgreSqlDumpOptions { Format = format, Jobs = 2 });
            Assert.Equal(BackupStatus.Matched, (await bench.TestAsync(backup)).Status);
            bench.Migrate();
            // The name is the backup's own.
            RestoreResult result = await bench.RestoreAsync(bench.Request(backup) with { NewName = null });
            Assert.Equal(before, bench.Database.Dump());
            await bench.RestoreAsync(bench.Request(result.SafetyBackup!));
            Assert.Equal("bbbb", bench.Database.Query("SELECT * FROM alembic_version"));
            await bench.RestoreAsync(backup);
            Assert.Equal(before, bench.Database.Dump());
        }
    }

    [Fact]
    public async Task Restore_touches_nothing_of_a_database_with_a_longer_name()
    {
        using var bench = new PostgreSqlBench(own.Server);
        using TestDatabase longer = new(own.Server, bench.Database.Name + "_test");
        own.Server.Execute("postgres", $"CREATE DATABASE {longer.Name}");
        longer.Execute("CREATE TABLE notes (id integer); INSERT INTO notes VALUES (1)");
        string oid = $"SELECT oid FROM pg_database WHERE datname = '{longer.Name}'";
        string longerBefore = longer.Dump() + own.Server.Query("postgres", oid);
        bench.CreateNotes();
        Backup backup = await bench.BackUpAsync();
        await bench.Files.BackUpAsync(bench.Source(database: longer.Name));
        bench.Migrate();

        await bench.RestoreAsync(backup);

        Assert.Equal("aaaa", bench.Database.Query("SELECT * FROM alembic_version"));
        Assert.Equal(longerBefore, longer.Dump() + own.Server.Query("postgres", oid));
        Assert.Single(await bench.Files.ListAsync(longer.Name));
    }

    [Fact]
    public async Task Properties_of_the_database_come_back()
    {
        using var bench = new PostgreSqlBench(own.Server);
        PostgreSqlConnectionRequest owner = bench.CreateRole("owner");
        string name = bench.Database.Name;
        bench.CreateNotes();
        own.Server.Execute(
            "postgres",
            $"""
            ALTER DATABASE {name} OWNER TO {owner.Username}; ALTER DATABASE {name} SET search_path = 'my schema', public; ALTER DATABASE {name} SET work_mem = '8MB';
            ALTER ROLE {owner.Username} IN DATABASE {name} SET statement_timeout = '1min'; COMMENT ON DATABASE {name} IS 'it''s mine'; ALTER DATABASE {name} CONNECTION LIMIT 50;
            REVOKE CONNECT ON DATABASE {name} FROM PUBLIC; GRANT TEMPORARY ON DATABASE {name} TO pg_monitor;
            """);
        string before = bench.Database.Dump("--create");
        Backup backup = await bench.BackUpAsync();
        own.Server.Execute("postgres", $"ALTER DATABASE {name} RESET ALL; COMMENT ON DATABASE {name} IS NULL; ALTER DATABASE {name} OWNER TO postgres");
        await bench.RestoreAsync(backup);
        Assert.Equal(before, bench.Database.Dump("--create"));
    }

    private static string Contents(PostgreSqlBench bench) =>
        bench.Database.Query("SELECT encode(word, 'hex'), encode(convert_to(text, getdatabaseencoding()), 'hex') FROM words ORDER BY 1");
}
