using System.Text;
using DbBackup.Engine.Engines.PostgreSql.Facts;
using DbBackup.Engine.Engines.PostgreSql.Swap;
using DbBackup.Engine.Engines.PostgreSql.Text;

namespace DbBackup.Tests.Unit.Engines.PostgreSql;

/// <summary>The small texts of which statements and names are made.</summary>
public sealed class PostgreSqlTextTests
{
    private const string Globals = """
        CREATE ROLE app_owner;
        ALTER ROLE app_owner WITH NOSUPERUSER INHERIT LOGIN PASSWORD 'SCRAM-SHA-256$4096:abc';
        CREATE ROLE "Odd ""role";
        ALTER ROLE "Odd ""role" WITH NOLOGIN;
        CREATE ROLE postgres;
        ALTER ROLE postgres WITH SUPERUSER;
        ALTER ROLE app_owner SET work_mem TO '8MB';
        GRANT "Odd ""role" TO app_owner GRANTED BY postgres;
        GRANT pg_monitor TO postgres;
        """;

    [Fact]
    public async Task Only_the_missing_roles_are_taken_out_of_a_servers_script()
    {
        RoleScript script = await RoleScript.ReadAsync(new MemoryStream(Encoding.UTF8.GetBytes(Globals)), CancellationToken.None);

        Assert.Equal(["app_owner", "Odd \"role", "postgres"], script.Roles);
        string[] owner = [.. script.For(["app_owner"]).Select(statement => statement.Sql)];
        Assert.Equal(4, owner.Length);
        Assert.Contains("GRANT \"Odd \"\"role\" TO \"app_owner\" GRANTED BY \"postgres\"", owner);
        Assert.DoesNotContain(owner, sql => sql.Contains("ALTER ROLE \"postgres\"", StringComparison.Ordinal));
        Assert.Equal(2, script.For(["Odd \"role"]).Count);
        Assert.Equal("a superuser", Assert.Single(script.For(["postgres"]), statement => statement.Power is not null).Power);
    }

    [Fact]
    public void A_kept_name_fits_into_what_the_server_allows_and_is_known_again()
    {
        var moment = new DateTimeOffset(2026, 11, 21, 2, 0, 0, TimeSpan.Zero);
        Assert.Equal("app_before_20261121t020000z", KeptName.For("app", moment));
        Assert.Equal("app_before_20261121t020000z_2", KeptName.For("app", moment, 2));
        string wide = KeptName.For(new string('ä', 40), moment);
        Assert.True(Encoding.UTF8.GetByteCount(wide) <= 63);
        Assert.All([wide, KeptName.For("app", moment, 12)], name => Assert.Matches(KeptName.Pattern, name));
        Assert.DoesNotMatch(KeptName.Pattern, "app_before_lunch");
    }

    [Theory]
    [InlineData("public.album", "\"public\".\"album\"")]
    [InlineData("public.\"Odd.\"\"Name\"", "\"public\".\"Odd.\"\"Name\"")]
    [InlineData("\"My Schema\".x", "\"My Schema\".\"x\"")]
    public void Names_compare_with_quotes_around_both_parts(string name, string expected) => Assert.Equal(expected, QuotedName.Always(name));

    [Fact]
    public void Properties_of_a_database_are_written_so_that_the_server_reads_them_back()
    {
        var info = new DatabaseInfo
        {
            Name = "app",
            Comment = "it's \\ here",
            ConnectionLimit = 5,
            Settings = [new("search_path", "\"$user\", app"), new("app.tenant", "a'b"), new("work_mem", "8MB", "gone"), new("work_mem", "9MB", "there")],
            Grants = [new("CONNECT", false), new("CREATE", true, "there"), new("CONNECT", false, "gone")],
        };
        Assert.Equal(
            """
            ALTER DATABASE "x""y" CONNECTION LIMIT 5;
            COMMENT ON DATABASE "x""y" IS  E'it''s \\ here';
            ALTER DATABASE "x""y" SET "search_path" TO "$user", app;
            ALTER DATABASE "x""y" SET "app"."tenant" TO 'a''b';
            ALTER ROLE "there" IN DATABASE "x""y" SET "work_mem" TO '9MB';
            REVOKE ALL ON DATABASE "x""y" FROM PUBLIC;
            GRANT CONNECT ON DATABASE "x""y" TO PUBLIC;
            GRANT CREATE ON DATABASE "x""y" TO "there" WITH GRANT OPTION;

            """.ReplaceLineEndings("\n"),
            DatabaseProperties.Statements("x\"y", info, role => role == "there"));
    }

    [Theory]
    [InlineData(10, null, 10, true)]
    [InlineData(10, null, 11, false)]
    [InlineData(10, 15L, 12, true)]
    [InlineData(10, 15L, 16, false)]
    [InlineData(10, 5L, 7, true)]
    public void A_sequence_may_have_any_value_that_the_dump_may_have_seen(long before, long? after, long found, bool allowed) =>
        Assert.Equal(allowed, new SequenceFingerprint("s", before, after).Allows(found));

    [Fact]
    public void Objects_and_sequences_are_compared_by_kind_and_name()
    {
        Fingerprint expected = Facts(115, 7), actual = Facts(40, 8);
        Assert.Equal(["foreign keys: 40 instead of 115", "sequence public.s is at 8 instead of 7"], expected.DifferencesFrom(actual));
        Assert.Empty(expected.DifferencesFrom(Facts(115, 7)));
    }

    private static Fingerprint Facts(long keys, long value) => new()
    {
        Level = FingerprintLevel.Rows, SchemaSha256 = "a", Tables = [], Objects = new Dictionary<string, long> { ["foreign keys"] = keys }, Sequences = [new("public.s", value)],
    };
}
