using System.Text;
using DbBackup.Engine.Engines.PostgreSql.Text;
using static DbBackup.Tests.Unit.Engines.PostgreSql.CapturedDumps;

namespace DbBackup.Tests.Unit.Engines.PostgreSql;

public sealed class PlainDumpScannerTests
{
    private const string Start = "--\n-- PostgreSQL database dump\n--\n\n";
    private const string Data = "--\n-- Data for Name: t; Type: TABLE DATA; Schema: public; Owner: o\n--\n\n";
    private const string End = "\n--\n-- PostgreSQL database dump complete\n--\n\n";

    [Fact]
    public void A_dump_tells_its_versions_and_the_rows_of_each_table()
    {
        PlainDumpReport report = Scan(Bytes("plain.sql"));

        Assert.True(report.IsComplete);
        Assert.False(report.IsCluster || report.UsesInserts || report.SetsTransactionTimeout);
        Assert.True(report.UsesRestrict);
        Assert.Equal(("15.18", "15.18"), (report.ServerVersion, report.ClientVersion));
        Assert.Equal(
            [
                ("public.\"Odd \"\" Name; x\"", 2), ("public.child", 0), ("public.customers", 5), ("public.empty_one", 0),
                ("public.events_2025", 5), ("public.events_2026", 9), ("public.events_late_x", 6), ("public.no_columns", 1),
                ("public.orders", 1), ("public.parent", 0), ("public.\"two\nlines\"", 3), ("public.uses_twice", 1), ("sales.orders", 12),
            ],
            Rows(report));
    }

    [Fact]
    public void Insert_statements_are_told_and_not_counted()
    {
        PlainDumpReport report = Scan(Bytes("inserts.sql"));

        Assert.True(report is { IsComplete: true, UsesInserts: true, Tables.Count: 0 });
    }

    [Fact]
    public void A_script_of_a_cluster_is_told()
    {
        PlainDumpReport report = Scan(Bytes("cluster.sql"));

        Assert.True(report is { IsComplete: true, IsCluster: true, ServerVersion: "15.18" });
        Assert.Contains(("sales.orders", 12), Rows(report));
    }

    [Theory]
    [InlineData("plain.sql", 1)]
    [InlineData("inserts.sql", 7)]
    [InlineData("cluster.sql", 7)]
    public void The_bounds_of_chunks_do_not_matter(string name, int step)
    {
        byte[] script = Bytes(name);
        string expected = Show(Scan(script));

        for (int split = 1; split < script.Length; split += step)
            Assert.Equal(expected, Show(Scan(script, split)));
        var scanner = new PlainDumpScanner();
        foreach (byte value in script)
            scanner.Append([value]);
        Assert.Equal(expected, Show(scanner.Complete()));
    }

    [Theory]
    [InlineData("plain.sql")]
    [InlineData("inserts.sql")]
    public void A_dump_that_is_cut_off_anywhere_is_not_complete(string name)
    {
        byte[] script = Bytes(name);
        int essential = EssentialLength(script);

        for (int length = 0; length < essential; length++)
            Assert.False(Scan(script.AsSpan(0, length)).IsComplete, $"Cut after {length} of {script.Length} bytes.");
        Assert.True(Scan(script.AsSpan(0, essential)).IsComplete);
    }

    [Fact]
    public void A_dump_without_restrict_that_is_cut_off_anywhere_is_not_complete()
    {
        byte[] script = Encoding.UTF8.GetBytes(Start + Data + "COPY public.t (a) FROM stdin;\n1\n\\.\n\n" + End);
        int essential = EssentialLength(script);

        for (int length = 0; length < essential; length++)
            Assert.False(Scan(script.AsSpan(0, length)).IsComplete, $"Cut after {length} of {script.Length} bytes.");
        Assert.True(Scan(script.AsSpan(0, essential)).IsComplete);
    }

    [Theory]
    [InlineData("SELECT 1;\n")]
    [InlineData("COPY public.t (a) FROM stdin;\n")]
    [InlineData("\\unrestrict other\n")]
    [InlineData("SELECT '")]
    [InlineData("/* ")]
    [InlineData("--\n-- PostgreSQL database dump\n--\n")]
    public void What_follows_the_closing_comment_makes_it_incomplete(string more)
    {
        Assert.True(Scan(Start + End).IsComplete);
        Assert.True(Scan(Start + End + "-- Kept by the night shift\n").IsComplete);
        Assert.False(Scan(Start + End + more).IsComplete);
    }

