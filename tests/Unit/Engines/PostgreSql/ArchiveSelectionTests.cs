using DbBackup.Engine.Engines.PostgreSql.Dump;

namespace DbBackup.Tests.Unit.Engines.PostgreSql;

public sealed class ArchiveSelectionTests
{
    private static readonly ArchiveListing Listing = ArchiveListing.Parse(CapturedDumps.Text("listing.txt"));

    [Fact]
    public void A_table_comes_with_all_that_belongs_to_it()
    {
        ArchiveSelection selection = Select("sales.orders", "customers");

        Assert.Equal(
            [
                "TABLE customers", "COMMENT TABLE customers", "COMMENT COLUMN customers.email", "ACL COLUMN customers.name", "SEQUENCE customers_id_seq",
                "SEQUENCE OWNED BY customers_id_seq", "ACL SEQUENCE customers_id_seq", "TABLE orders", "ACL TABLE orders", "SEQUENCE orders_id_seq",
                "DEFAULT customers id", "TABLE DATA customers", "TABLE DATA orders", "SEQUENCE SET customers_id_seq", "SEQUENCE SET orders_id_seq",
                "CONSTRAINT customers customers_email_key", "CONSTRAINT customers customers_pkey", "CONSTRAINT orders orders_pk",
                "COMMENT CONSTRAINT orders_pk ON orders", "INDEX orders_state", "COMMENT INDEX orders_state", "STATISTICS orders_stat",
                "RULE orders no_delete", "TRIGGER orders touch", "COMMENT TRIGGER touch ON orders", "FK CONSTRAINT orders orders_customer_fkey",
                "POLICY orders mine", "ROW SECURITY orders",
            ],
            Show(selection.Entries));
        Assert.Equal(["SCHEMA sales", "DOMAIN cents", "TYPE state", "FUNCTION touch()"], Show(selection.Needs).Order(StringComparer.Ordinal).OrderBy(Rank));
        Assert.Empty(selection.LeftOutForeignKeys);

        static int Rank(string need) => Array.IndexOf(["SCHEMA", "DOMAIN", "TYPE", "FUNCTION"], need.Split(' ')[0]);
    }

    [Fact]
    public void A_foreign_key_to_a_table_that_is_left_behind_is_left_out_unless_it_is_wanted()
    {
        ArchiveSelection without = Select("sales.orders");
        ArchiveSelection with = ArchiveSelection.ForTables(Listing, [], ["sales.orders"], keepForeignKeys: true);

        Assert.Equal(["FK CONSTRAINT orders orders_customer_fkey"], Show(without.LeftOutForeignKeys));
        Assert.Equal(without.Entries.Count + 1, with.Entries.Count);
        Assert.Contains("TABLE customers", Show(with.Needs));
    }

    [Fact]
    public void A_partitioned_table_comes_with_its_partitions_of_all_levels()
    {
        IReadOnlyList<string> entries = Show(Select("events").Entries);

        foreach (string name in (string[])["events_2025", "events_2026", "events_late", "events_late_x"])
        {
            Assert.Contains("TABLE " + name, entries);
            Assert.Contains("TABLE ATTACH " + name, entries);
            Assert.Contains($"CONSTRAINT {name} {name}_pkey", entries);
            Assert.Contains($"INDEX ATTACH {name}_pkey", entries);
            Assert.Contains($"INDEX ATTACH {name}_kind_idx", entries);
            Assert.Equal(name != "events_late", entries.Contains("TABLE DATA " + name));
        }
    }

