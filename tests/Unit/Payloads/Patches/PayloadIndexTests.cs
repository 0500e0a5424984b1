using DbBackup.Engine.Payloads;
using DbBackup.Engine.Payloads.Patches;
using static DbBackup.Testing.PayloadSample;

namespace DbBackup.Tests.Unit.Payloads.Patches;

/// <summary>A block that has stayed where it was needs no search for it; one that has moved does.</summary>
public sealed class PayloadIndexTests
{
    private const int Size = PayloadWriteOptions.DefaultBlockSize;
    private const int Half = Size / 2;

    private readonly byte[] _before = Noise(Size);
    private readonly PayloadIndex _index;

    public PayloadIndexTests() => _index = PayloadIndex.OfSingle(_before, Size);

    [Fact]
    public void A_block_whose_pages_changed_in_place_is_like_the_one_before()
    {
        byte[] after = [.. _before];
        for (int page = 0; page < Size; page += 3 * 4096)
            after[page + 1000] ^= 1;
        Assert.False(_index.HasSame(0, after));
        Assert.True(_index.HasLike(0, after));
    }

    [Fact]
    public void A_block_that_moved_is_not_by_its_place()
    {
        Assert.False(_index.HasLike(0, [1, .. _before[..^1]]));
        Assert.False(_index.HasLike(0, [.. _before[1..], 1]));
        Assert.False(_index.HasLike(Size, _before));
        Assert.False(_index.HasLike(1, _before));
    }

    [Fact]
    public void Half_of_a_block_is_not_enough()
    {
        Assert.False(_index.HasLike(0, [.. _before[..Half], .. Other(Half)]));
        Assert.False(_index.HasLike(0, [.. Other(Half), .. _before[Half..]]));
        Assert.False(_index.HasLike(0, _before.AsSpan()[..^1]));
    }

    [Fact]
    public void What_is_found_anywhere_says_nothing()
    {
        byte[] empty = new byte[Size];
        Assert.False(PayloadIndex.OfSingle(empty, 100).HasLike(0, empty));
    }

    // Noise is the same each time.
    private static byte[] Other(int size)
    {
        byte[] bytes = new byte[size];
        new Random(1).NextBytes(bytes);
        return bytes;
    }
}
