using System.Text;
using DbBackup.Engine.Engines.PostgreSql.Load;
using DbBackup.Engine.Engines.PostgreSql.Text;
using DbBackup.Testing;
using static DbBackup.Tests.Unit.Engines.PostgreSql.CapturedDumps;

namespace DbBackup.Tests.Unit.Engines.PostgreSql;

/// <summary>Whatever a text holds, psql gets no command of it.</summary>
public sealed class PsqlInputTests
{
    [Theory]
    [InlineData("SELECT 1 \\! touch x\n;")]
    [InlineData("SELECT 1 \\g |cmd\n")]
    [InlineData("SELECT 1; \\o |cmd\n")]
    [InlineData("\\! touch x\n")]
    [InlineData("\\copy t from program 'cmd'\n")]
    [InlineData("  \\! touch x")]
    [InlineData("/* x */ \\! touch x\n")]
    [InlineData("\\restrict abc \\\\ SELECT 1 \\! touch x\n")]
    [InlineData("\\restrict abc\\! touch x\n")]
    [InlineData("\\unrestrict abc\n\\! touch x\n")]
    [InlineData("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; \\! touch x\n SELECT 2; END;\n")]
    [InlineData("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 AS end$; COPY t FROM stdin;\n\\! touch x\n\\.\n END;\n")]
    [InlineData("SELECT (1 \\! touch x\n);")]
    [InlineData("SELECT 'a' \\! touch x\n;")]
    [InlineData("SELECT \"a\" \\! touch x\n;")]
    [InlineData("SELECT $x$ $x$ \\! touch x\n;")]
    [InlineData("-- x\r\\! touch x\n")]
    [InlineData("-- x\r' \\! touch x\n'\n")]
    [InlineData("SELECT 1 -- x\r\\! touch x\n;")]
    [InlineData("SELECT 1$x$ ' $x$ \\! touch x\n';")]
    [InlineData("SELECT $1$x$ ' $x$ \\! touch x\n';")]
    [InlineData("SELECT $x$a$x$$y$ ' $y$ \\! touch x\n';")]
    [InlineData("SELECT E'a'\n'\\'' \\! touch x -- '\n;")]
    [InlineData("SELECT E'a' -- x\n'\\'' \\! touch x -- '\n;")]
    [InlineData("COPY t FROM stdin;\n1\n\\.\r\r\nCOPY u FROM stdin;\n'\n\\.\n\\! touch x\n';\n")]
    [InlineData("COPY t FROM stdin;\n1\n\\.\n\\! touch x\n")]
    [InlineData("COPY t TO stdout;\n\\! touch x\n\\.\n")]
    [InlineData("SELECT 'a\0\n' \\! touch x\n;")]
    [InlineData("SELECT 'a\0 b';\n")]
    [InlineData("\\connect postgres\n")]
    [InlineData("\\.\n")]
    public async Task A_command_outside_of_quotes_and_data_is_refused_before_psql_gets_it(string text)
    {
        for (int split = 1; split <= text.Length; split++)
        {
            var input = new MemoryStream();

            BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => FeedAsync(input, text, split));

            ErrorAssert.Sound(failure);
            Assert.Equal(ErrorCodes.DumpUnsafe, failure.Code);
            Assert.DoesNotContain("touch", Encoding.UTF8.GetString(input.ToArray()), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("SELECT '\\! x', E'\\'\\\\! x', \"\\! x\", $$\\! x$$, $a$ \\! $$ x $a$;\n")]
    [InlineData("-- \\! x\r\n/* \\! x /* \\ */ \\ */ SELECT 1 /* \\! */ + 2; -- \\\n")]
    [InlineData("COPY t (a, b) FROM stdin;\n\\N\t\\! x\n\\\\.\n\\.\r\nSELECT 1;\n")]
    [InlineData("INSERT INTO t VALUES (E'a\\\\b', 'c\\'),\n\t(E'd', 'e');\n")]
    [InlineData("INSERT INTO t VALUES (E'a\\\\b' ,\n 'c');\n")]
    [InlineData("CREATE FUNCTION a$1(b1$ int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT ($1 + b1$); SELECT CASE WHEN true THEN 1 END; END;\n")]
    [InlineData("SELECT a[1:2], '{}'::text[] , 1e5, 0x1F, :x;\n")]
    [InlineData("SELECT 1")]
    public async Task What_only_looks_like_a_command_passes_as_it_is(string text)
    {
        for (int split = 1; split <= text.Length; split++)
        {
            var input = new MemoryStream();
            if (text != "SELECT 1")
                await FeedAsync(input, text, split);
            else
                Assert.Equal(ErrorCodes.DumpIncomplete, (await Assert.ThrowsAnyAsync<BackupException>(() => FeedAsync(input, text, split))).Code);
            Assert.Equal(text, Encoding.UTF8.GetString(input.ToArray()));
        }
    }

    [Theory]
    [InlineData("plain.sql", 97)]
    [InlineData("inserts.sql", 97)]
    public async Task A_dump_passes_without_the_restriction_of_its_own(string name, int step)
    {
        string text = Encoding.UTF8.GetString(Bytes(name));
        string expected = string.Join('\n', text.Split('\n').Where(line => !line.StartsWith("\\restrict ", StringComparison.Ordinal) && !line.StartsWith("\\unrestrict ", StringComparison.Ordinal)));
        for (int split = 1; split <= text.Length; split += step)
        {
            var input = new MemoryStream();

            PlainDumpReport report = await FeedAsync(input, text, split);

            Assert.Equal(expected, Encoding.UTF8.GetString(input.ToArray()));
            Assert.True(report.IsComplete);
            Assert.Null(report.UnsafeAt);
        }
    }

    [Fact]
    public void A_text_that_is_read_only_tells_where_a_command_is()
    {
        var scanner = new PlainDumpScanner();
        scanner.Append("SELECT 1;\nSELECT 2 \\! x\n;\n\\! y\n"u8);
        Assert.Equal(19, scanner.Complete().UnsafeAt);

        scanner = new PlainDumpScanner();
        scanner.Append("SELECT 1;\n\\! y\nSELECT 2 \\! x\n"u8);
        Assert.Equal(10, scanner.Complete().UnsafeAt);
    }

    [Theory]
    [InlineData("13.21", false)]
    [InlineData("13.22", true)]
    [InlineData("15.13", false)]
    [InlineData("15.14", true)]
    [InlineData("16.9", false)]
    [InlineData("16.10", true)]
    [InlineData("17.5", false)]
    [InlineData("17.6", true)]
    [InlineData("17", false)]
    [InlineData("18", true)]
    [InlineData("18.1", true)]
    [InlineData("12.22", false)]
    [InlineData("", false)]
    public void The_psql_that_knows_restrict_is_told_by_its_version(string version, bool knows) => Assert.Equal(knows, PsqlInput.KnowsRestrict(version));

    [Fact]
    public async Task Statements_about_owners_and_rights_are_left_out_whatever_the_bounds_of_chunks()
    {
        const string kept = "CREATE TABLE public.t (id integer, x text DEFAULT ' OWNER TO y;');\n";
        const string checkedText = "ALTER TABLE public.t ADD CHECK (x <> ' OWNER TO y;');\n";
        const string data = "COPY public.t (id, x) FROM stdin;\n1\tGRANT ALL;\n\\.\n";
        string text = kept + "ALTER TABLE public.t OWNER TO \"o;dd\";\n" + checkedText + "GRANT SELECT ON TABLE public.t\n TO reader;\n" + data
            + "COMMENT ON EXTENSION pg_trgm IS 'x; y';\nALTER DEFAULT PRIVILEGES FOR ROLE a GRANT ALL ON TABLES TO b;\nSELECT 1;\n";
        string expected = kept + "\n" + checkedText + "\n" + data + "\n\nSELECT 1;\n";

        for (int split = 1; split <= text.Length; split++)
        {
            var input = new MemoryStream();
            await FeedAsync(input, text, split, withoutOwners: true);
            Assert.Equal(expected, Encoding.UTF8.GetString(input.ToArray()));
        }
    }

    private static async Task<PlainDumpReport> FeedAsync(MemoryStream input, string text, int split, bool withoutOwners = false)
    {
        var psql = new PsqlInput(input, "shop.sql", withoutOwners);
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        for (int at = 0; at < bytes.Length; at += split)
            await psql.PassAsync(bytes.AsMemory(at, Math.Min(split, bytes.Length - at)), CancellationToken.None);
        return psql.Complete();
    }
}
