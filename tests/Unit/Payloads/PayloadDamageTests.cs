using DbBackup.Engine.Payloads;
using DbBackup.Testing;
using static DbBackup.Testing.PayloadSample;

namespace DbBackup.Tests.Unit.Payloads;

public sealed class PayloadDamageTests
{
    private static readonly byte[] Content = Text((7 * Block) + 99);

    public static TheoryData<string, double> Places()
    {
        var places = new TheoryData<string, double>();
        foreach (string compression in new[] { PayloadCompression.None, PayloadCompression.Gzip, PayloadCompression.Zstd })
        {
            foreach (double place in (double[])[0, 0.0001, 0.001, 0.3, 0.5, 0.77, 0.9999, 1])
                places.Add(compression, place);
        }

        return places;
    }

    [Theory]
    [MemberData(nameof(Places))]
    public async Task One_flipped_bit_is_damage(string compression, double place)
    {
        (byte[] stored, Payload payload) = await PackedAsync(compression);
        stored[(int)(place * (stored.Length - 1))] ^= 0x10;

        await AssertDamagedAsync(stored, payload);
    }

    [Theory]
    [MemberData(nameof(Places))]
    public async Task A_file_cut_short_is_damage(string compression, double place)
    {
        (byte[] stored, Payload payload) = await PackedAsync(compression);
        byte[] cut = stored[..(int)(place * (stored.Length - 1))];

        await AssertDamagedAsync(cut, payload);
        if (compression != PayloadCompression.None)
            await AssertRefusedAsync(cut, compression);
    }

    [Theory]
    [InlineData(PayloadCompression.None)]
    [InlineData(PayloadCompression.Gzip)]
    [InlineData(PayloadCompression.Zstd)]
    public async Task A_file_without_an_end_is_read_no_further_than_it_should_be(string compression)
    {
        (byte[] stored, Payload payload) = await PackedAsync(compression);
        // Skippable frames of zstd have no content, and neither have empty members of gzip.
        byte[] filler = compression == PayloadCompression.Zstd ? [0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]
            : compression == PayloadCompression.Gzip ? [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]
            : [0];
        foreach (bool content in (bool[])[false, true])
        {
            using var endless = new EndlessStream(stored, filler);
            BackupFailure failure = await Assert.ThrowsAsync<BackupFailure>(() => ReadAsync(endless, payload, content)).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
            Assert.Equal(ErrorCodes.BackupDamaged, failure.Code);
            Assert.True(endless.Handed <= stored.Length + (1 << 18), $"{endless.Handed} bytes were read of {stored.Length}.");
        }
    }

    private static async Task ReadAsync(Stream stored, Payload payload, bool content)
    {
        if (!content)
        {
            await PayloadReader.VerifyStoredAsync(stored, payload, null, CancellationToken.None);
            return;
        }

        using var reader = new PayloadReader(stored, payload, CancellationToken.None);
        await reader.CopyToAsync(Stream.Null);
    }

    private sealed class EndlessStream(byte[] start, byte[] filler) : DbBackup.Engine.Platform.ReadOnlyStream
    {
        public long Handed { get; private set; }

        public override int Read(Span<byte> buffer)
        {
            int count = Math.Min(buffer.Length, 1 << 16);
            for (int index = 0; index < count; index++, Handed++)
                buffer[index] = Handed < start.Length ? start[Handed] : filler[(Handed - start.Length) % filler.Length];
            return count;
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.FromResult(Read(buffer.Span));
    }

    [Theory]
    [InlineData(PayloadCompression.Gzip)]
    [InlineData(PayloadCompression.Zstd)]
    public async Task A_foreign_file_cut_anywhere_but_between_members_is_refused(string compression)
    {
        (byte[] first, _) = await PackAsync(Text(1500), Options(compression));
        (byte[] second, _) = await PackAsync(Noise(700), Options(compression));
        byte[] stored = [.. first, .. second];

        for (int length = 0; length < stored.Length; length++)
        {
            if (length != first.Length)
                await AssertRefusedAsync(stored[..length], compression);
        }
    }

    [Theory]
    [InlineData(PayloadCompression.None, 1)]
    [InlineData(PayloadCompression.Gzip, 1)]
    [InlineData(PayloadCompression.Gzip, 3)]
    [InlineData(PayloadCompression.Gzip, 300_000)]
    [InlineData(PayloadCompression.Zstd, 1)]
    [InlineData(PayloadCompression.Zstd, 3)]
    [InlineData(PayloadCompression.Zstd, 300_000)]
    public async Task Anything_behind_the_end_is_damage(string compression, int garbage)
    {
        (byte[] stored, Payload payload) = await PackedAsync(compression);
        byte[] longer = [.. stored, .. Noise(garbage)];

        await AssertDamagedAsync(longer, payload);
        if (compression != PayloadCompression.None)
            await AssertRefusedAsync(longer, compression);
    }

