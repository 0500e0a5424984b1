using System.Text;
using DbBackup.Engine.Engines.PostgreSql.Text;

namespace DbBackup.Tests.Unit.Engines.PostgreSql;

public sealed class DumpallScriptTests
{
    private static readonly byte[] Script = CapturedDumps.Bytes("cluster.sql");

    [Fact]
    public void The_databases_are_found_with_what_creates_them()
    {
        DumpallScript script = Scan(Script);

        Assert.True(script.IsComplete);
        Assert.Equal(["template1", "Odd \"Base", "postgres", "shop"], script.Databases.Select(database => database.Name));
        Assert.Equal([false, true, false, true], script.Databases.Select(database => database.IsCreated));
        DumpallDatabase shop = script.Databases[3];
        Assert.Equal(("UTF8", "C", "C", "C", "libc", "shop_owner"), (shop.Encoding, shop.Locale, shop.Collate, shop.Ctype, shop.LocaleProvider, shop.Owner));
        Assert.Equal(
            [
                "COMMENT ON DATABASE \"copy\" IS 'The shop';", "ALTER DATABASE \"copy\" SET \"TimeZone\" TO 'UTC';",
                "ALTER DATABASE \"copy\" SET search_path TO 'public', 'sales';", "ALTER ROLE shop_owner IN DATABASE \"copy\" SET work_mem TO '8MB';",
                "GRANT CONNECT ON DATABASE \"copy\" TO shop_reader;",
            ],
            shop.DatabaseSettings.Select(setting => setting.TextFor("copy")));
        Assert.Equal("COMMENT ON DATABASE shop IS 'The shop';", shop.DatabaseSettings[0].Text);
    }

    [Fact]
    public void Each_database_is_a_plain_dump_for_a_database_of_any_name()
    {
        DumpallScript script = Scan(Script);

        foreach (DumpallDatabase database in script.Databases)
        {
            string part = Cut(database.Ranges);
            PlainDumpReport alone = CapturedDumps.Scan(part);
            Assert.True(alone.IsComplete, database.Name);
            Assert.Equal(CapturedDumps.Show(alone), CapturedDumps.Show(database.Report));
            Assert.StartsWith("--\n-- PostgreSQL database dump\n", part, StringComparison.Ordinal);
            string[] lines = [.. part.Split('\n').Where(line => !line.StartsWith("--", StringComparison.Ordinal))];
            Assert.DoesNotContain(lines, line => line.Contains("DATABASE", StringComparison.Ordinal) || line.StartsWith("\\connect", StringComparison.Ordinal) || line.StartsWith("\\encoding", StringComparison.Ordinal));
            Assert.Single(lines, line => line.StartsWith("\\restrict ", StringComparison.Ordinal));
            Assert.Single(lines, line => line.StartsWith("\\unrestrict ", StringComparison.Ordinal));
        }

        Assert.Equal([("public.t", 3)], CapturedDumps.Rows(script.Databases[1].Report));
        Assert.Equal(CapturedDumps.Show(CapturedDumps.Scan(CapturedDumps.Bytes("plain.sql"))), CapturedDumps.Show(script.Databases[3].Report));
    }

    [Fact]
    public void The_content_is_the_one_that_pg_dump_writes_of_the_database_alone()
    {
        string whole = Cut(Scan(Script).Databases[3].Ranges);
        string alone = CapturedDumps.Text("plain.sql");

        // The settings of the session are repeated after the database is created; from the first object on, all is equal.
        Assert.Equal(Objects(alone), Objects(whole));

        static IEnumerable<string> Objects(string script) => script[script.IndexOf("CREATE SCHEMA sales", StringComparison.Ordinal)..].Split('\n')
            .Where(line => line.Length > 0 && line != "--" && !line.StartsWith("\\unrestrict", StringComparison.Ordinal) && !line.Contains("DATABASE shop;", StringComparison.Ordinal));
    }

    [Fact]
    public void The_globals_are_the_roles_and_connect_to_nothing()
    {
        string globals = Cut(Scan(Script).Globals);

        Assert.Contains("CREATE ROLE shop_reader;", globals, StringComparison.Ordinal);
        Assert.Contains("\\unrestrict", globals, StringComparison.Ordinal);
        Assert.DoesNotContain("\\connect", globals, StringComparison.Ordinal);
        Assert.DoesNotContain("DATABASE", globals, StringComparison.Ordinal);
    }

