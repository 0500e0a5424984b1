using DbBackup.Engine.Engines.PostgreSql.Rows;

namespace DbBackup.Tests.Unit.Engines.PostgreSql;

/// <summary>What is added to an archive and merged in it; that the result is what pg_dump writes is seen by the tests with servers.</summary>
public sealed class ArchiveAdditionTests
{
    private const string Copy = "COPY public.t (id, name) FROM stdin;\n";
    private static readonly AddedRows s_rows = new(16385, Copy);

    public static TheoryData<int> Versions => ArchiveRowsTests.Versions;

    [Theory]
    [MemberData(nameof(Versions))]
    public void Entry_of_the_rows_is_added_behind_all_others(int minor)
    {
        byte[] archive = ArchiveRowsTests.Archive(minor, withRows: false);
        Assert.True(ArchiveContents.TryRead(archive, out ArchiveContents? before, out int length));
        Assert.Equal([8], before!.Tables.Keys);

        (byte[] added, IReadOnlyList<int> ids) = ArchiveAddition.TryAdd(archive.AsSpan(0, length), [s_rows])!.Value;

        Assert.Equal([10], ids);
        Assert.True(ArchiveContents.TryRead(added, out ArchiveContents? contents, out int newLength));
        Assert.Equal(added.Length, newLength);
        Assert.Equal(new ArchivedTable(10, 16385, Copy, string.Empty), contents!.Tables[10]);
        Assert.Equal(before.Tables[8], contents.Tables[8]);
        Assert.Equal([8, 10], contents.Tables.Keys);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public void Rows_that_are_there_or_belong_to_no_table_are_not_added(int minor)
    {
        byte[] archive = ArchiveRowsTests.Archive(minor);
        Assert.True(ArchiveContents.TryRead(archive, out _, out int length));
        Assert.Null(ArchiveAddition.TryAdd(archive.AsSpan(0, length), [s_rows]));
        archive = ArchiveRowsTests.Archive(minor, withRows: false);
        Assert.True(ArchiveContents.TryRead(archive, out _, out length));
        Assert.Null(ArchiveAddition.TryAdd(archive.AsSpan(0, length), [new AddedRows(16390, Copy)]));
        Assert.Null(ArchiveAddition.TryAdd(archive.AsSpan(0, length), [s_rows, new AddedRows(4711, Copy)]));
        Assert.Null(ArchiveAddition.TryAdd([], [s_rows]));
        Assert.Null(ArchiveAddition.TryAdd(ArchiveRowsTests.Archive(17), [s_rows]));
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public void Merged_chunks_hold_the_same_whatever_the_bounds_of_what_is_read(int minor)
    {
        byte[] archive = ArchiveRowsTests.Archive(minor);
        Assert.True(ArchiveContents.TryRead(archive, out ArchiveContents? contents, out int length));
        var expected = new ArchiveRows();
        expected.Append(archive);
        byte[]? first = null;
        foreach (int step in (int[])[1, 3, 1000])
        {
            var merger = new ArchiveMerger(contents!);
            var merged = new MemoryStream();
            merged.Write(archive.AsSpan(0, length));
            foreach (byte[] chunk in archive[length..].Chunk(step))
            {
                merger.Append(chunk);
                merged.Write(merger.TakeOutput().Span);
            }

            IReadOnlyDictionary<uint, TableRows> rows = merger.Complete();
            Assert.Equal(expected.Complete()!.OrderBy(pair => pair.Key), rows.OrderBy(pair => pair.Key));
            first ??= merged.ToArray();
            Assert.Equal(first, merged.ToArray());
        }

        Assert.True(first!.Length < archive.Length);
        var again = new ArchiveRows();
        again.Append(first);
        Assert.Equal(expected.Complete()!.OrderBy(pair => pair.Key), again.Complete()!.OrderBy(pair => pair.Key));
        // Large objects stay as they stood.
        Assert.True(first.AsSpan().IndexOf("\\.\nnot "u8) > 0);
    }

    [Fact]
    public void Merged_archive_that_is_cut_off_is_not_whole()
    {
        byte[] archive = ArchiveRowsTests.Archive(16);
        Assert.True(ArchiveContents.TryRead(archive, out ArchiveContents? contents, out int length));
        for (int end = length; end < archive.Length; end++)
        {
            var merger = new ArchiveMerger(contents!);
            merger.Append(archive.AsSpan(length, end - length));
            Assert.Throws<InvalidDataException>(merger.Complete);
        }
    }
}
