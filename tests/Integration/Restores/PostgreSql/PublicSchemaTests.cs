using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Testing;
using PostgreSqlServer = DbBackup.Testing.PostgreSqlServer;

namespace DbBackup.Tests.Integration.Restores.PostgreSql;

/// <summary>
/// Every new database has the schema public, and dumps say of it only what differs from how it was made: its owner, its privileges, its
/// comment. Whatever an application has done with it, its backup is a good one, and comes back as it was.
/// </summary>
[Trait("Category", "PostgreSql")]
public sealed class PublicSchemaTests(OwnPostgreSqlServer own) : IClassFixture<OwnPostgreSqlServer>
{
    /// <summary>What is done to the schema public, of which ROLE is the application's role.</summary>
    public static TheoryData<string, PostgreSqlFormat> States()
    {
        var data = new TheoryData<string, PostgreSqlFormat>();
        PostgreSqlFormat[] formats = [PostgreSqlFormat.Custom, PostgreSqlFormat.Directory, PostgreSqlFormat.Plain];
        foreach (string state in new[] { "as made", "owned", "commented", "without comment", "granted", "closed", "made again", "dropped", "with an extension", "beside another" })
        {
            // The usual run has each state in one format.
            foreach (PostgreSqlFormat format in Sampling.Complete ? formats : [formats[data.Count % formats.Length]])
                data.Add(state, format);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(States))]
    public async Task Backup_matches_and_comes_back(string state, PostgreSqlFormat format)
    {
        using var bench = new PostgreSqlBench(own.Server);
        string before = Create(bench, state);
        Backup backup = await bench.BackUpAsync(new PostgreSqlDumpOptions { Format = format, Jobs = 2 });
        BackupTestResult result = await bench.TestAsync(backup);
        Assert.True(result.Status == BackupStatus.Matched, result.ToString());

        bench.Database.Execute(Lose);
        RestoreResult restored = await bench.RestoreAsync(backup);
        Assert.Equal(BackupStatus.Matched, restored.Status);
        Assert.Equal(before, bench.Database.Dump());
    }

    [Theory]
    [MemberData(nameof(States))]
    public async Task Backup_comes_back_under_another_name_and_to_another_owner(string state, PostgreSqlFormat format)
    {
        using var bench = new PostgreSqlBench(own.Server);
        string before = Create(bench, state);
        Backup backup = await bench.BackUpAsync(new PostgreSqlDumpOptions { Format = format, Jobs = 2 });
        string copy = bench.Database.Name + "_copy";
        try
        {
            RestoreResult restored = await bench.RestoreAsync(bench.Request(backup) with { NewName = copy });
            Assert.Equal(BackupStatus.Matched, restored.Status);
            Assert.Equal(before, own.Server.Dump(copy));
            if (format == PostgreSqlFormat.Plain)
                return;
            restored = await bench.RestoreAsync(bench.Request(backup) with { NewName = copy, NoOwner = true, NoSafetyBackup = true });
            Assert.Equal(BackupStatus.Matched, restored.Status);
            Assert.Equal(state == "dropped" ? "" : "pg_database_owner", own.Server.Query(copy, "SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'public'"));
        }
        finally
        {
            own.Server.Execute("postgres", $"DROP DATABASE IF EXISTS {copy} WITH (FORCE)");
            foreach (string kept in bench.KeptDatabases())
                own.Server.Execute("postgres", $"DROP DATABASE {PostgreSqlServer.SqlName(kept)} WITH (FORCE)");
        }
    }

    [Theory]
    [MemberData(nameof(States))]
    public async Task Backup_comes_back_in_place(string state, PostgreSqlFormat format)
    {
        using var bench = new PostgreSqlBench(own.Server);
        string before = Create(bench, state);
        Backup backup = await bench.BackUpAsync(new PostgreSqlDumpOptions { Format = format, Jobs = 2 });
        bench.Database.Execute(Lose + "CREATE SCHEMA added; CREATE TABLE added.rows (id integer)");
        RestoreResult restored = await bench.RestoreAsync(bench.Request(backup) with { InPlace = true, NoSafetyBackup = true });
        Assert.Equal(BackupStatus.Matched, restored.Status);
        Assert.Equal(before, bench.Database.Dump());
    }

    [SampledTheory]
    [InlineData("as made", "dropped")]
    [InlineData("as made", "owned")]
    [CompleteRunData("as made", "granted")]
    [CompleteRunData("as made", "commented")]
    [InlineData("owned", "dropped")]
    [CompleteRunData("owned", "as made")]
    [CompleteRunData("owned", "granted")]
    [InlineData("granted", "owned")]
    [CompleteRunData("granted", "closed")]
    [CompleteRunData("commented", "as made")]
    [InlineData("commented", "without comment")]
    [InlineData("dropped", "owned")]
    [InlineData("made again", "granted")]
    public async Task Schema_public_is_in_place_what_it_was_whatever_it_has_become(string state, string present)
    {
        using var bench = new PostgreSqlBench(own.Server);
        string before = Create(bench, state);
        Backup backup = await bench.BackUpAsync();
        bench.Database.Execute($"DROP SCHEMA IF EXISTS public, elsewhere CASCADE; DROP EXTENSION IF EXISTS citext CASCADE; {AsMade}");
        Change(bench, present);
        RestoreResult restored = await bench.RestoreAsync(bench.Request(backup) with { InPlace = true });
        Assert.Equal(BackupStatus.Matched, restored.Status);
        Assert.Equal(before, bench.Database.Dump());
        Assert.Empty(bench.Observer.Warnings);
    }