    [Fact]
    public void A_partition_alone_is_restored_as_a_table()
    {
        ArchiveSelection one = Select("events_2025");
        ArchiveSelection branch = Select("events_late");

        Assert.Equal(["TABLE events_2025", "TABLE DATA events_2025", "CONSTRAINT events_2025 events_2025_pkey", "INDEX events_2025_kind_idx"], Show(one.Entries));
        Assert.Equal(["SEQUENCE events_id_seq"], Show(one.Needs));
        Assert.Equal(["TABLE ATTACH events_late_x"], Show(branch.Entries).Where(entry => entry.StartsWith("TABLE ATTACH", StringComparison.Ordinal)));
        Assert.Equal(
            ["INDEX ATTACH events_late_x_kind_idx", "INDEX ATTACH events_late_x_pkey"],
            Show(branch.Entries).Where(entry => entry.StartsWith("INDEX ATTACH", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_schema_comes_with_its_types_functions_and_rights()
    {
        ArchiveSelection selection = ArchiveSelection.ForTables(Listing, ["sales"], []);

        Assert.Subset(
            Show(selection.Entries).ToHashSet(),
            new HashSet<string> { "SCHEMA sales", "TYPE state", "DOMAIN cents", "FUNCTION touch()", "TABLE orders", "TRIGGER orders touch", "DEFAULT ACL DEFAULT PRIVILEGES FOR TABLES" });
        Assert.All(selection.Entries, entry => Assert.True(entry.Schema == "sales" || entry.Kind == "SCHEMA"));
        Assert.Empty(selection.Needs);
        Assert.Single(selection.LeftOutForeignKeys);
    }

    [Theory]
    [InlineData("orders", "public.orders sales.orders")]
    [InlineData("ORDERS", "public.orders sales.orders")]
    [InlineData("public.orders", "public.orders")]
    [InlineData("\"Odd \"\" Name; x\"", "public.Odd \" Name; x")]
    [InlineData("Odd*", "public.Odd \" Name; x")]
    [InlineData("\"two\nlines\"", "public.two lines")]
    [InlineData("s*.*", "sales.orders")]
    [InlineData("\"public\".event?_2025", "public.events_2025")]
    public void Names_are_taken_as_people_write_them(string name, string expected) =>
        Assert.Equal(expected, string.Join(' ', Select(name).Tables.Select(table => $"{table.Schema}.{table.Name}").Order(StringComparer.Ordinal)));

    [Theory]
    [InlineData("order", "sales.orders")]
    [InlineData("sales.order", "sales.orders")]
    [InlineData("customer", "public.customers")]
    [InlineData("\"ORDERS\"", "sales.orders")]
    [InlineData("odd", "public.\"Odd \"\" Name; x\"")]
    [InlineData("\"odd*\"", "public.\"Odd \"\" Name; x\"")]
    public void A_name_that_fits_nothing_names_the_near_ones(string name, string near)
    {
        BackupFailure failure = Assert.Throws<BackupFailure>(() => Select("customers", name));

        Assert.Equal((ErrorCodes.SourceNotFound, (object)name), (failure.Code, failure.Target));
        Assert.Contains(near, failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a.b.c")]
    [InlineData("a.")]
    [InlineData(".a")]
    [InlineData("\"a")]
    [InlineData("\"a\"b")]
    public void What_is_no_name_is_refused(string name) =>
        Assert.Equal(ErrorCodes.InvalidName, Assert.Throws<BackupFailure>(() => Select(name)).Code);

    [Fact]
    public void The_list_file_keeps_the_order_of_the_archive()
    {
        ArchiveSelection selection = Select("*");

        Assert.Equal(selection.Entries.Select(entry => entry.Line), selection.ToListFile().TrimEnd('\n').Split('\n'));
        Assert.Equal(selection.Entries, Listing.Entries.Where(selection.Entries.Contains));
    }

    [Fact]
    public void A_rule_that_looks_into_another_table_stays_with_its_own()
    {
        ArchiveListing listing = ArchiveListing.Parse(
            "1; 1259 1 TABLE public a o\n2; 1259 2 TABLE public a b o\n3; 2618 3 RULE public a b watch o\n;\tdepends on: 2 1\n");

        Assert.DoesNotContain("RULE a b watch", Show(ArchiveSelection.ForTables(listing, [], ["a"]).Entries));
        Assert.Equal(["TABLE a"], Show(ArchiveSelection.ForTables(listing, [], ["\"a b\""]).Needs));
    }

    private static ArchiveSelection Select(params string[] tables) => ArchiveSelection.ForTables(Listing, [], tables);

    private static IReadOnlyList<string> Show(IEnumerable<ArchiveEntry> entries) => [.. entries.Select(entry => $"{entry.Kind} {entry.Name}")];
}
