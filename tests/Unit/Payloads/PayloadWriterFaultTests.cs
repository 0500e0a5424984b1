using System.Diagnostics;
using DbBackup.Engine.Payloads;
using DbBackup.Testing;
using static DbBackup.Testing.PayloadSample;

namespace DbBackup.Tests.Unit.Payloads;

public sealed class PayloadWriterFaultTests
{
    private const long Endless = long.MaxValue;

    // Generous: it tells an answer from a hang on a busy machine, and is no measure of speed.
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData(PayloadCompression.None)]
    [InlineData(PayloadCompression.Gzip)]
    [InlineData(PayloadCompression.Zstd)]
    public async Task A_full_volume_stops_an_endless_source_with_the_systems_own_words(string compression)
    {
        await using var writer = new PayloadWriter(new FullVolumeStream(3000), Options(compression), CancellationToken.None);

        Task copy = writer.CopyFromAsync(new ZeroStream(Endless), null, CancellationToken.None);

        IOException full = await Assert.ThrowsAsync<IOException>(() => copy.WaitAsync(Soon));
        Assert.Equal(FullVolumeStream.Words, full.Message);
        Assert.Same(full, await Assert.ThrowsAsync<IOException>(writer.CompleteAsync));
        Assert.Same(full, Assert.Throws<IOException>(() => writer.Write([1])));
    }

    [Fact]
    public async Task A_volume_that_is_full_at_the_last_block_fails_the_completion()
    {
        await using var writer = new PayloadWriter(new FullVolumeStream(3000), Options(PayloadCompression.None), CancellationToken.None);
        await writer.WriteAsync(new byte[3001]);

        IOException full = await Assert.ThrowsAsync<IOException>(writer.CompleteAsync);
        Assert.Equal(FullVolumeStream.Words, full.Message);
    }

    [Fact]
    public async Task A_full_volume_is_heard_while_the_source_keeps_silent()
    {
        await using var writer = new PayloadWriter(new FullVolumeStream(10), Options(PayloadCompression.None), CancellationToken.None);

        Task copy = writer.CopyFromAsync(new ZeroStream(Block, waitsAtEnd: true), null, CancellationToken.None);

        await Assert.ThrowsAsync<IOException>(() => copy.WaitAsync(Soon));
    }

    [Fact]
    public async Task A_source_that_fails_keeps_its_exception()
    {
        var fault = new IOException("Input/output error");
        await using var writer = new PayloadWriter(Stream.Null, Options(PayloadCompression.Gzip), CancellationToken.None);

        Task copy = writer.CopyFromAsync(new ZeroStream(3 * Block, fault), null, CancellationToken.None);

        Assert.Same(fault, await Assert.ThrowsAsync<IOException>(() => copy));
    }

    [Fact]
    public async Task A_targets_own_timeout_is_a_failure_and_no_cancellation_of_ours()
    {
        await using var writer = new PayloadWriter(new TimingOutStream(), Options(PayloadCompression.None), CancellationToken.None);
        await writer.WriteAsync(new byte[10]);

        var timeout = await Assert.ThrowsAsync<TaskCanceledException>(writer.CompleteAsync);
        Assert.Equal(TimingOutStream.Words, timeout.Message);
    }

    [Theory]
    [InlineData(PayloadCompression.None)]
    [InlineData(PayloadCompression.Gzip)]
    [InlineData(PayloadCompression.Zstd)]
    public async Task Cancellation_is_heard_while_the_target_is_stuck(string compression)
    {
        using var cancel = new CancellationTokenSource();
        using var target = new StuckStream();
        var writer = new PayloadWriter(target, Options(compression), cancel.Token);
        Task copy = writer.CopyFromAsync(new ZeroStream(Endless), null, CancellationToken.None);
        await target.Reached.Task.WaitAsync(Soon);

        await cancel.CancelAsync();

        var stopped = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => copy.WaitAsync(Soon));
        Assert.Equal(cancel.Token, stopped.CancellationToken);
        await writer.DisposeAsync().AsTask().WaitAsync(Soon);
    }

    [Fact]
    public async Task Cancellation_is_heard_by_a_write_that_waits_on_a_thread()
    {
        using var cancel = new CancellationTokenSource();
        using var target = new StuckStream();
        await using var writer = new PayloadWriter(target, Options(PayloadCompression.None), cancel.Token);
        Task write = Task.Run(() => writer.Write(new byte[100 * Block]));
        await target.Reached.Task.WaitAsync(Soon);

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write.WaitAsync(Soon));
    }

    [Fact]
    public async Task The_slowest_level_lets_go_within_a_block()
    {
        var options = new PayloadWriteOptions { Compression = PayloadCompression.Zstd, Level = 22, Workers = 2, BlockSize = 32 * 1024 * 1024 };
        using var cancel = new CancellationTokenSource();
        var writer = new PayloadWriter(Stream.Null, options, cancel.Token);
        await writer.WriteAsync(Text(options.BlockSize));
        await Task.Delay(300);

        var clock = Stopwatch.StartNew();
        await cancel.CancelAsync();
        await writer.DisposeAsync();

        // The whole block takes more than ten seconds at this level.
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(8));
    }

    [Theory]
    [InlineData(PayloadCompression.None, 1)]
    [InlineData(PayloadCompression.Gzip, 2)]
    [InlineData(PayloadCompression.Zstd, 3)]
    public async Task A_stuck_target_holds_back_the_source(string compression, int workers)
    {
        using var cancel = new CancellationTokenSource();
        using var target = new StuckStream();
        await using var writer = new PayloadWriter(target, Options(compression, workers), cancel.Token);
        Task copy = writer.CopyFromAsync(new ZeroStream(Endless), null, CancellationToken.None);
        await target.Reached.Task.WaitAsync(Soon);
        await Task.Delay(100);

        Assert.InRange(writer.Position, 1, (workers + 2) * Block);
        Assert.InRange(writer.BlocksMade, 1, workers + 2);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => copy);
    }

    [Theory]
    [InlineData(PayloadCompression.None)]
    [InlineData(PayloadCompression.Zstd)]
    public async Task Ten_times_the_payload_takes_no_more_buffers(string compression)
    {
        await using var writer = new PayloadWriter(Stream.Null, Options(compression), CancellationToken.None);
        await writer.CopyFromAsync(new ZeroStream(100L * Block), null, CancellationToken.None);
        int blocks = writer.BlocksMade;

        await writer.CopyFromAsync(new ZeroStream(1000L * Block), null, CancellationToken.None);
        await writer.CompleteAsync();

        Assert.InRange(blocks, 1, 4);
        Assert.InRange(writer.BlocksMade, blocks, 4);
    }

    [Fact]
    public async Task A_small_payload_takes_one_block()
    {
        await using var writer = new PayloadWriter(Stream.Null, Options(PayloadCompression.Gzip, workers: 16), CancellationToken.None);
        await writer.WriteAsync(new byte[100]);
        await writer.CompleteAsync();

        Assert.Equal(1, writer.BlocksMade);
    }

    [Theory]
    [InlineData(PayloadCompression.None, true)]
    [InlineData(PayloadCompression.Gzip, true)]
    [InlineData(PayloadCompression.Zstd, true)]
    [InlineData(PayloadCompression.Zstd, false)]
    public async Task An_abandoned_writer_leaves_nothing_running_and_the_target_open(string compression, bool async)
    {
        using var target = new MemoryStream();
        var writer = new PayloadWriter(target, Options(compression), CancellationToken.None);
        await writer.WriteAsync(Text(10 * Block));

        if (async)
            await writer.DisposeAsync();
        else
            writer.Dispose();

        Assert.All(writer.Stages, stage => Assert.True(stage.IsCompletedSuccessfully));
        Assert.True(target.CanWrite);
        long length = target.Length;
        await Task.Delay(50);
        Assert.Equal(length, target.Length);
        Assert.Throws<ObjectDisposedException>(() => writer.Write([1]));
    }

    [Fact]
    public async Task Nothing_can_be_added_to_a_complete_payload()
    {
        await using var writer = new PayloadWriter(Stream.Null, Options(PayloadCompression.None), CancellationToken.None);
        await writer.CompleteAsync();

        Assert.False(writer.CanWrite);
        Assert.Throws<InvalidOperationException>(() => writer.Write([1]));
        await Assert.ThrowsAsync<InvalidOperationException>(writer.CompleteAsync);
    }

    private sealed class TimingOutStream : MemoryStream
    {
        internal const string Words = "The request timed out";

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            throw new TaskCanceledException(Words);
    }
}
