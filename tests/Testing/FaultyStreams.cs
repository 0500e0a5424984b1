using DbBackup.Engine.Platform;

namespace DbBackup.Testing;

/// <summary>A target whose volume is full after so many bytes.</summary>
internal sealed class FullVolumeStream(long room) : MemoryStream
{
    internal const string Words = "No space left on device";

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (Length + buffer.Length > room)
            throw new IOException(Words);
        return base.WriteAsync(buffer, cancellationToken);
    }
}

/// <summary>A target that never gets done, but listens to a cancellation.</summary>
internal sealed class StuckStream : MemoryStream
{
    internal TaskCompletionSource Reached { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Reached.TrySetResult();
        await Task.Delay(Timeout.Infinite, cancellationToken);
    }
}

/// <summary>A source of zeroes that ends after so many bytes, with a fault or by waiting for ever where asked to.</summary>
internal sealed class ZeroStream(long size, Exception? fault = null, bool waitsAtEnd = false) : ReadOnlyStream
{
    private long _left = size;

    public override int Read(Span<byte> buffer)
    {
        int count = (int)Math.Min(buffer.Length, _left);
        if (count == 0 && fault is not null)
            throw fault;
        buffer[..count].Clear();
        _left -= count;
        return count;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_left == 0 && waitsAtEnd)
            await Task.Delay(Timeout.Infinite, cancellationToken);
        return Read(buffer.Span);
    }
}

/// <summary>A source that gives a few bytes at a time, as a network does.</summary>
internal sealed class TrickleStream(byte[] bytes, int most) : MemoryStream(bytes)
{
    public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(most, buffer.Length)]);

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(Read(buffer.Span));
}

/// <summary>Notes every report at once, on the thread that makes it.</summary>
internal sealed class RecordedProgress : IProgress<long>
{
    internal List<long> Values { get; } = [];

    public void Report(long value) => Values.Add(value);
}
