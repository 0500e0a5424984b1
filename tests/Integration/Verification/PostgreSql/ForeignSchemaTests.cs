using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Verification.PostgreSql;

/// <summary>Databases that a dump does not give back to the letter, or not at all: no false alarm, and no backup is lost for a true one.</summary>
[Trait("Category", "PostgreSql")]
public sealed class ForeignSchemaTests(OwnPostgreSqlServer own) : IClassFixture<OwnPostgreSqlServer>
{
    [Fact]
    public async Task Invalid_indexes_are_in_no_dump_and_no_difference()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        Assert.ThrowsAny<Exception>(() => bench.Database.Execute("CREATE UNIQUE INDEX CONCURRENTLY failed ON notes (author)"));
        // One of a partitioned table that waits for its partitions is in a dump.
        bench.Database.Execute(
            """
            CREATE TABLE parts (id integer) PARTITION BY RANGE (id);
            CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
            CREATE INDEX waits ON ONLY parts (id)
            """);
        Assert.Equal("failed\nwaits", bench.Database.Query("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid ORDER BY 1"));

        Backup backup = await bench.BackUpAsync();
        await AssertMatchesAsync(bench, backup);
        Assert.Equal(BackupStatus.Matched, (await bench.RestoreAsync(backup)).Status);
    }

    [Theory]
    [InlineData(PostgreSqlFormat.Custom)]
    [InlineData(PostgreSqlFormat.Directory)]
    [InlineData(PostgreSqlFormat.Plain)]
    public async Task Hash_partitions_over_an_enum_are_counted_for_the_whole_tree(PostgreSqlFormat format)
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.Database.Execute(
            """
            CREATE TYPE color AS ENUM ('red', 'orange', 'yellow', 'green', 'blue', 'violet', 'black', 'white');
            CREATE TABLE things (id integer, hue color) PARTITION BY HASH (hue);
            CREATE TABLE things_0 PARTITION OF things FOR VALUES WITH (MODULUS 3, REMAINDER 0);
            CREATE TABLE things_1 PARTITION OF things FOR VALUES WITH (MODULUS 3, REMAINDER 1);
            CREATE TABLE things_2 (hue color, id integer);
            ALTER TABLE things ATTACH PARTITION things_2 FOR VALUES WITH (MODULUS 3, REMAINDER 2);
            INSERT INTO things SELECT i, (enum_range(NULL::color))[1 + i % 8] FROM generate_series(1, 1000) i;
            CREATE TABLE even (id integer, hue color) PARTITION BY HASH (hue);
            CREATE TABLE even_0 PARTITION OF even FOR VALUES WITH (MODULUS 2, REMAINDER 0);
            CREATE TABLE even_1 PARTITION OF even FOR VALUES WITH (MODULUS 2, REMAINDER 1);
            INSERT INTO even SELECT * FROM things
            """);
        Backup backup = await bench.BackUpAsync(new PostgreSqlDumpOptions { Format = format });
        TableFingerprint[] tables = [.. backup.Manifest!.Payloads.Single().Fingerprint!.Tables];
        Assert.Equal([("public.even", 1000L), ("public.things", 1000L)], tables.Select(table => (table.Name, table.Rows)));
        Assert.NotNull(tables[0].ContentHash);

        Assert.True((await bench.TestAsync(backup, BackupTestLevel.Structure)).Passed);
        await AssertMatchesAsync(bench, backup);
        Assert.Equal(BackupStatus.Matched, (await bench.RestoreAsync(backup)).Status);
        await bench.RestoreAsync(bench.Request(backup) with { InPlace = true });
        Assert.Equal("1000", bench.Database.Query("SELECT count(*) FROM things"));
    }

    [Theory]
    [InlineData(PostgreSqlFormat.Custom)]
    [InlineData(PostgreSqlFormat.Plain)]
    public async Task Quoting_of_all_names_is_no_difference(PostgreSqlFormat format)
    {
        using var bench = new PostgreSqlBench(own.Server);
        PostgreSqlSample.Create(bench.Database);
        bench.Database.Execute($"ALTER DATABASE {PostgreSqlServer.SqlName(bench.Database.Name)} SET quote_all_identifiers = on");
        Backup backup = await bench.BackUpAsync(new PostgreSqlDumpOptions { Format = format });
        await AssertMatchesAsync(bench, backup);
        Assert.Equal(BackupStatus.Matched, (await bench.RestoreAsync(backup)).Status);
    }

    [Fact]
    public async Task What_the_server_writes_in_other_words_after_a_restore_is_no_difference()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        // The words of these come out otherwise when the dump's text is read again.
        bench.Database.Execute(
            """
            CREATE TABLE words (a varchar(10) CHECK (a IN ('x', 'y')), b integer DEFAULT 1 + 2, c text CHECK (c <> ALL (ARRAY['p', 'q'])));
            CREATE VIEW chosen AS SELECT * FROM words WHERE a IN ('x', 'z') AND b BETWEEN 1 AND 2;
            CREATE INDEX partly ON words (b) WHERE a IN ('x', 'y');
            """);
        Backup backup = await bench.BackUpAsync();
        BackupTestResult result = await AssertMatchesAsync(bench, backup);
        Assert.Contains("in other words", result.Checks.Single(check => check.Name.EndsWith(" schema", StringComparison.Ordinal)).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_column_t_does_not_stand_for_the_whole_row()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.Database.Execute("CREATE TABLE odd (id integer, t text, v text); INSERT INTO odd SELECT i, 'same', 'value ' || i FROM generate_series(1, 50) i");
        Backup first = await bench.BackUpAsync();
        bench.Database.Execute("UPDATE odd SET v = 'CHANGED'");
        Backup second = await bench.BackUpAsync();
        static string? Hash(Backup backup) => backup.Manifest!.Payloads.Single().Fingerprint!.Tables.Single().ContentHash;
        Assert.NotEqual(Hash(first), Hash(second));
        await AssertMatchesAsync(bench, first);
    }

    [Fact]
    public async Task What_the_schema_itself_refuses_is_left_out_and_listed_if_the_user_allows_it()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        // As after a restore with triggers disabled, or by a superuser in a hurry.
        bench.Database.Execute("ALTER TABLE notes DISABLE TRIGGER ALL; INSERT INTO notes (author, body) VALUES (999, 'nobody'); ALTER TABLE notes ENABLE TRIGGER ALL");
        BackupUnprovedException unproved = await Assert.ThrowsAsync<BackupUnprovedException>(() => bench.Files.BackUpAsync(
            new BackupRequest { Sources = [bench.Source()], Fingerprint = FingerprintLevel.Content, Verify = true, TestServer = bench.Superuser }));
        bench.AssertSound(unproved);

        // Kept, marked, and the one that stays while there is no better one.
        Backup backup = Assert.Single(await bench.Files.ListAsync());
        Assert.Equal((unproved.Backup.Name, BackupStatus.Mismatched, false), (backup.Name, backup.Status, backup.IsGood));
        Assert.Contains("foreign key", backup.Tests[^1].Failure, StringComparison.Ordinal);
        bench.AssertNothingLeftOnServer();

        BackupException refused = await bench.RestoreFailsAsync(bench.Request(backup));
        Assert.Contains("-AllowMismatch", refused.Hint, StringComparison.Ordinal);
        RestoreResult restored = await bench.RestoreAsync(bench.Request(backup) with { AllowMismatch = true });
        Assert.Equal(BackupStatus.Mismatched, restored.Status);
        Assert.Contains(restored.Differences, difference => difference.Contains("ADD CONSTRAINT notes_author_fkey FOREIGN KEY", StringComparison.Ordinal));
        Assert.Equal("101|1", bench.Database.Query("SELECT count(*), count(*) FILTER (WHERE author = 999) FROM notes"));
    }

    [Fact]
    public async Task A_backup_that_does_not_prove_itself_is_thrown_away_if_the_user_says_so()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        bench.Database.Execute("ALTER TABLE notes DISABLE TRIGGER ALL; INSERT INTO notes (author, body) VALUES (999, 'nobody')");
        var request = new BackupRequest { Sources = [bench.Source()], Verify = true, DiscardUnverified = true, TestServer = bench.Superuser };
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => bench.Files.BackUpAsync(request));
        Assert.Equal(ErrorCodes.BackupDamaged, failure.Code);
        await bench.Files.AssertNothingListedOrStagedAsync();
    }

    [Fact]
    public async Task Functions_that_a_restore_runs_under_another_search_path_are_told_with_what_mends_them()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.Database.Execute(
            """
            CREATE EXTENSION cube; CREATE EXTENSION earthdistance; CREATE EXTENSION unaccent;
            CREATE TABLE places (id integer, lat float, long float, name text);
            INSERT INTO places VALUES (1, 48.1, 11.5, 'Café');
            CREATE FUNCTION plain(t text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower(unaccent(t))';
            CREATE INDEX by_name ON places (plain(name));
            CREATE FUNCTION sound(t text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower(public.unaccent(t))';
            CREATE TABLE sounder (name text, low text GENERATED ALWAYS AS (sound(name)) STORED);
            INSERT INTO sounder VALUES ('É');
            """);
        Backup backup = await bench.BackUpAsync();
        string note = Assert.Single(backup.Manifest!.Notes);
        Assert.Contains("index public.by_name", note, StringComparison.Ordinal);
        const string Mending = "ALTER FUNCTION public.plain(t text) SET search_path = public, pg_temp;";
        Assert.EndsWith(Mending, note, StringComparison.Ordinal);
        Assert.Equal(BackupStatus.Mismatched, (await bench.TestAsync(backup)).Status);

        bench.Database.Execute(Mending);
        Backup mended = await bench.BackUpAsync();
        Assert.Empty(mended.Manifest!.Notes);
        await AssertMatchesAsync(bench, mended);

        // The extension's own function: the index is left out of a restore, and told.
        bench.Database.Execute("CREATE INDEX by_place ON places USING gist (ll_to_earth(lat, long))");
        Backup extension = await bench.BackUpAsync();
        Assert.Contains("of the extension earthdistance", Assert.Single(extension.Manifest!.Notes), StringComparison.Ordinal);
        RestoreResult restored = await bench.RestoreAsync(bench.Request(extension) with { AllowMismatch = true });
        Assert.Contains(restored.Differences, difference => difference.Contains("by_place", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_test_that_cannot_run_costs_no_backup()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        var request = new BackupRequest { Sources = [bench.Source()], Verify = true, TestServer = bench.Superuser with { Port = 6179 } };
        BackupUnprovedException failure = await Assert.ThrowsAsync<BackupUnprovedException>(() => bench.Files.BackUpAsync(request));
        Assert.Equal(ErrorCodes.ServerUnreachable, Assert.IsAssignableFrom<BackupException>(failure.InnerException).Code);
        Assert.Equal(BackupStatus.Written, Assert.Single(await bench.Files.ListAsync()).Status);
        await AssertMatchesAsync(bench, failure.Backup);
    }

    private static async Task<BackupTestResult> AssertMatchesAsync(PostgreSqlBench bench, Backup backup)
    {
        BackupTestResult result = await bench.TestAsync(backup);
        Assert.True(result.Status == BackupStatus.Matched, $"{result}; {string.Join("; ", result.Checks)}; missing {string.Join(", ", result.Missing)}");
        bench.AssertNothingLeftOnServer();
        return result;
    }
}
