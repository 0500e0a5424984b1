using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Repository.Stores.Remote;

/// <summary>A download that goes on where it was cut: it asks for the rest by a range.</summary>
/// <param name="first">The answer that began it; null to ask at the first read.</param>
/// <param name="offset">The place of its first byte in the object.</param>
/// <param name="length">How many bytes it has: fewer is a cut connection, which looks like an end.</param>
/// <param name="open">Opens the object at a place, up to the end or further than asked. It must be the same object: another version is a failure.</param>
/// <param name="retries">How often, and how long.</param>
/// <param name="stall">After how long a read without a byte counts as cut.</param>
/// <param name="failure">Turns what remains of a failure into one that says what to do.</param>
internal sealed class ResumingStream(
    Stream? first, long offset, long length, Func<long, CancellationToken, Task<Stream>> open, RemoteRetries retries, TimeSpan stall, Func<Exception, BackupException> failure) : ReadOnlyStream
{
    private Stream? _current = first;
    private long _at = offset;
    private long _left = length;

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        byte[] bytes = new byte[Math.Min(buffer.Length, 1 << 20)];
        int read = ReadAsync(bytes.AsMemory()).AsTask().GetAwaiter().GetResult();
        bytes.AsSpan(0, read).CopyTo(buffer);
        return read;
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        return ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_left == 0 || buffer.IsEmpty)
            return 0;
        buffer = buffer[..(int)Math.Min(buffer.Length, _left)];
        int read;
        try
        {
            read = await retries.RunAsync(stall, (_, token) => ReadOnceAsync(buffer, token), cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not BackupException and not OperationCanceledException)
        {
            throw failure(exception);
        }

        _at += read;
        _left -= read;
        return read;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _current?.Dispose();
        base.Dispose(disposing);
    }

    private async Task<int> ReadOnceAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            _current ??= await open(_at, cancellationToken).ConfigureAwait(false);
            int read = await _current.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            return read > 0 ? read : throw new EndOfStreamException($"the connection was cut after {_at} bytes, {_left} before the end");
        }
        catch
        {
            if (_current is { } cut)
            {
                _current = null;
                await cut.DisposeAsync().ConfigureAwait(false);
            }

            throw;
        }
    }
}