    [Fact]
    public void A_script_that_is_cut_off_is_told()
    {
        int essential = CapturedDumps.EssentialLength(Script);
        DumpallScript whole = Scan(Script);
        string last = Cut(whole.Databases[^1].Ranges).TrimEnd();
        // Each length near the end, some before.
        for (int length = 0; length < essential; length += length < essential - 1500 ? 37 : 1)
        {
            DumpallScript script = Scan(Script.AsSpan(0, length).ToArray());
            Assert.False(script.IsComplete, $"Cut after {length} of {Script.Length} bytes.");
            Assert.All(script.Databases.SkipLast(1), database => Assert.True(database.Report.IsComplete));
            Assert.InRange(script.Databases.Count, 0, whole.Databases.Count);
            if (script.Databases.Count == whole.Databases.Count && script.Databases[^1].Report.IsComplete)
                Assert.Equal(last, Cut(script.Databases[^1].Ranges, Script[..length]).TrimEnd());
        }

        Assert.True(Scan(Script.AsSpan(0, essential).ToArray()).IsComplete);
    }

    [Fact]
    public void The_bounds_of_chunks_do_not_matter()
    {
        DumpallScript expected = Scan(Script);
        using var trickle = new TrickleStream(Script);

        DumpallScript script = DumpallScript.Scan(trickle, CancellationToken.None);

        Assert.Equal(expected.Globals, script.Globals);
        Assert.Equal(expected.Databases.SelectMany(database => database.Ranges), script.Databases.SelectMany(database => database.Ranges));
        Assert.True(script.IsComplete);
    }

    [Fact]
    public void Drops_are_left_out_of_the_globals()
    {
        byte[] bytes = Encoding.UTF8.GetBytes(
            "--\n-- PostgreSQL database cluster dump\n--\n\nDROP DATABASE IF EXISTS app;\nDROP ROLE IF EXISTS app;\nCREATE ROLE app;\n"
            + "UPDATE pg_catalog.pg_database SET datistemplate = false WHERE datname = 'template1';\n"
            + "\\connect template1\n" + Dump(string.Empty) + "--\n-- PostgreSQL database cluster dump complete\n--\n");

        DumpallScript script = Scan(bytes);

        Assert.True(script.IsComplete);
        Assert.DoesNotContain("DROP", Cut(script.Globals, bytes), StringComparison.Ordinal);
        Assert.Equal(["template1"], script.Databases.Select(database => database.Name));
    }

    [Fact]
    public void Scripts_of_version_10_create_their_databases_first()
    {
        byte[] bytes = Encoding.UTF8.GetBytes(
            "--\n-- PostgreSQL database cluster dump\n--\n\nSET default_transaction_read_only = off;\nCREATE ROLE app;\n"
            + "CREATE DATABASE \"App\" WITH TEMPLATE = template0 OWNER = app ENCODING = 'UTF8' LC_COLLATE = 'de_DE.UTF-8' CONNECTION LIMIT = 5;\n"
            + "ALTER DATABASE \"App\" SET work_mem TO '8MB';\nREVOKE ALL ON DATABASE \"App\" FROM PUBLIC;\n"
            + "\\connect \"App\"\n\nSET default_transaction_read_only = off;\n\n" + Dump("CREATE TABLE t ();\n")
            + "\\connect -reuse-previous=on \"dbname='it\\'s \"\"odd\"\"'\"\n" + Dump(string.Empty)
            + "--\n-- PostgreSQL database cluster dump complete\n--\n");

        DumpallScript script = Scan(bytes);

        Assert.True(script.IsComplete);
        Assert.Equal(["App", "it's \"odd\""], script.Databases.Select(database => database.Name));
        Assert.Equal(("app", "de_DE.UTF-8", "5"), (script.Databases[0].Owner, script.Databases[0].Collate, script.Databases[0].Options["CONNECTION LIMIT"]));
        Assert.Equal(["ALTER DATABASE x SET work_mem TO '8MB';", "REVOKE ALL ON DATABASE x FROM PUBLIC;"],
            script.Databases[0].DatabaseSettings.Select(setting => setting.TextFor("x").Replace("\"", string.Empty, StringComparison.Ordinal)));
        string globals = Cut(script.Globals, bytes);
        Assert.Contains("CREATE ROLE app;", globals, StringComparison.Ordinal);
        Assert.DoesNotContain("DATABASE \"App\"", globals, StringComparison.Ordinal);
        Assert.Contains("CREATE TABLE t", Cut(script.Databases[0].Ranges, bytes), StringComparison.Ordinal);
    }

    private static string Dump(string content) => "--\n-- PostgreSQL database dump\n--\n\n" + content + "--\n-- PostgreSQL database dump complete\n--\n\n";

    private static DumpallScript Scan(byte[] script)
    {
        using var stream = new MemoryStream(script);
        return DumpallScript.Scan(stream, CancellationToken.None);
    }

    private static string Cut(IReadOnlyList<ByteRange> ranges) => Cut(ranges, Script);

    private static string Cut(IReadOnlyList<ByteRange> ranges, byte[] script) =>
        string.Concat(ranges.Select(range => Encoding.UTF8.GetString(script, (int)range.Offset, (int)range.Length)));

    // Gives one byte at a time.
    private sealed class TrickleStream(byte[] content) : MemoryStream(content)
    {
        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(1, count));
    }
}
