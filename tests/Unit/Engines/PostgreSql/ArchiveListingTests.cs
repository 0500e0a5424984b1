using DbBackup.Engine.Engines.PostgreSql.Dump;

namespace DbBackup.Tests.Unit.Engines.PostgreSql;

public sealed class ArchiveListingTests
{
    private static readonly ArchiveListing Listing = ArchiveListing.Parse(CapturedDumps.Text("listing.txt"));

    [Fact]
    public void The_head_tells_where_the_dump_comes_from()
    {
        Assert.Equal(("shop", "CUSTOM", "1.14-0", "15.18", "15.18"), (Listing.Database, Listing.Format, Listing.DumpVersion, Listing.ServerVersion, Listing.ClientVersion));
        Assert.True(Listing.HasDependencies);
    }

    [Theory]
    [InlineData("TABLE", "public", "Odd \" Name; x", "postgres")]
    [InlineData("TABLE", "public", "two lines", "postgres")]
    [InlineData("TABLE DATA", "sales", "orders", "shop_owner")]
    [InlineData("FK CONSTRAINT", "sales", "orders orders_customer_fkey", "shop_owner")]
    [InlineData("SEQUENCE OWNED BY", "public", "customers_id_seq", "shop_owner")]
    [InlineData("MATERIALIZED VIEW DATA", "public", "m_orders", "postgres")]
    [InlineData("DEFAULT ACL", "sales", "DEFAULT PRIVILEGES FOR TABLES", "postgres")]
    [InlineData("EXTENSION", "", "pgcrypto", "")]
    [InlineData("ENCODING", "", "ENCODING", "")]
    [InlineData("COMMENT", "sales", "CONSTRAINT orders_pk ON orders", "shop_owner")]
    public void Entries_are_parted(string kind, string schema, string name, string owner) =>
        Assert.Single(Listing.Entries, entry => entry.Kind == kind && entry.Schema == schema && entry.Name == name && entry.Owner == owner);

    [Fact]
    public void Data_carry_the_oid_of_their_table()
    {
        List<ArchiveEntry> data = [.. Listing.Entries.Where(entry => entry.Kind == "TABLE DATA")];

        Assert.Equal(13, data.Count);
        Assert.All(data, entry => Assert.Equal(entry.ObjectId, Listing.Entries.Single(table => table.Kind == "TABLE" && entry.DependsOn.Contains(table.DumpId)).ObjectId));
    }

    [Fact]
    public void The_short_form_is_read_too_and_has_no_dependencies()
    {
        string text = string.Join("\r\n", CapturedDumps.Text("listing.txt").Split('\n').Where(line => !line.StartsWith(";\t", StringComparison.Ordinal)));

        ArchiveListing listing = ArchiveListing.Parse(text);

        Assert.Equal(Listing.Entries.Select(entry => entry.Line), listing.Entries.Select(entry => entry.Line));
        Assert.False(listing.HasDependencies);
    }

    [Fact]
    public void Schemas_and_owners_with_blanks_are_known_by_what_creates_them()
    {
        ArchiveListing listing = ArchiveListing.Parse(
            ";     dbname: my shop\n1; 1262 5 DATABASE - my shop the owner\n2; 2615 6 SCHEMA - big sales the owner\n3; 0 7 TABLE DATA big sales odd orders the owner\n4; 0 8 STATISTICS DATA public t postgres\n");

        Assert.Equal(("big sales", "odd orders", "the owner"), (listing.Entries[2].Schema, listing.Entries[2].Name, listing.Entries[2].Owner));
        Assert.Equal(("STATISTICS DATA", "t"), (listing.Entries[3].Kind, listing.Entries[3].Name));
    }

    [Theory]
    [InlineData("pg_restore: error: could not open input file")]
    [InlineData("12; x 4 TABLE public t o")]
    [InlineData("12; 4")]
    public void What_is_no_listing_is_refused(string text) =>
        Assert.Equal(ErrorCodes.ReadFailed, Assert.Throws<BackupFailure>(() => ArchiveListing.Parse(text)).Code);
}