    [Theory]
    [InlineData(PayloadCompression.Gzip)]
    [InlineData(PayloadCompression.Zstd)]
    public async Task A_missing_last_frame_is_damage_although_the_rest_decodes(string compression)
    {
        (byte[] most, _) = await PackAsync(Content[..(7 * Block)], Options(compression, workers: 1));
        // Without the index, which says how many frames there are.
        int index = most.AsSpan().LastIndexOf("DBBI"u8) - 8;
        most = index > 0 ? most[..index] : most;
        (byte[] all, Payload payload) = await PackedAsync(compression);
        Assert.Equal(most, all[..most.Length]);

        BackupFailure failure = await AssertDamagedAsync(most, payload);
        Assert.Contains($"the content has {7 * Block} bytes instead of {Content.Length}", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(PayloadCompression.None)]
    [InlineData(PayloadCompression.Gzip)]
    [InlineData(PayloadCompression.Zstd)]
    public async Task Good_frames_of_other_content_are_damage(string compression)
    {
        (_, Payload payload) = await PackedAsync(compression);
        byte[] other = (byte[])Content.Clone();
        other[12345]++;
        (byte[] stored, _) = await PackAsync(other, Options(compression));

        BackupFailure failure = await AssertDamagedAsync(stored, payload);
        Assert.Contains("SHA-256", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(PayloadCompression.Gzip)]
    [InlineData(PayloadCompression.Zstd)]
    public async Task Content_that_swells_is_stopped_before_it_fills_the_volume(string compression)
    {
        (_, Payload payload) = await PackAsync(new byte[1000], Options(compression));
        (byte[] bomb, _) = await PackAsync(new byte[30_000_000], Options(compression));
        using var restored = new MemoryStream();
        await using var reader = new PayloadReader(new MemoryStream(bomb), payload, CancellationToken.None);

        await Assert.ThrowsAsync<BackupFailure>(() => reader.CopyToAsync(restored));

        Assert.Equal(0, restored.Length);
    }

    [Theory]
    [InlineData(PayloadCompression.None)]
    [InlineData(PayloadCompression.Gzip)]
    [InlineData(PayloadCompression.Zstd)]
    public async Task Damage_found_at_the_end_comes_out_of_every_further_read(string compression)
    {
        (byte[] stored, Payload payload) = await PackedAsync(compression);
        using var reader = new PayloadReader(new MemoryStream(stored), payload with { OriginalSha256 = Sha256([]) }, CancellationToken.None);
        byte[] all = new byte[Content.Length];
        reader.ReadExactly(all);

        Assert.Equal(Content, all);
        Assert.Throws<BackupFailure>(() => reader.Read(all));
        Assert.Throws<BackupFailure>(() => reader.Read(all));
    }

    [Fact]
    public async Task A_disk_that_fails_is_not_called_damage()
    {
        var fault = new IOException("Input/output error");
        Payload payload = (await PackAsync(Content, Options(PayloadCompression.Gzip))).Payload with { Compression = PayloadCompression.None };
        await using var reader = new PayloadReader(new ZeroStream(100_000, fault), payload, CancellationToken.None);

        Assert.Same(fault, await Assert.ThrowsAsync<IOException>(() => reader.CopyToAsync(Stream.Null)));
    }

    [Fact]
    public async Task Reading_from_a_stuck_source_can_be_cancelled_and_abandoned()
    {
        Payload payload = (await PackAsync(Content, Options(PayloadCompression.Gzip))).Payload with { Compression = PayloadCompression.None };
        using var cancel = new CancellationTokenSource();
        await using var reader = new PayloadReader(new ZeroStream(1000, waitsAtEnd: true), payload, cancel.Token);
        Task copy = reader.CopyToAsync(Stream.Null, CancellationToken.None);

        await cancel.CancelAsync();

        var stopped = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => copy.WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.Equal(cancel.Token, stopped.CancellationToken);
    }

    [Fact]
    public async Task Checksum_level_finds_damage_without_decompressing()
    {
        (byte[] stored, Payload payload) = await PackedAsync(PayloadCompression.Gzip);
        var progress = new RecordedProgress();
        await PayloadReader.VerifyStoredAsync(new TrickleStream(stored, 10_001), payload, progress, CancellationToken.None);
        Assert.Equal(stored.Length, progress.Values[^1]);

        stored[^1] ^= 1;
        await AssertStoredDamagedAsync(stored, payload);
        stored[^1] ^= 1;
        await AssertStoredDamagedAsync(stored[..^1], payload);
        await AssertStoredDamagedAsync([], payload);
    }

    private static Task<(byte[] Stored, Payload Payload)> PackedAsync(string compression) => PackAsync(Content, Options(compression));

    private static async Task<BackupFailure> AssertDamagedAsync(byte[] stored, Payload payload)
    {
        BackupFailure failure = await Assert.ThrowsAsync<BackupFailure>(() => UnpackAsync(stored, payload));
        Assert.Equal(ErrorCodes.BackupDamaged, failure.Code);
        Assert.Equal(FailureCategory.InvalidData, failure.Category);
        Assert.Contains(payload.FileName, failure.Message, StringComparison.Ordinal);
        Assert.EndsWith(".", failure.Hint, StringComparison.Ordinal);
        return failure;
    }

    private static async Task AssertStoredDamagedAsync(byte[] stored, Payload payload)
    {
        BackupFailure failure = await Assert.ThrowsAsync<BackupFailure>(
            () => PayloadReader.VerifyStoredAsync(new MemoryStream(stored), payload, null, CancellationToken.None));
        Assert.Equal(ErrorCodes.BackupDamaged, failure.Code);
    }

    private static async Task AssertRefusedAsync(byte[] stored, string compression)
    {
        await using Stream plain = DecompressionStreams.Open(new MemoryStream(stored), compression);
        await Assert.ThrowsAsync<InvalidDataException>(() => plain.CopyToAsync(Stream.Null));
    }
}
