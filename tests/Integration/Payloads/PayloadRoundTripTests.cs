using DbBackup.Engine.Payloads;
using DbBackup.Testing;
using static DbBackup.Testing.PayloadSample;

namespace DbBackup.Tests.Integration.Payloads;

[Trait("Category", "Tool")]
public sealed class PayloadRoundTripTests
{
    public static TheoryData<string, int, bool> EveryCase()
    {
        var cases = new TheoryData<string, int, bool>();
        foreach (string compression in new[] { PayloadCompression.None, PayloadCompression.Gzip, PayloadCompression.Zstd })
        {
            foreach (int size in Sizes)
            {
                cases.Add(compression, size, false);
                cases.Add(compression, size, true);
            }
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(EveryCase))]
    public async Task Stock_tool_and_reader_give_back_what_was_written(string compression, int size, bool incompressible)
    {
        byte[] content = incompressible ? Noise(size) : Text(size);

        (byte[] stored, Payload payload) = await PackAsync(content, Options(compression));

        Assert.Equal(size, payload.OriginalSize);
        Assert.Equal(stored.Length, payload.StoredSize);
        Assert.Equal(Sha256(content), payload.OriginalSha256);
        Assert.Equal(Sha256(stored), payload.StoredSha256);
        Assert.Equal(content, await UnpackAsync(stored, payload));
        Assert.Equal(content, await StockDecompressAsync(stored, compression));
    }

    [Theory]
    [InlineData(PayloadCompression.Gzip, 1)]
    [InlineData(PayloadCompression.Gzip, 9)]
    [InlineData(PayloadCompression.Zstd, -5)]
    [InlineData(PayloadCompression.Zstd, 3)]
    [InlineData(PayloadCompression.Zstd, 19)]
    [InlineData(PayloadCompression.Zstd, 22)]
    public async Task Every_level_is_read_by_the_stock_tool(string compression, int level)
    {
        byte[] content = Text((5 * Block) + 3);

        (byte[] stored, Payload payload) = await PackAsync(content, Options(compression, level: level));

        Assert.Equal(content, await StockDecompressAsync(stored, compression));
        Assert.Equal(content, await UnpackAsync(stored, payload));
    }

    [Theory]
    [InlineData(PayloadCompression.None)]
    [InlineData(PayloadCompression.Gzip)]
    [InlineData(PayloadCompression.Zstd)]
    public async Task Odd_writes_and_a_copied_stream_join_in_order(string compression)
    {
        byte[] content = Text(9 * Block);
        using var target = new MemoryStream();
        await using var writer = new PayloadWriter(target, Options(compression), CancellationToken.None);

        writer.Write(content, 0, 7);
        writer.WriteByte(content[7]);
        await writer.WriteAsync(content.AsMemory(8, (2 * Block) + 5));
        int at = (2 * Block) + 13;
        await writer.CopyFromAsync(new MemoryStream(content, at, 3 * Block), null, CancellationToken.None);
        at += 3 * Block;
        writer.Write(content.AsSpan(at));
        PayloadDigest digest = await writer.CompleteAsync();

        Assert.Equal(Sha256(content), digest.OriginalSha256);
        Assert.Equal(content, await UnpackAsync(target.ToArray(), Describe(compression, digest)));
    }

    [Theory]
    [InlineData("zstd", "-q", "-1", "-c")]
    [InlineData("zstd", "-q", "-3", "--no-check", "--long=27", "-c")]
    [InlineData("gzip", "-6", "-c")]
    public async Task Files_of_stock_tools_are_read(string tool, params string[] arguments)
    {
        string compression = tool == "zstd" ? PayloadCompression.Zstd : PayloadCompression.Gzip;
        Require.Tool(tool);
        byte[] content = Text(3_000_000);

        // From a pipe the tool knows no size, so the frame states none.
        byte[] stored = await FilterAsync(content, tool, arguments);

        Assert.Equal(content, await UnpackAsync(stored, Describe(compression, stored, content)));
        using var opened = new MemoryStream();
        await using Stream plain = DecompressionStreams.Open(new MemoryStream(stored), compression);
        plain.CopyTo(opened);
        Assert.Equal(content, opened.ToArray());
    }

    [Theory]
    [InlineData(PayloadCompression.None)]
    [InlineData(PayloadCompression.Gzip)]
    [InlineData(PayloadCompression.Zstd)]
    public async Task Reading_in_small_pieces_without_async_gives_the_same(string compression)
    {
        byte[] content = Text(2_500_000);
        (byte[] stored, Payload payload) = await PackAsync(content, Options(compression));
        using var reader = new PayloadReader(new TrickleStream(stored, 1013), payload, CancellationToken.None);
        using var result = new MemoryStream();
        byte[] piece = new byte[777];
        for (int read = reader.Read(piece); read > 0; read = reader.Read(piece))
            result.Write(piece, 0, read);

        Assert.Equal(0, reader.Read(piece));
        Assert.Equal(content, result.ToArray());
    }

    [Fact]
    public async Task Progress_counts_up_to_the_size_of_the_source()
    {
        var progress = new RecordedProgress();
        await using var writer = new PayloadWriter(Stream.Null, Options(PayloadCompression.Gzip), CancellationToken.None);

        await writer.CopyFromAsync(new MemoryStream(new byte[3_500_000]), progress, CancellationToken.None);

        Assert.Equal(3_500_000, progress.Values[^1]);
        Assert.Equal(progress.Values.Order(), progress.Values);
        Assert.InRange(progress.Values.Count, 2, 5);
    }

    private static Task<byte[]> StockDecompressAsync(byte[] stored, string compression)
    {
        if (compression == PayloadCompression.None)
            return Task.FromResult(stored);
        string tool = compression == PayloadCompression.Zstd ? "zstd" : "gzip";
        Require.Tool(tool);
        return FilterAsync(stored, tool, "-dc");
    }
}
