using System.Globalization;
using DbBackup.Engine.Encryption;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Payloads.Patches;
using static DbBackup.Testing.PayloadSample;

namespace DbBackup.Tests.Unit.Payloads.Patches;

/// <summary>Payloads that are stored as their difference to another one: they give back what went in, by our reader and by stock tools, or an error.</summary>
public sealed class PatchedPayloadTests
{
    private static readonly X25519Identity s_key = X25519Identity.Create();

    [Theory]
    [InlineData("system", "system", false)]
    [InlineData("managed", "system", false)]
    [InlineData("system", "managed", true)]
    [InlineData("managed", "managed", true)]
    public async Task Random_edits_come_back_and_are_small(string writes, string reads, bool isEncrypted)
    {
        for (int seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            byte[] before = seed % 3 == 0 ? Text(random.Next(1, 40 * Block)) : Mixed(random, random.Next(1, 40 * Block));
            byte[] after = Edit(before, random, random.Next(0, 8));

            (byte[] full, Payload parent) = await FullAsync(before, Zstd(writes), isEncrypted);
            (byte[] stored, Payload payload) = await PatchAsync(after, full, parent, Zstd(writes), isEncrypted);

            Assert.Equal(after, await JoinAsync(stored, payload, full, parent, Zstd(reads)));
            // Each part that is stored has a header and fills its last block.
            int whole = (await FullAsync(after, Zstd(writes))).Stored.Length;
            Assert.True(stored.Length < whole + 2048 + (1024 * ((after.Length / Block) + 1)), $"seed {seed}: {stored.Length} of {whole}");
        }
    }

    // As an archive is made in which most files are unchanged: the writer is told what it gets from the other payload, in parts of any size.
    [Theory]
    [InlineData("system", false)]
    [InlineData("managed", true)]
    public async Task What_is_known_to_be_copied_comes_back_and_takes_little(string writes, bool isEncrypted)
    {
        for (int seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            byte[] before = Mixed(random, random.Next(4 * Block, 40 * Block));
            var after = new MemoryStream();
            var ranges = new List<CopiedRange>();
            int changed = 0;
            int most = random.Next(1, 3 * Block);
            for (int offset = 0; offset < before.Length;)
            {
                int length = Math.Min(random.Next(1, most), before.Length - offset);
                int kind = seed % 4 == 0 ? random.Next(6) : random.Next(1, 12);
                // Of some that are the same nothing is said, some are removed, and some change or are new.
                if (kind > 2)
                    ranges.Add(new CopiedRange(after.Length, length, offset));
                if (kind == 1)
                    changed += Written(after, Noise(random.Next(0, 3000)));
                if (kind != 2)
                    after.Write(before, offset, length);
                offset += length;
            }

            byte[] content = after.ToArray();
            (byte[] full, Payload parent) = await FullAsync(before, Zstd(writes), isEncrypted);
            (byte[] stored, Payload payload) = await PatchAsync(content, full, parent, Zstd(writes), isEncrypted, ranges);

            Assert.Equal(content, await JoinAsync(stored, payload, full, parent));
            if (seed % 4 != 0)
                Assert.True(stored.Length < changed + 4096 + (1600 * ranges.Count), $"seed {seed}: {stored.Length} for {changed} changed bytes between {ranges.Count} parts");
        }

        static int Written(MemoryStream target, byte[] bytes)
        {
            target.Write(bytes);
            return bytes.Length;
        }
    }

    [Fact]
    public async Task What_is_said_to_be_copied_is_not_searched_for()
    {
        byte[] before = Mixed(new Random(2), 40 * Block);
        byte[] inserted = Noise(100);
        byte[] after = [.. before[..1000], .. inserted, .. before[1000..]];
        (byte[] full, Payload parent) = await FullAsync(before);
        (byte[] stored, Payload payload) = await PatchAsync(after, full, parent, ranges: [new(0, 1000, 0), new(1100, before.Length - 1000, 1000)]);

        Assert.Equal(after, await JoinAsync(stored, payload, full, parent));
        // The part before it, itself in two blocks, the part after it, and the end.
        Assert.Equal(6 * 512, stored.Length);
    }

