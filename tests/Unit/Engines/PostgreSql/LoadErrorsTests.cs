using DbBackup.Engine.Engines.PostgreSql.Load;
using DbBackup.Engine.Engines.PostgreSql.Rows;
using DbBackup.Engine.Engines.PostgreSql.Text;
using Npgsql;

namespace DbBackup.Tests.Unit.Engines.PostgreSql;

public sealed class LoadErrorsTests
{
    [Fact]
    public void What_pg_restore_could_not_run_is_one_line_each()
    {
        const string Words = """
            pg_restore: error: could not execute query: ERROR:  insert or update on table "b" violates foreign key constraint "b_a_fkey"
            DETAIL:  Key (a)=(9) is not present in table "a".
            Command was: ALTER TABLE ONLY public.b
                ADD CONSTRAINT b_a_fkey FOREIGN KEY (a) REFERENCES public.a(id);


            pg_restore: warning: errors ignored on restore: 1
            """;
        Assert.Equal(
            ["insert or update on table \"b\" violates foreign key constraint \"b_a_fkey\" (ALTER TABLE ONLY public.b ADD CONSTRAINT b_a_fkey FOREIGN KEY (a) REFERENCES public.a(id);)"],
            LoadErrors.OfArchive(Words));
        Assert.Empty(LoadErrors.OfArchive("pg_restore: error: could not read from input file: end of file"));
        Assert.Equal(["line 12: relation \"x\" does not exist"], LoadErrors.OfText("psql:<stdin>:12: ERROR:  relation \"x\" does not exist\nLINE 1: select"));
    }

    [Fact]
    public void Only_what_a_server_refuses_is_a_refusal()
    {
        Assert.True(LoadErrors.IsRefusal(new ToolFailedException("pg_restore", 1, "pg_restore: error: could not execute query: ERROR:  no", "")));
        Assert.False(LoadErrors.IsRefusal(new ToolFailedException("pg_restore", 137, "ERROR:  no", "")));
        Assert.False(LoadErrors.IsRefusal(new ToolFailedException("pg_restore", 1, "pg_restore: error: could not read from input file", "")));
    }

    [Theory]
    [InlineData("COPY odd, 7 name, line 12, column id: \"x, line 3\"", ", row 1012, column id")]
    [InlineData("COPY t, line 12: \"1\tx\"", ", row 1012")]
    [InlineData("COPY t, Zeile 12, Spalte id: »x«", ", row 1012, Spalte id")]
    [InlineData("PL/pgSQL function public.ok(text) line 3 at RAISE\nCOPY t, line 12: \"1\"", ", row 1012")]
    [InlineData("COPY t, line 12", ", row 1012")]
    [InlineData("something else", "")]
    public void A_refused_row_is_named_by_its_place_in_the_table(string where, string place)
    {
        BackupFailure? failure = LoadErrors.OfRow(Refused("22P02", where), "public.t", line => line + 1000);
        Assert.Equal($"The server refused data of public.t{place}: no.", failure!.Message);
        Assert.True(LoadErrors.IsRefusal(failure));
    }

    [Theory]
    [InlineData("53100")]
    [InlineData("57P01")]
    [InlineData("58030")]
    public void A_server_that_fails_refuses_nothing(string state)
    {
        BackupFailure failure = Refused(state, "COPY t, line 12");
        Assert.Null(LoadErrors.OfRow(failure, "public.t", line => line));
        Assert.False(LoadErrors.IsRefusal(failure));
    }

    private static BackupFailure Refused(string state, string where) => new(
        ErrorCodes.ServerFailed, FailureCategory.ReadError, "no", "Do.", new PostgresException("no", "ERROR", "ERROR", state, where: where));

    [Fact]
    public void The_table_that_a_copy_loads_is_read_with_its_quotes()
    {
        Assert.Equal("public.\"a (b\"", CopyColumns.TargetOf("COPY public.\"a (b\" (id, name) FROM stdin;\n"));
        Assert.Equal("public.t", CopyColumns.TargetOf("COPY public.t FROM stdin;\n"));
    }

    [Fact]
    public void Hashes_of_one_kind_are_added()
    {
        var one = new TableRows(1, "xxh128:ffffffffffffffffffffffffffffffff");
        Assert.Equal(new TableRows(3, "xxh128:00000000000000000000000000000001"), one + new TableRows(2, "xxh128:00000000000000000000000000000002"));
        Assert.Equal(new TableRows(2, null), one + new TableRows(1, "xxh128-utc:00000000000000000000000000000001"));
    }
}