    [Theory]
    [InlineData("COPY public.t (a) FROM stdin;\n{0}")]
    [InlineData("SELECT '{0}';\n")]
    [InlineData("SELECT E'it\\'s{0}';\n")]
    [InlineData("SELECT $a$ $b$ {0} $a $a$;\n")]
    [InlineData("SELECT \"{0}\";\n")]
    [InlineData("/* /* */ {0} */;\n")]
    [InlineData("SELECT ({0}")]
    [InlineData("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1;{0}")]
    [InlineData("SELECT 1; {0}")]
    public void A_closing_comment_in_data_or_quotes_does_not_count(string around)
    {
        bool isOnItsLine = !around.Contains("; {0}", StringComparison.Ordinal);
        string closing = isOnItsLine ? End : End.Trim();

        Assert.False(Scan(Start + string.Format(null, around, isOnItsLine ? closing : "-- PostgreSQL database dump complete")).IsComplete);
    }

    [Fact]
    public void The_first_of_two_dumps_that_is_cut_off_is_told()
    {
        string first = Text("plain.sql");

        Assert.True(Scan(first + first).IsComplete);
        Assert.False(Scan(first[..first.IndexOf("-- Name: cents", StringComparison.Ordinal)] + first).IsComplete);
    }

    [Fact]
    public void Function_bodies_do_not_confuse_it()
    {
        string copy = Data + "COPY public.lies (a) FROM stdin;\n1\n\\.\n";

        PlainDumpReport report = Scan(
            Start + "CREATE FUNCTION a() RETURNS int LANGUAGE sql AS $_$" + copy + "$$ $1 $ $_$;\n"
            + "CREATE OR REPLACE PROCEDURE b() LANGUAGE sql BEGIN ATOMIC\nSELECT CASE WHEN true THEN 1 END;\nSELECT ';'; END;\n"
            + "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2;);\nSELECT 1 - 2 / 3 -- ; '\n;\nSELECT U&\"a\"\"'\", e'\\\\', $1, a$b$;\n"
            + Data + "COPY public.t (a) FROM stdin;\n\\\\.\n\\.x\n\\N\n\\.\n" + End);

        Assert.True(report.IsComplete);
        Assert.Equal([("public.t", 3)], Rows(report));
    }

    [Fact]
    public void Copy_counts_only_after_the_comment_of_pg_dump()
    {
        PlainDumpReport report = Scan(Start + "COPY public.other (a) FROM stdin;\n-- Data for Name: t; Type: TABLE DATA; x\n'\n\\.\n"
            + "-- Data for Name: BLOBS; Type: BLOBS; Schema: -; Owner: -\nCOPY x FROM stdin;\n1\n\\.\n" + End);

        Assert.True(report.IsComplete);
        Assert.Empty(report.Tables);
    }

    [Fact]
    public void Partitions_loaded_through_their_root_are_summed_up()
    {
        string part = Data + "-- load via partition root public.t\nALTER TABLE public.t DISABLE TRIGGER ALL;\nCOPY public.t (a) FROM stdin;\n1\n2\n\\.\n";

        Assert.Equal([("public.t", 4)], Rows(Scan(Start + part + part + End)));
    }

    [Fact]
    public void Other_encodings_line_ends_and_a_byte_order_mark_are_read()
    {
        byte[] latin = Encoding.Latin1.GetBytes(Start + Data + "COPY public.\"Stück\" (a) FROM stdin;\nü\n\\.\n" + End);
        byte[] windows = [0xef, 0xbb, 0xbf, .. Encoding.UTF8.GetBytes((Start + Data + "COPY public.t (a) FROM stdin;\n1\n\\.\n" + End).Replace("\n", "\r\n", StringComparison.Ordinal))];

        Assert.Equal([("public.\"Stück\"", 1)], Rows(Scan(latin)));
        Assert.True(Scan(windows).IsComplete);
        Assert.Equal([("public.t", 1)], Rows(Scan(windows)));
    }

    [Fact]
    public void What_older_servers_refuse_is_told() =>
        Assert.True(Scan(Start + "SET statement_timeout = 0;\nSET transaction_timeout = 0;\n" + End).SetsTransactionTimeout);
}