    [Fact]
    public async Task A_few_changed_pages_of_a_database_take_little_more_than_themselves()
    {
        byte[] before = Mixed(new Random(1), 400 * Block);
        byte[] after = [.. before];
        for (int page = 0; page < 30; page++)
            Noise(64).CopyTo(after, (page * 13 * Block) + 4096);
        (byte[] full, Payload parent) = await FullAsync(before);
        (byte[] stored, Payload payload) = await PatchAsync(after, full, parent);

        Assert.Equal(after, await JoinAsync(stored, payload, full, parent));
        // Each in a file of its own in a tar: two blocks of it, and the change.
        Assert.InRange(stored.Length, 1, 60_000);
        Assert.True(stored.Length < full.Length / 100, $"{stored.Length} of {full.Length}");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(511)]
    [InlineData(70_001)]
    [InlineData(3 * Block)]
    public async Task What_only_moved_takes_next_to_nothing(int inserted)
    {
        byte[] before = Mixed(new Random(2), 200 * Block);
        byte[] after = [.. before[..(5 * Block)], .. Noise(inserted), .. before[(5 * Block)..]];
        (byte[] full, Payload parent) = await FullAsync(before);
        (byte[] stored, Payload payload) = await PatchAsync(after, full, parent);

        Assert.Equal(after, await JoinAsync(stored, payload, full, parent));
        Assert.InRange(stored.Length, inserted, inserted + 12_000);
    }

    [Fact]
    public async Task What_is_like_is_found_again_behind_much_that_is_new()
    {
        byte[] before = Mixed(new Random(5), 200 * Block);
        var random = new Random(6);
        byte[] inserted = new byte[(100 * Block) + 777];
        random.NextBytes(inserted);
        byte[] after = [.. before[..(20 * Block)], .. inserted, .. before[(20 * Block)..]];
        (byte[] full, Payload parent) = await FullAsync(before);
        (byte[] stored, Payload payload) = await PatchAsync(after, full, parent);

        Assert.Equal(after, await JoinAsync(stored, payload, full, parent));
        // Some blocks are passed over in a row, not all that follow: at most 7 by each of the two threads.
        Assert.InRange(stored.Length, inserted.Length, inserted.Length + (20 * Block));
    }

    [Fact]
    public async Task Content_from_which_rows_were_removed_all_over_is_found_again()
    {
        var random = new Random(8);
        string[] rows = [.. Enumerable.Range(0, 200 * Block / 80).Select(row => string.Create(CultureInfo.InvariantCulture, $"{row}\t{Convert.ToHexStringLower(RandomBytes(random, 30))}\t{row % 7}\n"))];
        byte[] before = System.Text.Encoding.ASCII.GetBytes(string.Concat(rows));
        // Between two samples there is always a row that was removed, so that no two have moved alike.
        byte[] after = System.Text.Encoding.ASCII.GetBytes(string.Concat(rows.Where((_, row) => row % 8 != 3)));
        (byte[] full, Payload parent) = await FullAsync(before);
        (byte[] stored, Payload payload) = await PatchAsync(after, full, parent);

        Assert.Equal(after, await JoinAsync(stored, payload, full, parent));
        Assert.True(stored.Length < full.Length / 10, $"{stored.Length} of {full.Length}");
    }

    [Fact]
    public async Task What_is_unchanged_is_one_part()
    {
        byte[] content = Mixed(new Random(3), (100 * Block) + 77);
        (byte[] full, Payload parent) = await FullAsync(content);
        (byte[] stored, Payload payload) = await PatchAsync(content, full, parent);

        Assert.Equal(3 * 512, stored.Length);
        Assert.Equal(content, await JoinAsync(stored, payload, full, parent));
    }

    [Fact]
    public async Task Content_that_has_nothing_in_common_is_stored_as_it_is()
    {
        (byte[] full, Payload parent) = await FullAsync(Text(20 * Block));
        byte[] after = Noise(20 * Block);
        (byte[] stored, Payload payload) = await PatchAsync(after, full, parent);

        Assert.Equal(after, await JoinAsync(stored, payload, full, parent));
        Assert.InRange(stored.Length, after.Length, after.Length + (21 * 1600));
    }

