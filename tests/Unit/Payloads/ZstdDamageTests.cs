using DbBackup.Engine.Payloads;
using DbBackup.Testing;
using static DbBackup.Testing.PayloadSample;

namespace DbBackup.Tests.Unit.Payloads;

/// <summary>Both ways to zstd, libzstd and its port, against what is damaged, cut off, or made to take memory.</summary>
public sealed class ZstdDamageTests
{
    [Theory]
    [MemberData(nameof(ZstdPaths), MemberType = typeof(PayloadSample))]
    public async Task A_file_cut_anywhere_but_between_frames_is_refused(string path)
    {
        ZstdLibrary zstd = Zstd(path);
        (byte[] first, _) = await PackAsync(Text(1500), Zstd(zstd));
        (byte[] second, _) = await PackAsync(Noise(700), Zstd(zstd));
        byte[] stored = [.. first, .. second];

        for (int length = 0; length < stored.Length; length++)
        {
            if (length != first.Length)
                Assert.Throws<InvalidDataException>(() => Decompress(stored[..length], zstd));
        }
    }

    [Theory]
    [MemberData(nameof(ZstdPaths), MemberType = typeof(PayloadSample))]
    public async Task No_flipped_bit_gives_other_content(string path)
    {
        ZstdLibrary zstd = Zstd(path);
        byte[] content = Text(6000);
        (byte[] stored, _) = await PackAsync(content, Zstd(zstd));
        int refused = 0;

        for (int place = 0; place < stored.Length * 8; place += 3)
        {
            stored[place / 8] ^= (byte)(1 << (place % 8));
            try
            {
                // A header has bits that mean nothing.
                Assert.Equal(content, Decompress(stored, zstd));
            }
            catch (Exception exception) when (exception is InvalidDataException or BackupFailure { Code: ErrorCodes.FormatNotSupported })
            {
                refused++;
            }

            stored[place / 8] ^= (byte)(1 << (place % 8));
        }

        Assert.InRange(refused, stored.Length * 8 / 3 * 0.99, double.MaxValue);
    }

    [Theory]
    [MemberData(nameof(ZstdPaths), MemberType = typeof(PayloadSample))]
    public void Random_bytes_behind_a_good_beginning_never_get_past_it(string path)
    {
        ZstdLibrary zstd = Zstd(path);
        var random = new Random(11);
        for (int round = 0; round < 500; round++)
        {
            byte[] stored = new byte[random.Next(1, 4000)];
            random.NextBytes(stored);
            // A frame with a checksum, without a content size, and a window that may not be too large.
            ((ReadOnlySpan<byte>)[0x28, 0xb5, 0x2f, 0xfd, 0x04, (byte)random.Next(0x80)])[..Math.Min(6, stored.Length)].CopyTo(stored);

            Assert.Throws<InvalidDataException>(() => Decompress(stored, zstd));
        }
    }

    [Theory]
    [MemberData(nameof(ZstdPaths), MemberType = typeof(PayloadSample))]
    public async Task A_wrong_content_checksum_is_named(string path)
    {
        ZstdLibrary zstd = Zstd(path);
        (byte[] stored, _) = await PackAsync(Text(6000), Zstd(zstd));
        stored[^1] ^= 1;

        Assert.Contains("checksum", Assert.Throws<InvalidDataException>(() => Decompress(stored, zstd)).Message, StringComparison.Ordinal);
    }

    // RFC 8878, 3.1.1.1.2: the window of the byte e << 3 is 1 << (10 + e).
    [Theory]
    [InlineData("system", 27, true)]
    [InlineData("managed", 27, true)]
    [InlineData("system", 28, false)]
    [InlineData("managed", 28, false)]
    [InlineData("system", 31, false)]
    [InlineData("managed", 31, false)]
    public void A_window_of_128_MiB_is_the_largest(string path, int windowLog, bool accepted)
    {
        ZstdLibrary zstd = Zstd(path);
        byte[] oneRawBlock = [0x28, 0xb5, 0x2f, 0xfd, 0, (byte)((windowLog - 10) << 3), (3 << 3) | 1, 0, 0, 1, 2, 3];

        if (accepted)
        {
            Assert.Equal([1, 2, 3], Decompress(oneRawBlock, zstd));
            return;
        }

        BackupFailure failure = Assert.Throws<BackupFailure>(() => Decompress(oneRawBlock, zstd));
        Assert.Equal(ErrorCodes.FormatNotSupported, failure.Code);
        Assert.Contains("128 MiB", failure.Message, StringComparison.Ordinal);
        Assert.Contains("zstd -d --long=31", failure.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_payload_with_too_large_a_window_is_not_called_damaged()
    {
        byte[] stored = [0x28, 0xb5, 0x2f, 0xfd, 0, 21 << 3, (3 << 3) | 1, 0, 0, 1, 2, 3];

        BackupFailure failure = await Assert.ThrowsAsync<BackupFailure>(() => UnpackAsync(stored, Describe(PayloadCompression.Zstd, stored, [1, 2, 3])));

        Assert.Equal(ErrorCodes.FormatNotSupported, failure.Code);
    }

    private static byte[] Decompress(byte[] stored, ZstdLibrary zstd)
    {
        using Stream plain = DecompressionStreams.Open(new MemoryStream(stored), PayloadCompression.Zstd, zstd);
        using var content = new MemoryStream();
        plain.CopyTo(content);
        return content.ToArray();
    }
}
