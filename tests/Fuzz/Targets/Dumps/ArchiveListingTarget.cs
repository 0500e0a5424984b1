using DbBackup.Engine.Engines.PostgreSql.Dump;

namespace DbBackup.Tests.Fuzz.Targets.Dumps;

/// <summary>What pg_restore lists of an archive, and the choice of tables from it.</summary>
internal sealed class ArchiveListingTarget : FuzzTarget
{
    public override InputForm Form => InputForm.Text;

    // A choice looks at all pairs of entries.
    public override int LongestInput => 1 << 15;

    public override IReadOnlyList<string> Words =>
        [";\tdepends on: 1 2 3\n", "; ", "TABLE DATA ", "TABLE ATTACH ", "INDEX ATTACH ", "SCHEMA - ", "DATABASE - ", "COMMENT ", "ACL ", "FK CONSTRAINT ", "1259 4294967296 TABLE public t owner\n", ";     dbname: a b", "SEQUENCE SET ", "public "];

    public override IEnumerable<byte[]> Seeds() => [File.ReadAllBytes(Path.Join(AppContext.BaseDirectory, "Data", "listing.txt"))];

    public override object? Run(byte[] input)
    {
        string text = Text(input);
        DumpContents contents = DumpContents.FromListing(text);
        ArchiveListing listing = ArchiveListing.Parse(text);
        int without = listing.WithoutBasis("TRIGGER").Count;
        if (!listing.HasDependencies)
            return (contents.Tables?.Count, without);
        ArchiveSelection selection = ArchiveSelection.ForTables(listing, ["public"], [], keepForeignKeys: input.Length % 2 == 0);
        Require(selection.Entries.All(listing.Entries.Contains), "what is chosen is listed");
        return (selection.Entries.Count, selection.LeftOutForeignKeys.Count, without);
    }
}