    [Fact]
    public async Task No_flipped_bit_and_no_cut_gives_other_content()
    {
        byte[] before = Mixed(new Random(7), 6 * Block);
        byte[] after = Edit(before, new Random(8), 2);
        (byte[] full, Payload parent) = await FullAsync(before);
        (byte[] stored, Payload payload) = await PatchAsync(after, full, parent);
        int refused = 0;
        int tried = 0;

        // As one would read it who has no hashes: the parts themselves, and the full payload's.
        async Task TryAsync(byte[] patch, byte[] whole)
        {
            tried++;
            try
            {
                Assert.Equal(after, await JoinAsync(patch, null, whole, parent));
            }
            catch (Exception exception) when (exception is InvalidDataException or EndOfStreamException)
            {
                refused++;
            }
        }

        for (int bit = 0; bit < stored.Length * 8; bit += 11)
        {
            stored[bit / 8] ^= (byte)(1 << (bit % 8));
            await TryAsync(stored, full);
            stored[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        for (int length = 0; length < stored.Length; length += 97)
            await TryAsync(stored[..length], full);
        for (int bit = 0; bit < full.Length * 8; bit += 997)
        {
            full[bit / 8] ^= (byte)(1 << (bit % 8));
            await TryAsync(stored, full);
            full[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        Assert.True(refused > tried / 2, string.Create(CultureInfo.InvariantCulture, $"{refused} of {tried}"));
    }

    [Fact]
    public async Task Text_that_shrinks_well_is_not_taken_for_a_gain()
    {
        // Half of it is rows and half does not shrink. Then the rows' pages stand in another order, as after VACUUM: a block has
        // a page or two of what is around the place where it is looked for.
        byte[] rows = Text(100 * Block);
        byte[] before = [.. rows, .. Noise(100 * Block)];
        int[] order = [.. Enumerable.Range(0, rows.Length / 4096)];
        new Random(3).Shuffle(order);
        byte[] after = [.. order.SelectMany(page => rows[(page * 4096)..((page + 1) * 4096)])];
        (byte[] full, Payload parent) = await FullAsync(before);
        (byte[] stored, Payload payload) = await PatchAsync(after, full, parent, workers: 1);

        Assert.Equal(after, await JoinAsync(stored, payload, full, parent));
        PatchKind[] kinds = [.. KindsOf(stored)];
        int whole = kinds.Count(kind => kind == PatchKind.New);
        // Eight are tried and then one of up to eight, until some meet their like by chance. By one thread, these are always the same ones.
        Assert.True(whole > kinds.Length / 2, $"{whole} of {kinds.Length} were stored without a search");
        Assert.True(stored.Length < (await FullAsync(after)).Stored.Length * 1.02, $"{stored.Length}");
    }

    [Fact]
    public async Task The_index_is_found_whole_or_not_at_all()
    {
        (byte[] full, _) = await FullAsync(Mixed(new Random(9), 9 * Block));
        int start = full.AsSpan().LastIndexOf("DBBI"u8) - 8;
        Assert.True(start > 0);
        Assert.NotNull(await IndexAsync(full));
        for (int bit = start * 8; bit < full.Length * 8; bit++)
        {
            full[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Null(await IndexAsync(full));
            full[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        for (int length = start; length < full.Length; length++)
            Assert.Null(await IndexAsync(full[..length]));
    }

    [Fact]
    public async Task A_parent_of_one_block_needs_no_index()
    {
        byte[] before = Text(1000);
        byte[] after = [.. before, .. "and more"u8];
        (byte[] full, Payload parent) = await FullAsync(before);
        (byte[] stored, Payload payload) = await PatchAsync(after, full, parent);
        Assert.Equal(after, await JoinAsync(stored, payload, full, parent));
    }

    // Rows between binary noise, as in the pages of a database.
    private static byte[] RandomBytes(Random random, int count)
    {
        byte[] bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }

    private static byte[] Mixed(Random random, int size)
    {
        byte[] bytes = new byte[size];
        random.NextBytes(bytes);
        byte[] text = Text(Math.Min(size, 4 * Block));
        for (int offset = 0; offset < size; offset += 4096)
        {
            int count = Math.Min(2000, size - offset);
            text.AsSpan(random.Next(Math.Max(1, text.Length - count)), Math.Min(count, text.Length)).CopyTo(bytes.AsSpan(offset));
        }

        return bytes;
    }

    private static byte[] Edit(byte[] content, Random random, int edits)
    {
        List<byte> bytes = [.. content];
        for (int edit = 0; edit < edits; edit++)
        {
            int at = random.Next(bytes.Count + 1);
            int count = Math.Min(random.Next(1, 3 * Block), bytes.Count - at);
            switch (random.Next(4))
            {
                case 0:
                    bytes.InsertRange(at, Noise(random.Next(1, 2 * Block)));
                    break;
                case 1:
                    bytes.RemoveRange(at, count);
                    break;
                case 2:
                    for (int index = at; index < at + Math.Min(count, 100); index++)
                        bytes[index] = (byte)random.Next(256);
                    break;
                default:
                    List<byte> moved = bytes.GetRange(at, count);
                    bytes.RemoveRange(at, count);
                    bytes.InsertRange(random.Next(bytes.Count + 1), moved);
                    break;
            }
        }

        return [.. bytes];
    }

    private static Task<(byte[] Stored, Payload Payload)> FullAsync(byte[] content, ZstdLibrary? zstd = null, bool isEncrypted = false) =>
        WriteAsync(content, PayloadCompression.Zstd, zstd, isEncrypted, null);

    private static async Task<(byte[] Stored, Payload Payload)> PatchAsync(byte[] content, byte[] full, Payload parent, ZstdLibrary? zstd = null, bool isEncrypted = false, IEnumerable<CopiedRange>? ranges = null, int workers = 2)
    {
        using ParentPayload? before = await OpenAsync(full, parent, zstd ?? ZstdLibrary.Best);
        if (before is null)
            Assert.Equal(0, parent.OriginalSize);
        return await WriteAsync(content, PayloadCompression.ZstdPatch, zstd, isEncrypted, before, ranges, workers);
    }

    private static async Task<(byte[] Stored, Payload Payload)> WriteAsync(byte[] content, string compression, ZstdLibrary? zstd, bool isEncrypted, ParentPayload? parent, IEnumerable<CopiedRange>? ranges = null, int workers = 2)
    {
        using var target = new MemoryStream();
        await using var writer = new PayloadWriter(target, Zstd(zstd ?? ZstdLibrary.Best, workers), isEncrypted ? s_key.Recipient : null, CancellationToken.None, parent);
        foreach (CopiedRange range in ranges ?? [])
            writer.NoteCopied(range);
        await writer.CopyFromAsync(new MemoryStream(content), null, CancellationToken.None);
        PayloadDigest digest = await writer.CompleteAsync();
        return (target.ToArray(), Describe(compression, digest) with { IsEncrypted = isEncrypted });
    }

    private static Task<ParentPayload?> OpenAsync(byte[] full, Payload parent, ZstdLibrary zstd) => ParentPayload.OpenAsync(
        parent, (offset, length, _) => Task.FromResult<Stream>(new MemoryStream(full, (int)offset, (int)Math.Min(length, full.Length - offset))), s_key, 2, zstd, CancellationToken.None);

    private static Task<PayloadIndex?> IndexAsync(byte[] full) => PayloadIndex.ReadAsync(
        new PlainRanges((offset, length, _) => Task.FromResult<Stream>(new MemoryStream(full, (int)offset, (int)length)), full.Length), CancellationToken.None);

    private static async Task<byte[]> JoinAsync(byte[] stored, Payload? payload, byte[] full, Payload parent, ZstdLibrary? zstd = null)
    {
        ZstdLibrary library = zstd ?? ZstdLibrary.Best;
        async Task<ParentPayload> OpenParentAsync(CancellationToken cancellationToken) =>
            await OpenAsync(full, parent, library) ?? throw new InvalidDataException("it has no index");
        using var content = new MemoryStream();
        await using Stream reader = payload is null
            ? new PatchedStream(new MemoryStream(stored), OpenParentAsync, library)
            : new PayloadReader(new MemoryStream(stored), payload, library, CancellationToken.None, payload.IsEncrypted ? s_key : null, OpenParentAsync);
        await reader.CopyToAsync(content);
        return content.ToArray();
    }
}
