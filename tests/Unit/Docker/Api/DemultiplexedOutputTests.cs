using System.Buffers.Binary;
using System.Text;
using DbBackup.Engine.Docker.Api;
using Docker.DotNet;

namespace DbBackup.Tests.Unit.Docker.Api;

/// <summary>The engine's frames may come cut anywhere; output and errors come apart all the same.</summary>
public sealed class DemultiplexedOutputTests
{
    private static readonly byte[] Sample =
    [
        .. Frame(1, "first "), .. Frame(2, "warning one "), .. Frame(1, string.Empty), .. Frame(1, "second "), .. Frame(2, "warning two"), .. Frame(1, "third"),
    ];

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 1000)]
    [InlineData(3, 2)]
    [InlineData(7, 1000)]
    [InlineData(8, 5)]
    [InlineData(9, 1000)]
    [InlineData(1000, 1)]
    [InlineData(1000, 1000)]
    public async Task Frames_cut_anywhere_give_output_and_errors_apart(int piece, int asked)
    {
        (string output, string errors, bool cut) = await ReadAsync(Sample, piece, asked);
        Assert.Equal("first second third", output);
        Assert.Equal("warning one warning two", errors);
        Assert.False(cut);
    }

    [Fact]
    public async Task Stream_that_ends_within_a_frame_was_cut_and_one_between_frames_was_not()
    {
        int[] ends = [0];
        for (int position = 0; position < Sample.Length;)
        {
            position += 8 + (int)BinaryPrimitives.ReadUInt32BigEndian(Sample.AsSpan(position + 4));
            ends = [.. ends, position];
        }

        for (int length = 0; length <= Sample.Length; length++)
        {
            (string output, _, bool cut) = await ReadAsync(Sample[..length], 5, 1000);
            Assert.StartsWith(output, "first second third", StringComparison.Ordinal);
            Assert.True(cut == !ends.Contains(length), $"cut at {length} of {Sample.Length}: {cut}");
        }
    }

    [Fact]
    public async Task Large_frames_are_the_same_bytes()
    {
        byte[] content = new byte[3_000_000];
        new Random(5).NextBytes(content);
        var framed = new List<byte>();
        for (int position = 0, round = 0; position < content.Length; round++)
        {
            int length = Math.Min(content.Length - position, 1 + (round * 7919 % 900_000));
            framed.AddRange([.. Frame(1, content.AsSpan(position, length)), .. Frame(2, "x")]);
            position += length;
        }

        using var output = new DemultiplexedOutput(new MultiplexedStream(new PiecesStream([.. framed], 65_537), multiplexed: true), _ => { });
        using var all = new MemoryStream();
        await output.CopyToAsync(all);
        Assert.True(content.AsSpan().SequenceEqual(all.ToArray()));
        Assert.False(output.WasCut);
    }

    private static async Task<(string Output, string Errors, bool Cut)> ReadAsync(byte[] framed, int piece, int asked)
    {
        var errors = new StringBuilder();
        using var output = new DemultiplexedOutput(new MultiplexedStream(new PiecesStream(framed, piece), multiplexed: true), bytes => errors.Append(Encoding.ASCII.GetString(bytes)));
        var text = new StringBuilder();
        byte[] buffer = new byte[asked];
        int read;
        while ((read = await output.ReadAsync(buffer)) > 0)
            text.Append(Encoding.ASCII.GetString(buffer, 0, read));
        return (text.ToString(), errors.ToString(), output.WasCut);
    }

    private static byte[] Frame(byte stream, string content) => Frame(stream, Encoding.ASCII.GetBytes(content));

    private static byte[] Frame(byte stream, ReadOnlySpan<byte> content)
    {
        byte[] frame = new byte[8 + content.Length];
        frame[0] = stream;
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(4), (uint)content.Length);
        content.CopyTo(frame.AsSpan(8));
        return frame;
    }

    /// <summary>Gives no more than so many bytes at once.</summary>
    private sealed class PiecesStream(byte[] content, int piece) : MemoryStream(content)
    {
        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            base.ReadAsync(buffer, offset, Math.Min(count, piece), cancellationToken);
    }
}
