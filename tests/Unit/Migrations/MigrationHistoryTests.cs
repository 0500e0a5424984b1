using DbBackup.Engine.Migrations;

namespace DbBackup.Tests.Unit.Migrations;

/// <summary>How databases stand to the migrations of code, with one line of history and with branches.</summary>
public sealed class MigrationHistoryTests
{
    // a - b - d(merge) - e
    //   \ c /
    private static readonly MigrationHistory s_merged = Of(("a", []), ("b", ["a"]), ("c", ["a"]), ("d", ["b", "c"]), ("e", ["d"]));

    // a - b, a - c: two heads.
    private static readonly MigrationHistory s_forked = Of(("a", []), ("b", ["a"]), ("c", ["a"]));

    [Theory]
    [InlineData("e", SchemaRelation.Same, "")]
    [InlineData("d", SchemaRelation.Behind, "e")]
    [InlineData("b,c", SchemaRelation.Behind, "d,e")]
    [InlineData("b", SchemaRelation.Behind, "c,d,e")]
    [InlineData("", SchemaRelation.Behind, "a,b,c,d,e")]
    [InlineData("z", SchemaRelation.Ahead, "a,b,c,d,e")]
    [InlineData("b,z", SchemaRelation.Diverged, "c,d,e")]
    [InlineData("e,z", SchemaRelation.Ahead, "")]
    public void Database_is_compared_with_a_history_that_branches_and_merges(string current, SchemaRelation expected, string pending)
    {
        string[] heads = current.Split(',', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(expected, s_merged.Compare(heads));
        Assert.Equal(pending, string.Join(',', s_merged.PendingAfter(heads)));
    }

    [Theory]
    [InlineData("b,c", SchemaRelation.Same)]
    [InlineData("b", SchemaRelation.Behind)]
    public void Several_heads_must_all_be_reached(string current, SchemaRelation expected)
    {
        Assert.Equal(["b", "c"], s_forked.Heads);
        Assert.Equal(expected, s_forked.Compare(current.Split(',')));
    }

    [Fact]
    public void Lines_of_alembic_are_read_in_all_their_forms()
    {
        MigrationHistory history = AlembicHistory.Parse(
            "53fffde5ad5f, 27c6a30d7c24 (b7c1f00d, 99aa) -> 9ed1e0c2 (head) (mergepoint), join -> both, in the end\r\n"
            + "1975ea83b712 -> 53fffde5ad5f, \n"
            + "1975ea83b712 -> 27c6a30d7c24 (feature) (effective head), add (a) column\n"
            + "<base> -> 1975ea83b712 (branchpoint), create accounts\n"
            + "<base> -> b7c1f00d, other\n"
            + "<base> -> 99aa, third\n");
        Assert.Equal(["9ed1e0c2"], history.Heads);
        Assert.Equal(["99aa", "b7c1f00d", "1975ea83b712", "27c6a30d7c24", "53fffde5ad5f", "9ed1e0c2"], history.PendingAfter([]));
        Assert.Equal(SchemaRelation.Same, history.Compare(["9ed1e0c2"]));
        Assert.Empty(history.PendingAfter(["9ed1e0c2"]));
        Assert.Equal(["99aa", "b7c1f00d", "53fffde5ad5f", "9ed1e0c2"], history.PendingAfter(["27c6a30d7c24"]));
    }

    private static MigrationHistory Of(params (string Id, string[] Parents)[] revisions) =>
        new(revisions.Select(revision => new MigrationRevision(revision.Id, revision.Parents)));
}
