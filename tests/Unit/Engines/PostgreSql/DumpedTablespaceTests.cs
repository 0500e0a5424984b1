using System.Text;
using DbBackup.Engine.Engines.PostgreSql.Text;

namespace DbBackup.Tests.Unit.Engines.PostgreSql;

/// <summary>What pg_dumpall writes of tablespaces is written anew, and nothing else of it reaches a server.</summary>
public sealed class DumpedTablespaceTests
{
    [Theory]
    [InlineData("ALTER TABLESPACE fast SET (random_page_cost=1.1, seq_page_cost=0.9);", "ALTER TABLESPACE \"fast\" SET (\"random_page_cost\" = '1.1', \"seq_page_cost\" = '0.9')")]
    [InlineData("ALTER TABLESPACE fast SET (effective_io_concurrency=3);", "ALTER TABLESPACE \"fast\" SET (\"effective_io_concurrency\" = '3')")]
    [InlineData("GRANT ALL ON TABLESPACE fast TO ann;", "GRANT ALL ON TABLESPACE \"fast\" TO \"ann\"")]
    [InlineData("GRANT CREATE ON TABLESPACE \"my fast\" TO \"Ann\" WITH GRANT OPTION;", "GRANT CREATE ON TABLESPACE \"my fast\" TO \"Ann\" WITH GRANT OPTION")]
    [InlineData("GRANT ALL ON TABLESPACE fast TO PUBLIC;", "GRANT ALL ON TABLESPACE \"fast\" TO PUBLIC")]
    [InlineData("GRANT ALL ON TABLESPACE fast TO \"PUBLIC\";", "GRANT ALL ON TABLESPACE \"fast\" TO \"PUBLIC\"")]
    [InlineData("REVOKE ALL ON TABLESPACE fast FROM ann;", "REVOKE ALL ON TABLESPACE \"fast\" FROM \"ann\"")]
    [InlineData("COMMENT ON TABLESPACE fast IS 'it''s\n; here';", "COMMENT ON TABLESPACE \"fast\" IS 'it''s\n; here'")]
    public void Statements_of_the_known_forms_are_written_anew(string text, string expected) => Assert.Equal(expected, DumpedTablespace.ReadStatement(text)!.Value.Sql);

    [Theory]
    [InlineData("ALTER TABLESPACE fast RENAME TO slow;")]
    [InlineData("ALTER TABLESPACE fast OWNER TO ann;")]
    [InlineData("ALTER TABLESPACE fast SET (seq_page_cost=(SELECT 1));")]
    [InlineData("ALTER TABLESPACE fast SET (seq_page_cost=1); DROP ROLE ann;")]
    [InlineData("ALTER TABLESPACE fast SET (seq_page_cost=1")]
    [InlineData("GRANT ALL ON TABLESPACE fast TO ann, bob;")]
    [InlineData("GRANT ALL ON DATABASE fast TO ann;")]
    [InlineData("GRANT ALL ON TABLESPACE fast TO ann WITH ADMIN OPTION;")]
    [InlineData("REVOKE ALL ON TABLESPACE fast FROM ann CASCADE;")]
    [InlineData("COMMENT ON TABLESPACE fast IS 'a' || 'b';")]
    [InlineData("COMMENT ON ROLE fast IS 'a';")]
    [InlineData("DROP TABLESPACE fast;")]
    [InlineData(";")]
    public void All_others_are_not_run(string text) => Assert.Null(DumpedTablespace.ReadStatement(text));

    [Fact]
    public async Task Script_gives_each_tablespace_its_own_statements()
    {
        using var text = new MemoryStream(Encoding.UTF8.GetBytes("""
            CREATE ROLE ann;
            CREATE TABLESPACE fast OWNER ann LOCATION '/srv/fast';
            ALTER TABLESPACE fast SET (seq_page_cost=0.9);
            GRANT ALL ON TABLESPACE other TO ann;
            CREATE TABLESPACE "idle one" OWNER ann LOCATION '/srv/idle';
            REVOKE ALL ON TABLESPACE "idle one" FROM ann;
            GRANT ALL ON TABLESPACE fast TO PUBLIC;
            """ + "\n"));
        RoleScript script = await RoleScript.ReadAsync(text, CancellationToken.None);

        Assert.Equal(["fast", "idle one"], script.Tablespaces.Select(tablespace => tablespace.Name));
        Assert.Equal(["ALTER TABLESPACE \"fast\" SET (\"seq_page_cost\" = '0.9')", "GRANT ALL ON TABLESPACE \"fast\" TO PUBLIC"], script.Tablespaces[0].Statements);
        Assert.Equal(["REVOKE ALL ON TABLESPACE \"idle one\" FROM \"ann\""], script.Tablespaces[1].Statements);
    }
}
