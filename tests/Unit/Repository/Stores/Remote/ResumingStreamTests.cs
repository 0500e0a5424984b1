using DbBackup.Engine.Repository.Stores.Remote;

namespace DbBackup.Tests.Unit.Repository.Stores.Remote;

public sealed class ResumingStreamTests
{
    private static readonly byte[] Content = [.. Enumerable.Range(0, 100_000).Select(number => (byte)(number * 7))];

    [Theory]
    [InlineData(0, 100_000)]
    [InlineData(123, 99_877)]
    [InlineData(500, 10)]
    public async Task A_download_that_is_cut_again_and_again_is_whole(int offset, int length)
    {
        var opened = new List<long>();
        await using var stream = new ResumingStream(
            null, offset, length,
            (at, _) =>
            {
                opened.Add(at);
                // Ends, or fails, after 9,000 bytes.
                return Task.FromResult<Stream>(new CutStream(Content.AsMemory((int)at), 9000, throws: opened.Count % 2 == 0));
            },
            Retries(), TimeSpan.FromSeconds(5), exception => throw exception);
        using var read = new MemoryStream();
        await stream.CopyToAsync(read);

        Assert.Equal(Content.AsSpan(offset, length).ToArray(), read.ToArray());
        Assert.Equal(((length - 1) / 9000) + 1, opened.Count);
    }

    [Fact]
    public async Task A_silent_connection_is_opened_again()
    {
        int opened = 0;
        await using var stream = new ResumingStream(
            null, 0, Content.Length, (at, _) => Task.FromResult<Stream>(opened++ == 0 ? new SilentStream() : new MemoryStream(Content, (int)at, Content.Length - (int)at)),
            Retries(), TimeSpan.FromMilliseconds(200), exception => throw exception);

        Assert.Equal(Content[0], (byte)stream.ReadByte());
        Assert.Equal(2, opened);
    }

    [Fact]
    public async Task What_does_not_come_back_is_a_failure_that_says_what_to_do()
    {
        await using var stream = new ResumingStream(
            null, 0, 10, (_, _) => throw new IOException("Connection reset by peer"),
            new RemoteRetries(failure => failure is IOException, TimeSpan.FromSeconds(1)), TimeSpan.FromSeconds(5),
            exception => RemoteFailures.From(RemoteProblem.Unreachable, "s3://b", false, "reading 'x'", exception.Message, exception));

        BackupFailure failure = await Assert.ThrowsAsync<BackupFailure>(() => stream.ReadAsync(new byte[10]).AsTask());
        Assert.Equal(ErrorCodes.ServerUnreachable, failure.Code);
        Assert.Contains("Connection reset by peer", failure.Message, StringComparison.Ordinal);
    }

    private static RemoteRetries Retries() => new(failure => failure is IOException, TimeSpan.FromSeconds(20));

    private sealed class CutStream(ReadOnlyMemory<byte> content, int after, bool throws) : MemoryStream(content.ToArray())
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (Position < after)
                return await base.ReadAsync(buffer[..(int)Math.Min(buffer.Length, after - Position)], cancellationToken);
            return throws ? throw new IOException("Connection reset by peer") : 0;
        }
    }

    private sealed class SilentStream : MemoryStream
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return 0;
        }
    }
}