    [Theory]
    [InlineData(PostgreSqlFormat.Custom, "owned")]
    [InlineData(PostgreSqlFormat.Directory, "owned")]
    [InlineData(PostgreSqlFormat.Plain, "owned")]
    [InlineData(PostgreSqlFormat.Custom, "as made")]
    [InlineData(PostgreSqlFormat.Plain, "as made")]
    public async Task Dump_of_schema_public_alone_brings_that_schema_itself(PostgreSqlFormat format, string state)
    {
        using var bench = new PostgreSqlBench(own.Server);
        Create(bench, state);
        string before = bench.Database.Dump("--schema=public");
        Backup backup = await bench.BackUpAsync(new PostgreSqlDumpOptions { Format = format, Schemas = ["public"] });
        BackupTestResult result = await bench.TestAsync(backup);
        Assert.True(result.Status == BackupStatus.Matched, result.ToString());
        own.Server.Execute("postgres", $"DROP DATABASE {PostgreSqlServer.SqlName(bench.Database.Name)} WITH (FORCE)");
        await bench.RestoreAsync(backup);
        Assert.Equal(before, bench.Database.Dump("--schema=public"));
        BackupFailure refused = await Assert.ThrowsAnyAsync<BackupFailure>(() => bench.RestoreAsync(bench.Request(backup) with { InPlace = true }));
        Assert.Equal(ErrorCodes.PartialBackup, refused.Code);
        Assert.Equal(format != PostgreSqlFormat.Plain, refused.Hint.Contains("-Table", StringComparison.Ordinal));
        Assert.Equal(before, bench.Database.Dump("--schema=public"));
        // Of SQL text no part can be restored.
        if (format == PostgreSqlFormat.Plain)
            return;
        bench.Database.Execute(Lose);
        await bench.RestoreAsync(bench.Request(backup) with { Schemas = ["public"] });
        Assert.Equal(before, bench.Database.Dump("--schema=public"));
    }

    [Theory]
    [InlineData("owned")]
    [InlineData("granted")]
    [InlineData("as made")]
    public async Task Schema_public_is_restored_as_a_part(string state)
    {
        using var bench = new PostgreSqlBench(own.Server);
        string before = Create(bench, state);
        Backup backup = await bench.BackUpAsync();
        bench.Database.Execute(Lose);
        await bench.RestoreAsync(bench.Request(backup) with { Schemas = ["public"], InPlace = true });
        Assert.Equal(before, bench.Database.Dump());
        string copy = bench.Database.Name + "_copy";
        try
        {
            await bench.RestoreAsync(bench.Request(backup) with { Schemas = ["public"], NewName = copy });
            Assert.Equal(before, own.Server.Dump(copy));
        }
        finally
        {
            own.Server.Execute("postgres", $"DROP DATABASE IF EXISTS {copy} WITH (FORCE)");
        }
    }

    [Fact]
    public async Task Text_that_only_speaks_of_creating_public_is_no_reason_to_drop_it()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.Database.Execute(
            """
            CREATE FUNCTION reset() RETURNS void LANGUAGE sql AS $$
            DROP SCHEMA public CASCADE;
            CREATE SCHEMA public;
            $$;
            """);
        bench.CreateNotes();
        Backup backup = await bench.BackUpAsync(new PostgreSqlDumpOptions { Format = PostgreSqlFormat.Plain });
        BackupTestResult result = await bench.TestAsync(backup);
        Assert.True(result.Status == BackupStatus.Matched, result.ToString());
    }

    private const string Lose = "SET search_path = public, elsewhere; DELETE FROM notes;";

    // As initdb makes it: https://www.postgresql.org/docs/15/ddl-schemas.html#DDL-SCHEMAS-PUBLIC.
    private const string AsMade = "CREATE SCHEMA public AUTHORIZATION pg_database_owner; COMMENT ON SCHEMA public IS 'standard public schema'; GRANT USAGE ON SCHEMA public TO PUBLIC;";

    private static string Create(PostgreSqlBench bench, string state)
    {
        string role = Change(bench, state);
        bench.Database.Execute($"ALTER DATABASE {PostgreSqlServer.SqlName(bench.Database.Name)} OWNER TO {role}");
        if (state == "dropped")
            bench.Database.Execute("CREATE TABLE elsewhere.notes (id integer); INSERT INTO elsewhere.notes VALUES (1)");
        else
            bench.CreateNotes(10);
        return bench.Database.Dump();
    }

    private static string Change(PostgreSqlBench bench, string state)
    {
        string role = bench.CreateRole("app").Username!;
        string sql = state switch
        {
            "owned" => $"ALTER SCHEMA public OWNER TO {role}",
            "commented" => "COMMENT ON SCHEMA public IS 'the application''s own'",
            "without comment" => "COMMENT ON SCHEMA public IS NULL",
            "granted" => $"REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO {role}",
            "closed" => $"ALTER SCHEMA public OWNER TO {role}; REVOKE ALL ON SCHEMA public FROM PUBLIC; COMMENT ON SCHEMA public IS 'closed'",
            "made again" => $"DROP SCHEMA public; CREATE SCHEMA public AUTHORIZATION {role}",
            "dropped" => "DROP SCHEMA public; CREATE SCHEMA elsewhere",
            "with an extension" => $"ALTER SCHEMA public OWNER TO {role}; CREATE EXTENSION citext SCHEMA public",
            "beside another" => $"ALTER SCHEMA public OWNER TO {role}; CREATE SCHEMA other AUTHORIZATION {role}; CREATE TABLE other.rows (id integer)",
            _ => "SELECT 1",
        };
        bench.Database.Execute(sql);
        return role;
    }
}
